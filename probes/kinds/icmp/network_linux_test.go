package icmp

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// Addresses behind the network interface of inNetworkOf.
const (
	far4, far6       = "10.9.0.2", "fd09::2"
	other4, other6   = "10.9.0.3", "fd09::3"
	router4, router6 = "10.9.0.254", "fd09::fe"
)

// inNetworkOf runs f in a network namespace of its own, with raw and with
// datagram sockets, in which reply plays the network behind 10.9.0.1 and fd09::1.
func inNetworkOf(t *testing.T, reply func(n int, packet []byte) []targets.NetworkReply, f func(t *testing.T)) {
	t.Helper()
	probetest.NeedIPv6(t)
	ip := need.Tool(t, "ip", "iproute2")
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		need.Missing(t, "%v", err)
	}
	for _, sockets := range []string{"raw", "datagram"} {
		t.Run(sockets, func(t *testing.T) {
			probetest.InOwnNetwork(t, func() {
				n, err := targets.ServeNetwork("tun0", reply)
				if err != nil {
					t.Error(err)
					return
				}
				defer n.Close()
				for _, args := range []string{"addr add 10.9.0.1/16 dev tun0", "addr add fd09::1/64 dev tun0 nodad", "link set tun0 up"} {
					if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
						t.Errorf("ip %s: %v: %s", args, err, out)
						return
					}
				}
				if sockets == "datagram" && !allowDatagramICMP(t) {
					return
				}
				probetest.AwaitIPv6(t, "fd09::1")
				f(t)
			})
		})
	}
}

// allowDatagramICMP lets everybody open datagram ICMP sockets in the calling
// thread's network namespace.
func allowDatagramICMP(t *testing.T) bool {
	err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0)
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// echoing answers each request.
func echoing(_ int, q []byte) []targets.NetworkReply {
	return []targets.NetworkReply{{Packet: targets.EchoReply(q)}}
}

// spoiled answers each request after a change to its message: the reply's
// ICMP header and payload.
func spoiled(change func(p []byte) []byte) func(int, []byte) []targets.NetworkReply {
	return func(_ int, q []byte) []targets.NetworkReply {
		return []targets.NetworkReply{{Packet: change(targets.EchoReply(q))}}
	}
}

// runTogether runs monitors at the same time, all on the sockets that env
// shares, which are opened in the calling thread's network namespace.
func runTogether(t *testing.T, env *probes.Env, options string, hosts ...string) []wire.Result {
	t.Helper()
	for _, v6 := range []bool{false, true} {
		if _, err := engineOf(env, v6); err != nil {
			t.Error(err)
			return nil
		}
	}
	results := make([]wire.Result, len(hosts))
	var runs sync.WaitGroup
	for i, target := range hosts {
		c, err := Kinds().New(env, "icmp", target, json.RawMessage(options))
		if err != nil {
			t.Error(err)
			return nil
		}
		runs.Go(func() { results[i] = c.Run(t.Context(), 5*time.Second, nil) })
	}
	runs.Wait()
	return results
}

// TestICMP_BadNetwork: the figures show what the network did.
func TestICMP_BadNetwork(t *testing.T) {
	type did struct{ lost, twice int }
	cases := []struct {
		name  string
		set   targets.Impairment
		check func(d Details, did did) bool
	}{
		{"20 ms", targets.Impairment{Delay: 20 * time.Millisecond}, func(d Details, _ did) bool {
			return d.Received == 100 && *d.RTTMinNS >= 20e6 && *d.RTTMinNS < 23e6 && *d.RTTP50NS < 60e6 && *d.RTTP99NS <= *d.RTTMaxNS
		}},
		{"10 % loss", targets.Impairment{Loss: 0.1}, func(d Details, did did) bool {
			return d.Lost == did.lost+d.Late && d.Lost > 0 && *d.Loss == float64(d.Lost)/100
		}},
		{"20 % duplicates", targets.Impairment{Duplicate: 0.2}, func(d Details, did did) bool {
			// The last one's may come after the run.
			return d.Received == 100 && d.Duplicates > 0 && (d.Duplicates == did.twice || d.Duplicates == did.twice-1)
		}},
		{"30 % reordered", targets.Impairment{Delay: 15 * time.Millisecond, Reorder: 0.3}, func(d Details, _ did) bool {
			return d.Received == 100 && d.OutOfOrder > 10 && *d.RTTJitterNS > 1e6 && *d.RTTJitterRFC3550NS > 1e5
		}},
	}
	var mu sync.Mutex
	var was map[netip.Addr]did // guarded by mu; by target
	var replies []func(int, []byte) []targets.NetworkReply
	var hosts []string
	for i, c := range cases {
		c.set.Seed = 1
		replies = append(replies, targets.ImpairedReplies(c.set))
		hosts = append(hosts, caseTargets(i)...)
	}
	inNetworkOf(t, func(n int, q []byte) []targets.NetworkReply {
		all := replies[caseOf(q)](n, q)
		to, _ := netip.AddrFromSlice(q[16:20])
		if q[0]>>4 == 6 {
			to, _ = netip.AddrFromSlice(q[24:40])
		}
		mu.Lock()
		defer mu.Unlock()
		now := was[to]
		switch len(all) {
		case 0:
			now.lost++
		case 2:
			now.twice++
		}
		was[to] = now
		return all
	}, func(t *testing.T) {
		mu.Lock()
		was = map[netip.Addr]did{}
		mu.Unlock()
		env := &probes.Env{}
		defer env.Close()
		for i, r := range runTogether(t, env, `{"count":100,"interval":"3ms","wait":"500ms"}`, hosts...) {
			probetest.WantFailure(t, r, wire.OK, "")
			mu.Lock()
			now := was[netip.MustParseAddr(r.Target)]
			mu.Unlock()
			c := cases[i/2]
			if d := probetest.DetailsOf[Details](t, r); !c.check(d, now) || d.Sent != 100 || d.Clock == "" {
				t.Errorf("%s %s: the figures do not show it, %+v: %s", c.name, r.Target, now, r.Details)
			}
		}
	})
}

func TestICMP_ImproperReplies(t *testing.T) {
	const mark, payload = 8, 8 + markLen
	at := func(i int) func(p []byte) []byte {
		return func(p []byte) []byte { targets.ICMP(p)[i] ^= 0x40; return targets.Sealed(p) }
	}
	cases := []struct {
		name      string
		change    func(p []byte) []byte
		failure   wire.Failure
		corrupted int
		says      string
	}{
		{"a bit of the payload", at(payload + 3), wire.FailBadAnswer, 1, "1 of 56 bytes are wrong, the first is byte 19"},
		{"a bit of the key", at(mark), wire.FailBadAnswer, 1, "1 of 56 bytes are wrong, the first is byte 0"},
		{"the index, to one that was never sent", at(mark + 15), wire.FailNoAnswer, 0, ""},
		{"the sequence number", at(7), wire.FailBadAnswer, 1, "sequence number"},
		{"cut", func(p []byte) []byte { return targets.Sealed(p[:len(p)-10]) }, wire.FailBadAnswer, 1, "46 bytes instead of 56"},
		{"longer", func(p []byte) []byte { return targets.Sealed(append(p, 1, 2, 3)) }, wire.FailBadAnswer, 1, "59 bytes instead of 56"},
		{"only an ICMP header", func(p []byte) []byte { return targets.Sealed(p[:len(p)-56]) }, wire.FailBadAnswer, 1, "0 bytes instead of 56"},
		{"another id", at(4), wire.FailNoAnswer, 0, ""},
		{"another code", at(1), wire.FailNoAnswer, 0, ""},
		{"another type", at(0), wire.FailNoAnswer, 0, ""},
		{"somebody else's payload", func(p []byte) []byte { clear(targets.ICMP(p)[6:]); return targets.Sealed(p) }, wire.FailNoAnswer, 0, ""},
	}
	inNetworkOf(t, func(_ int, q []byte) []targets.NetworkReply {
		return []targets.NetworkReply{{Packet: cases[caseOf(q)].change(targets.EchoReply(q))}}
	}, func(t *testing.T) {
		for i, c := range cases {
			for _, target := range caseTargets(i) {
				timeout := 200 * time.Millisecond // as the true one might still come
				if c.failure == wire.FailNoAnswer {
					timeout = 40 * time.Millisecond
				}
				r := measureWithin(t, timeout, "icmp", target, ``)
				probetest.WantFailure(t, r, wire.Failed, c.failure)
				d := probetest.DetailsOf[Details](t, r)
				if d.Received != 0 || d.Corrupted != c.corrupted || !strings.Contains(r.Error, c.says) {
					t.Errorf("%s: received %d, corrupted %d, want 0, %d: %s", c.name, d.Received, d.Corrupted, c.corrupted, r.Error)
				}
			}
		}
	})
}

// TestICMP_SpoiledThenTrue: who spoils a reply, or makes one up, does not keep
// the true one from counting. Both are reported.
func TestICMP_SpoiledThenTrue(t *testing.T) {
	inNetworkOf(t, func(_ int, q []byte) (all []targets.NetworkReply) {
		for _, at := range []int{8 + markLen + 3, 7} { // a byte of the payload, the sequence number
			p := targets.EchoReply(q)
			targets.ICMP(p)[at] ^= 0x40
			all = append(all, targets.NetworkReply{Packet: targets.Sealed(p)})
		}
		return append(all, targets.NetworkReply{Packet: targets.EchoReply(q), After: 50 * time.Millisecond})
	}, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		for _, target := range []string{far4, far6} {
			r := measure(t, "icmp", target, `{"count":2,"interval":"1ms"}`)
			_, done, ok := begin(t, env, target, ``)
			if !ok {
				t.Error("not begun")
				return
			}
			e, err := engineOf(env, target == far6)
			if err != nil {
				t.Error(err)
				return
			}
			e.expect()
			for i, r := range []wire.Result{r, <-done} {
				probetest.WantFailure(t, r, wire.OK, "")
				n := 2 - i
				if d := probetest.DetailsOf[Details](t, r); d.Received != n || d.Corrupted != 2*n || !strings.Contains(r.Summary, fmt.Sprintf("%d corrupted", 2*n)) {
					t.Errorf("%s, %q", r.Details, r.Summary)
				}
			}
		}
	})
}

// caseTargets are the addresses, of both families, by which a test separates the
// network which of its cases to play.
func caseTargets(i int) []string {
	return []string{fmt.Sprintf("10.9.7.%d", i), fmt.Sprintf("fd09::7:%x", i)}
}

// caseOf is the number of the case in the address that a packet is sent to.
func caseOf(packet []byte) int {
	if packet[0]>>4 == 6 {
		return int(packet[39])
	}
	return int(packet[19])
}

// TestICMP_WrongChecksum: a raw socket of IPv4 sees what the kernel has not
// checked yet; elsewhere the kernel drops it.
func TestICMP_WrongChecksum(t *testing.T) {
	inNetworkOf(t, spoiled(func(p []byte) []byte { targets.ICMP(p)[2]++; return p }), func(t *testing.T) {
		want := map[bool]wire.Failure{true: wire.FailBadAnswer, false: wire.FailNoAnswer}
		probetest.WantFailure(t, measureWithin(t, 100*time.Millisecond, "icmp", far4, ``), wire.Failed, want[strings.HasSuffix(t.Name(), "raw")])
		probetest.WantFailure(t, measureWithin(t, 100*time.Millisecond, "icmp", far6, ``), wire.Failed, wire.FailNoAnswer)
	})
}

func TestICMP_ReplyFromElsewhere(t *testing.T) {
	other := map[bool]netip.Addr{false: netip.MustParseAddr(other4), true: netip.MustParseAddr(other6)}
	inNetworkOf(t, spoiled(func(p []byte) []byte { return targets.ReplyFrom(other[p[0]>>4 == 6], p) }), func(t *testing.T) {
		for _, target := range []string{far4, far6} {
			r := measureWithin(t, 100*time.Millisecond, "icmp", target, ``)
			probetest.WantFailure(t, r, wire.Failed, wire.FailNoAnswer)
			from := other[target == far6].String()
			if d := probetest.DetailsOf[Details](t, r); d.Received != 0 || d.WrongSource != 1 || !strings.Contains(r.Error, from) {
				t.Errorf("received %d, wrong source %d: %s", d.Received, d.WrongSource, r.Error)
			}
		}
	})
}

func TestICMP_Errors(t *testing.T) {
	router := map[bool]netip.Addr{false: netip.MustParseAddr(router4), true: netip.MustParseAddr(router6)}
	cases := []struct {
		v6           bool
		typ, code    uint8
		rest         uint32
		quote, count int
		failure      wire.Failure
		name         string
		mtu          int
	}{
		{false, 3, 1, 0, 28, 1, wire.FailUnreachable, "host unreachable", 0},
		{false, 3, 13, 0, 500, 2, wire.FailUnreachable, "communication administratively prohibited", 0},
		{false, 3, 4, 1400, 500, 1, wire.FailUnreachable, "fragmentation needed", 1400},
		{false, 3, 15, 0, 500, 1, wire.FailUnreachable, "precedence cutoff in effect", 0},
		{false, 11, 0, 0, 28, 1, wire.FailTTLExceeded, "time to live exceeded in transit", 0},
		{false, 12, 0, 0, 500, 1, wire.FailUnreachable, "pointer indicates the error", 0},
		{true, 1, 0, 0, 48, 1, wire.FailUnreachable, "no route to destination", 0},
		{true, 1, 1, 0, 500, 2, wire.FailUnreachable, "communication administratively prohibited", 0},
		{true, 2, 0, 1300, 500, 1, wire.FailUnreachable, "packet too big", 1300},
		{true, 3, 0, 0, 500, 1, wire.FailTTLExceeded, "hop limit exceeded in transit", 0},
		{true, 4, 1, 0, 500, 1, wire.FailUnreachable, "unrecognized next header", 0},
	}
	inNetworkOf(t, func(_ int, q []byte) []targets.NetworkReply {
		c := cases[caseOf(q)]
		return []targets.NetworkReply{{Packet: targets.ICMPErrorFrom(router[c.v6], c.typ, c.code, c.rest, c.quote, q)}}
	}, func(t *testing.T) {
		for i, c := range cases {
			target := caseTargets(i)[0]
			if c.v6 {
				target = caseTargets(i)[1]
			}
			r := measureWithin(t, time.Minute, "icmp", target, fmt.Sprintf(`{"count":%d,"interval":"1ms"}`, c.count))
			probetest.WantFailure(t, r, wire.Failed, c.failure)
			want := Error{int(c.typ), int(c.code), c.name, router[c.v6].String(), c.mtu, c.count}
			d := probetest.DetailsOf[Details](t, r)
			if len(d.Errors) != 1 || d.Errors[0] != want || d.Lost != c.count {
				t.Errorf("got %+v, want %+v", d.Errors, want)
			}
			if !strings.Contains(r.Error, c.name) || !strings.Contains(r.Error, router[c.v6].String()) {
				t.Errorf("the error %q does not say it", r.Error)
			}
			if r.Elapsed() > 30*time.Second {
				t.Errorf("the run went on for %v", r.Elapsed())
			}
		}
	})
}

// TestICMP_ErrorsOfOthers: an error about a packet that we did not send, or not
// there, changes nothing.
func TestICMP_ErrorsOfOthers(t *testing.T) {
	router := map[bool]netip.Addr{false: netip.MustParseAddr(router4), true: netip.MustParseAddr(router6)}
	inNetworkOf(t, func(_ int, q []byte) (all []targets.NetworkReply) {
		v6 := q[0]>>4 == 6
		typ, to := uint8(3), 16
		if v6 {
			typ, to = 1, 24
		}
		lie := func(at int) {
			p := append([]byte(nil), q...)
			p[at]++
			all = append(all, targets.NetworkReply{Packet: targets.ICMPErrorFrom(router[v6], typ, 0, 0, 500, p)})
		}
		lie(to + 3)
		icmp := len(q) - len(targets.ICMP(q))
		for _, at := range []int{0, 4, 8, 16, 20} { // type, id, key, run, index
			lie(icmp + at)
		}
		return append(all, targets.NetworkReply{Packet: targets.EchoReply(q), After: 20 * time.Millisecond})
	}, func(t *testing.T) {
		for _, target := range []string{far4, far6} {
			r := measure(t, "icmp", target, ``)
			probetest.WantFailure(t, r, wire.OK, "")
			if d := probetest.DetailsOf[Details](t, r); d.Errors != nil || d.Received != 1 {
				t.Errorf("%s", r.Details)
			}
		}
	})
}

// TestICMP_ErrorsStayWithTheirRun: on a datagram socket the kernel reports an
// error to whoever sends next.
func TestICMP_ErrorsStayWithTheirRun(t *testing.T) {
	inNetworkOf(t, func(_ int, q []byte) []targets.NetworkReply {
		if q[19] == 2 { // far4
			return []targets.NetworkReply{{Packet: targets.ICMPErrorFrom(netip.MustParseAddr(router4), 3, 1, 0, 500, q)}}
		}
		return echoing(0, q)
	}, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		for _, r := range runTogether(t, env, `{"count":200,"interval":"1ms"}`, far4, other4, far4, other4) {
			d := probetest.DetailsOf[Details](t, r)
			if r.Target == other4 {
				if d.Received != 200 || d.Errors != nil {
					t.Errorf("%s", r.Details)
				}
			} else if d.Received != 0 || len(d.Errors) != 1 || d.Errors[0].Count != 200 {
				t.Errorf("%s", r.Details)
			}
		}
	})
}

func TestICMP_ManyErrorsAreBounded(t *testing.T) {
	inNetworkOf(t, func(n int, q []byte) (all []targets.NetworkReply) {
		for i := range 20 {
			all = append(all, targets.NetworkReply{Packet: targets.ICMPErrorFrom(netip.AddrFrom4([4]byte{10, 9, 1, byte(i)}), 3, 1, 0, 500, q)})
		}
		return all
	}, func(t *testing.T) {
		r := measure(t, "icmp", far4, `{"count":20,"interval":"5ms"}`)
		probetest.WantFailure(t, r, wire.Failed, wire.FailUnreachable)
		d := probetest.DetailsOf[Details](t, r)
		if len(d.Errors) != mostErrors || d.OtherErrors == 0 || len(r.Details) > 2000 {
			t.Errorf("%d errors, %d more, %d bytes", len(d.Errors), d.OtherErrors, len(r.Details))
		}
	})
}

func TestICMP_Late(t *testing.T) {
	inNetworkOf(t, func(n int, q []byte) []targets.NetworkReply {
		return []targets.NetworkReply{{Packet: targets.EchoReply(q), After: 60 * time.Millisecond}}
	}, func(t *testing.T) {
		// Later than wait, while the run still continues.
		r := measure(t, "icmp", far4, `{"count":5,"interval":"25ms","wait":"30ms"}`)
		probetest.WantFailure(t, r, wire.Failed, wire.FailNoAnswer)
		if d := probetest.DetailsOf[Details](t, r); d.Late < 2 || d.Received != 0 || d.Lost != 5 || !strings.Contains(r.Error, "late") {
			t.Errorf("late %d, received %d: %s", d.Late, d.Received, r.Error)
		}

		// After the run: the next one reports them.
		env := &probes.Env{}
		defer env.Close()
		c, err := Kinds().New(env, "icmp", far4, json.RawMessage(`{"count":2,"interval":"1ms"}`))
		if err != nil {
			t.Error(err)
			return
		}
		probetest.WantFailure(t, c.Run(t.Context(), 30*time.Millisecond, nil), wire.Failed, wire.FailNoAnswer)
		r = c.Run(t.Context(), time.Second, nil)
		probetest.WantFailure(t, r, wire.OK, "")
		if d := probetest.DetailsOf[Details](t, r); d.Late != 2 || d.Received != 2 || d.Duplicates != 0 {
			t.Errorf("%s, want 2 late of the run before", r.Details)
		}
		r = c.Run(t.Context(), time.Second, nil)
		if d := probetest.DetailsOf[Details](t, r); d.Late != 0 {
			t.Errorf("%s, want none late any more", r.Details)
		}
		e, err := engineOf(env, false)
		if err != nil || len(e.runs) != 0 || len(e.seqs) != 0 {
			t.Errorf("left behind: %d runs, %d requests, %v", len(e.runs), len(e.seqs), err)
		}
	})
}

// TestICMP_HostileTarget floods with duplicates and with what nobody asked for.
func TestICMP_HostileTarget(t *testing.T) {
	inNetworkOf(t, func(n int, q []byte) (all []targets.NetworkReply) {
		reply := targets.EchoReply(q)
		for i := range 3000 {
			junk := append([]byte(nil), reply...)
			binary.BigEndian.PutUint32(targets.ICMP(junk)[20+i%3*8:], uint32(i))
			all = append(all, targets.NetworkReply{Packet: reply}, targets.NetworkReply{Packet: targets.Sealed(junk)})
		}
		return all
	}, func(t *testing.T) {
		r := measureWithin(t, 2*time.Second, "icmp", far4, `{"count":3,"interval":"50ms"}`)
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		if d.Received != 3 || d.Duplicates == 0 || r.Elapsed() > 2*time.Second || len(r.Details) > 2000 {
			t.Errorf("%s", r.Details)
		}
	})
}

func TestICMP_Outcomes(t *testing.T) {
	third := func(_ int, q []byte) []targets.NetworkReply { // the third of a run is lost, the sixth too
		index := binary.BigEndian.Uint32(targets.ICMP(q)[20:])
		if index%3 == 2 {
			return nil
		}
		return []targets.NetworkReply{{Packet: targets.EchoReply(q), After: time.Duration(index%3+1) * 5 * time.Millisecond}}
	}
	inNetworkOf(t, third, func(t *testing.T) {
		for name, c := range map[string]struct {
			options string
			outcome wire.Outcome
			failure wire.Failure
			unmet   string
		}{
			"one reply is enough":   {`{"count":6,"interval":"2ms","wait":"800ms"}`, wire.OK, "", ""},
			"little loss":           {`{"count":6,"interval":"2ms","wait":"800ms","expect":{"loss":0.4}}`, wire.OK, "", ""},
			"too much loss":         {`{"count":6,"interval":"2ms","wait":"800ms","expect":{"loss":0.2}}`, wire.Failed, wire.FailLoss, "loss"},
			"little jitter":         {`{"count":6,"interval":"2ms","wait":"800ms","expect":{"jitter":"700ms","min_ttl":64}}`, wire.OK, "", ""},
			"too much jitter":       {`{"count":6,"interval":"2ms","wait":"800ms","expect":{"jitter":"1ms"}}`, wire.Failed, wire.FailMismatch, "jitter"},
			"too far":               {`{"count":2,"interval":"2ms","expect":{"min_ttl":65}}`, wire.Failed, wire.FailMismatch, "min_ttl"},
			"slow":                  {`{"count":2,"interval":"2ms","within":"1ms"}`, wire.Failed, wire.FailSlow, "within"},
			"an answer is not ok":   {`{"count":2,"interval":"2ms","invert":true}`, wire.Failed, wire.FailAnswered, ""},
			"not all could be sent": {`{"count":9,"interval":"80ms"}`, wire.Failed, wire.FailTimeout, ""},
			"source":                {`{"count":2,"interval":"2ms","source":"10.9.0.1"}`, wire.OK, "", ""},
			"interface":             {`{"count":2,"interval":"2ms","source":"tun0"}`, wire.OK, "", ""},
			"no such source":        {`{"source":"10.9.0.77"}`, wire.Broken, wire.BrokenLocal, ""},
			"no such interface":     {`{"source":"eth77"}`, wire.Broken, wire.BrokenLocal, ""},
			"larger than the link":  {`{"size":2000,"df":true}`, wire.Broken, wire.BrokenLocal, ""},
		} {
			timeout := 5 * time.Second
			if c.failure == wire.FailTimeout {
				timeout = 300 * time.Millisecond
			}
			r := measureWithin(t, timeout, "icmp", far4, c.options)
			probetest.WantFailure(t, r, c.outcome, c.failure)
			unmet := ""
			if len(r.Unmet) == 1 {
				unmet = r.Unmet[0].Expect
			}
			if unmet != c.unmet || len(r.Unmet) > 1 {
				t.Errorf("%s: unmet %+v, want %s", name, r.Unmet, c.unmet)
			}
			if c.options == `{"size":2000,"df":true}` && !strings.Contains(r.Error, "packets of 2028 bytes (size 2000) do not fit the MTU of 1500") {
				t.Errorf("the error %q does not tell the MTU", r.Error)
			}
		}
	})
}

// TestICMP_OptionsOnTheWire looks at the packets that arrive.
func TestICMP_OptionsOnTheWire(t *testing.T) {
	heard := make(chan []byte, 10)
	inNetworkOf(t, func(_ int, q []byte) []targets.NetworkReply {
		heard <- q
		return echoing(0, q)
	}, func(t *testing.T) {
		probetest.WantFailure(t, measure(t, "icmp", far4, `{"ttl":7,"dscp":46,"df":true,"size":100}`), wire.OK, "")
		p := <-heard
		if p[8] != 7 || p[1] != 46<<2 || p[6]&0x40 == 0 || len(p) != 128 {
			t.Errorf("TTL %d, TOS %#x, DF %v, %d bytes, want 7, 0xb8, true, 128", p[8], p[1], p[6]&0x40 != 0, len(p))
		}
		probetest.WantFailure(t, measure(t, "icmp", far6, `{"ttl":7,"dscp":46,"df":true,"size":100}`), wire.OK, "")
		p = <-heard
		if class := p[0]<<4 | p[1]>>4; p[7] != 7 || class != 46<<2 || len(p) != 148 {
			t.Errorf("hop limit %d, class %#x, %d bytes, want 7, 0xb8, 148", p[7], class, len(p))
		}
	})
}

func TestICMP_CancelledRunIsCutShort(t *testing.T) {
	inNetworkOf(t, func(int, []byte) []targets.NetworkReply { return nil }, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		c, err := Kinds().New(env, "icmp", far4, nil)
		if err != nil {
			t.Error(err)
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		c.Run(ctx, time.Minute, func(s probes.Step) {
			if strings.HasPrefix(s.Text, "sent") {
				cancel()
			}
		})
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("a cancelled run took %v", took)
		}
	})
}

// TestICMP_Golden keeps the shape of a result: of three requests one is
// answered, one refused by a router, one spoiled.
func TestICMP_Golden(t *testing.T) {
	inNetworkOf(t, func(n int, q []byte) []targets.NetworkReply {
		p := targets.EchoReply(q)
		switch binary.BigEndian.Uint32(targets.ICMP(q)[20:]) { // the index of the request
		case 1:
			p = targets.ICMPErrorFrom(netip.MustParseAddr(router4), 3, 13, 0, 500, q)
		case 2:
			targets.ICMP(p)[40]++
			p = targets.Sealed(p)
		}
		return []targets.NetworkReply{{Packet: p}}
	}, func(t *testing.T) {
		r := measureWithin(t, 500*time.Millisecond, "icmp", far4, `{"count":3,"interval":"5ms","expect":{"loss":0.5,"min_ttl":60}}`)
		probetest.Golden(t, r, map[string]string{`"clock": "user"`: `"clock": "kernel"`}) // where CPU is short
	})
}
