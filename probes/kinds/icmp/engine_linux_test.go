package icmp

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"golang.org/x/sys/unix"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// inBothModes runs f with raw and with datagram sockets, in a network namespace
// that has nothing but 127.0.0.0/8 and ::1.
func inBothModes(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, sockets := range []string{"raw", "datagram"} {
		t.Run(sockets, func(t *testing.T) {
			probetest.InOwnNetwork(t, func() {
				if sockets == "raw" || allowDatagramICMP(t) {
					f(t)
				}
			})
		})
	}
}

// TestICMP_ManyRunsShareOneSocket: each gets its own replies, and no other's.
func TestICMP_ManyRunsShareOneSocket(t *testing.T) {
	inBothModes(t, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		families := []string{"127.0.%d.%d"}
		if probetest.HasIPv6() {
			families = append(families, "::1")
		}
		for _, v6 := range []bool{false, true}[:len(families)] {
			if _, err := engineOf(env, v6); err != nil { // opened here, in this thread's namespace
				t.Error(err)
				return
			}
		}
		before := probetest.OpenFiles(t)
		const monitors = 200
		var runs sync.WaitGroup
		for i := range monitors {
			target := families[i%len(families)]
			if strings.Contains(target, "%") {
				target = fmt.Sprintf(target, i/250, i%250+1)
			}
			c, err := Kinds().New(env, "icmp", target, json.RawMessage(`{"count":5,"interval":"2ms"}`))
			if err != nil {
				t.Error(err)
				return
			}
			runs.Go(func() {
				for range 3 {
					r := c.Run(t.Context(), 10*time.Second, nil)
					d := probetest.DetailsOf[Details](t, r)
					if r.Outcome != wire.OK || d.Sent != 5 || d.Received != 5 || d.Duplicates+d.Late+d.Corrupted+d.WrongSource > 0 {
						t.Errorf("%s: %s %s: %s", target, r.Outcome, r.Error, r.Details)
					}
				}
			})
		}
		if during := probetest.OpenFiles(t); during != before {
			t.Errorf("%d files are open, %d before the runs", during, before)
		}
		runs.Wait()
		for i := range families {
			e, _ := engineOf(env, i == 1)
			e.mu.Lock()
			if len(e.runs)+len(e.seqs)+len(e.ended) > 0 {
				t.Errorf("left behind: %d runs, %d requests", len(e.runs), len(e.seqs))
			}
			e.mu.Unlock()
		}
	})
}

// TestICMP_TwoAgents: two engines on one host, as of two processes, hear nothing
// of each other.
func TestICMP_TwoAgents(t *testing.T) {
	inBothModes(t, func(t *testing.T) {
		a, errA := startICMP(probes.Common{}, options{})
		b, errB := startICMP(probes.Common{}, options{})
		if errA != nil || errB != nil {
			t.Error(errA, errB)
			return
		}
		defer a.Close()
		defer b.Close()
		if a.key == b.key || string(a.pattern) == string(b.pattern) || a.sock.id == b.sock.id {
			t.Errorf("both have key %x or id %d", a.key, a.sock.id)
		}
	})
}

// TestICMP_NoPermission drops the capability from this thread alone.
func TestICMP_NoPermission(t *testing.T) {
	probetest.InOwnNetwork(t, func() {
		if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("1 0"), 0); err != nil {
			t.Error(err)
			return
		}
		h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if err := unix.Capget(&h, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		caps[0].Effective &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&h, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		r := measure(t, "icmp", "127.0.0.1", `{"count":2}`)
		probetest.WantFailure(t, r, wire.Broken, wire.BrokenPermission)
		for _, command := range []string{`sysctl -w net.ipv4.ping_group_range="0 2147483647"`, "setcap cap_net_raw+ep /"} {
			if !strings.Contains(r.Error, command) {
				t.Errorf("%q does not tell to run %s", r.Error, command)
			}
		}
		k, _ := Kinds().Find("icmp")
		if err := k.Ready(&probes.Env{}); err == nil || err.Error() != r.Error {
			t.Errorf("Ready says %v", err)
		}
	})
}

// TestICMP_NoRoute: nothing can be sent, which is neither silence nor loss.
func TestICMP_NoRoute(t *testing.T) {
	inBothModes(t, func(t *testing.T) {
		hosts := []string{"192.0.2.1", "127.255.255.255"} // the broadcast address of lo
		if probetest.HasIPv6() {
			hosts = append(hosts, "2001:db8::1")
		}
		for _, target := range hosts {
			r := measure(t, "icmp", target, ``)
			probetest.WantFailure(t, r, wire.Broken, wire.BrokenNoRoute)
			if d := probetest.DetailsOf[Details](t, r); d.Sent != 0 || d.Loss != nil || r.Loss != nil {
				t.Errorf("details %s", r.Details)
			}
		}
	})
}

// TestICMP_OwnFirewall: that this host forbids it says nothing of the target.
func TestICMP_OwnFirewall(t *testing.T) {
	nft := need.Tool(t, "nft", "nftables")
	inBothModes(t, func(t *testing.T) {
		for _, args := range []string{"add table ip f", "add chain ip f o { type filter hook output priority 0 ; }", "add rule ip f o icmp type echo-request drop"} {
			if out, err := probetest.RunProgram(nft, args); err != nil {
				t.Errorf("nft %s: %v: %s", args, err, out)
				return
			}
		}
		probetest.WantFailure(t, measure(t, "icmp", "127.0.0.1", ``), wire.Broken, wire.BrokenPermission)
	})
}

// TestICMP_SequenceNumbersWrap: the 16 bits of the sequence number may run over
// while runs wait.
func TestICMP_SequenceNumbersWrap(t *testing.T) {
	probetest.InOwnNetwork(t, func() {
		e, err := startICMP(probes.Common{}, options{})
		if err != nil {
			t.Error(err)
			return
		}
		defer e.Close()
		e.seq = 1<<16 - 3
		e.seqs[1<<16-1] = icmpSlot{run: &run{}} // waits for long
		seen := map[uint16]bool{}
		for range 10 {
			seq := e.nextSeqLocked()
			e.seqs[seq] = icmpSlot{run: &run{}}
			if seen[seq] || seq == 1<<16-1 {
				t.Errorf("number %d is given twice", seq)
			}
			seen[seq] = true
		}
		for range 1 << 16 { // more than there are: the oldest gives way
			e.seqs[e.nextSeqLocked()] = icmpSlot{run: &run{}}
		}
		if len(e.seqs) > 1<<16 {
			t.Errorf("%d entries", len(e.seqs))
		}
	})
}

// TestICMP_EndedRunsAreBounded: what waits for late replies is forgotten.
func TestICMP_EndedRunsAreBounded(t *testing.T) {
	e := &echoEngine{sock: &socket{}, runs: map[uint32]*run{}, seqs: map[uint16]icmpSlot{}}
	lose := func() *run {
		r := e.open(far, 1, 56)
		r.seqs, r.answered = []uint16{7}, []bool{false}
		r.close()
		return r
	}
	for range mostEnded + 100 {
		lose()
	}
	if len(e.ended) > mostEnded || len(e.runs) > mostEnded {
		t.Errorf("%d runs are kept", len(e.ended))
	}
	lose().countLate()
	e.mu.Lock()
	e.forgetLocked(time.Now().Add(lateFor + time.Second))
	e.mu.Unlock()
	if len(e.ended)+len(e.runs) > 0 {
		t.Errorf("%d runs are kept for ever", len(e.runs))
	}
}

// TestICMP_ClosesCleanly: one goroutine per socket, however many runs there
// are, and none after the end.
func TestICMP_ClosesCleanly(t *testing.T) {
	probetest.InOwnNetwork(t, func() {
		readers := func() int {
			var all strings.Builder
			pprof.Lookup("goroutine").WriteTo(&all, 2)
			return strings.Count(all.String(), "(*echoEngine).readLoop(")
		}
		before, files := readers(), probetest.OpenFiles(t)
		env := &probes.Env{}
		for _, options := range []string{``, ``, `{"ttl":9}`, `{"dscp":1}`, `{"df":true}`, `{"source":"lo"}`, `{"source":"127.0.0.1"}`, `{"size":2000}`} {
			c, err := Kinds().New(env, "icmp", "127.0.0.1", json.RawMessage(options))
			if err != nil {
				t.Error(err)
				return
			}
			probetest.WantFailure(t, c.Run(t.Context(), 5*time.Second, nil), wire.OK, "")
			if n := readers() - before; n != 1 {
				t.Errorf("%d goroutines read after %s, want the shared socket's", n, options)
			}
		}
		if err := env.Close(); err != nil {
			t.Error(err)
		}
		if n := readers() - before; n != 0 || probetest.OpenFiles(t) != files {
			t.Errorf("%d goroutines, %d files stay, %d before", n, probetest.OpenFiles(t), files)
		}
	})
}

// TestICMP_FullSocketIsNoticed: the kernel reports how many packets it dropped.
func TestICMP_FullSocketIsNoticed(t *testing.T) {
	inBothModes(t, func(t *testing.T) {
		e, err := startICMP(probes.Common{}, options{})
		if err != nil {
			t.Error(err)
			return
		}
		defer e.Close()
		e.sock.rc.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) })
		to := netip.MustParseAddr("127.0.0.1")
		packet := make([]byte, 100)
		putICMPEcho(packet, false, e.sock.id, 1)
		send := func(n int) {
			for range n {
				if _, _, err := e.sock.send(t.Context(), packet, to); err != nil {
					t.Error(err)
				}
			}
		}
		if n := e.sock.drops(); n != 0 {
			t.Errorf("%d packets are lost before the first was sent", n)
		}
		e.mu.Lock() // so that the reader stands still
		send(200)
		e.mu.Unlock()
		if n := e.sock.drops(); n < 100 || n > 400 { // a raw socket counts the requests, too
			t.Errorf("%d packets are lost by the kernel's count, want nearly 200 or 400", n)
		}
	})
}

// BenchmarkICMP is one echo of one of many monitors, CPU time of the whole
// process with it: by the shared socket, and by a pinger of its own for each.
func BenchmarkICMP(b *testing.B) {
	needICMP(b)
	cpu := func() time.Duration {
		var u unix.Rusage
		unix.Getrusage(unix.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	measured := func(b *testing.B, echo func(i int)) {
		b.SetParallelism(100) // monitors at once, for each processor
		var next atomic.Int64
		begin := cpu()
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			i := int(next.Add(1))
			for pb.Next() {
				echo(i)
			}
		})
		b.ReportMetric(float64(cpu()-begin)/float64(b.N), "cpu-ns/op")
	}
	b.Run("shared", func(b *testing.B) {
		env := &probes.Env{}
		defer env.Close()
		checks := make([]*probes.Check, 1000)
		for i := range checks {
			var err error
			if checks[i], err = Kinds().New(env, "icmp", fmt.Sprintf("127.0.1.%d", i%250+1), nil); err != nil {
				b.Fatal(err)
			}
		}
		measured(b, func(i int) {
			if r := checks[i%len(checks)].Run(b.Context(), 5*time.Second, nil); r.Outcome != wire.OK {
				b.Errorf("%s: %s", r.Failure, r.Error)
			}
		})
	})
	b.Run("pro-bing", func(b *testing.B) {
		_, raw, err := open(false)
		if err != nil {
			b.Fatal(err)
		}
		var lost atomic.Int64 // raw sockets by the hundred lose replies
		measured(b, func(i int) {
			p := probing.New(fmt.Sprintf("127.0.1.%d", i%250+1))
			p.SetPrivileged(raw)
			p.SetLogger(probing.NoopLogger{})
			p.Count, p.Timeout = 1, time.Second
			if err := p.Run(); err != nil {
				b.Error(err)
			}
			lost.Add(int64(1 - p.PacketsRecv))
		})
		b.ReportMetric(float64(lost.Load())/float64(b.N), "lost/op")
	})
}
