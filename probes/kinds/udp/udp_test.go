package udp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

func TestUDP_FourStates(t *testing.T) {
	s, err := targets.UDPEcho("127.0.0.1:0")
	echo := probetest.ServeUDP(t, s, err)
	s, err = targets.UDPSilent("127.0.0.1:0")
	silent := probetest.ServeUDP(t, s, err)
	for name, c := range map[string]struct {
		target, options string
		outcome         wire.Outcome
		failure         wire.Failure
		state           string
	}{
		"answered":                          {echo, `{"payload":"hello"}`, wire.OK, "", "answered"},
		"answered, an empty datagram":       {echo, ``, wire.OK, "", "answered"},
		"answered in hex":                   {echo, `{"payload_hex":"de ad:be ef","expect":{"hex":"adbe","min_bytes":4,"max_bytes":4}}`, wire.OK, "", "answered"},
		"refused":                           {probetest.ClosedUDP(t), `{"payload":"x"}`, wire.Failed, wire.FailRefused, "refused"},
		"no answer":                         {silent, `{"payload":"x","wait":"50ms"}`, wire.Failed, wire.FailNoAnswer, "no_answer"},
		"no answer until the timeout":       {silent, `{"payload":"x"}`, wire.Failed, wire.FailNoAnswer, "no_answer"},
		"no answer, several datagrams":      {silent, `{"payload":"x","count":3,"interval":"10ms","wait":"50ms"}`, wire.Failed, wire.FailNoAnswer, "no_answer"},
		"mismatch by regex":                 {echo, `{"payload":"hello","expect":{"regex":"^bye"}}`, wire.Failed, wire.FailMismatch, "mismatch"},
		"mismatch by hex":                   {echo, `{"payload":"hello","expect":{"hex":"00"}}`, wire.Failed, wire.FailMismatch, "mismatch"},
		"mismatch by length":                {echo, `{"payload":"hello","expect":{"min_bytes":6}}`, wire.Failed, wire.FailMismatch, "mismatch"},
		"mismatch: not our protocol":        {echo, `{"protocol":"dns","wait":"50ms"}`, wire.Failed, wire.FailMismatch, "mismatch"},
		"slow":                              {echo, `{"payload":"x","within":"1ns"}`, wire.Failed, wire.FailSlow, "answered"},
		"inverted: silence is what we want": {silent, `{"payload":"x","wait":"50ms","invert":true}`, wire.OK, "", "no_answer"},
		"inverted: an answer":               {echo, `{"payload":"x","invert":true}`, wire.Failed, wire.FailAnswered, "answered"},
		"no source address":                 {echo, `{"source":"192.0.2.77"}`, wire.Broken, wire.BrokenLocal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := measureWithin(t, 300*time.Millisecond, "udp", c.target, c.options)
			probetest.WantFailure(t, r, c.outcome, c.failure)
			d := probetest.DetailsOf[Details](t, r)
			if d.State != c.state {
				t.Errorf("state %q, want %q", d.State, c.state)
			}
			if answered := d.RTTAvgNS != nil; answered != (d.Received > 0) || answered != (r.LatencyNS != nil) {
				t.Errorf("received %d, rtt %v, latency %v", d.Received, d.RTTAvgNS, r.LatencyNS)
			}
			if c.failure == wire.FailMismatch && len(r.Unmet) != 1 {
				t.Errorf("unmet %+v, want one", r.Unmet)
			}
		})
	}
}

func TestUDP_LossAndOrder(t *testing.T) {
	s, err := targets.UDPLossy("127.0.0.1:0", 4)
	addr := probetest.ServeUDP(t, s, err)
	r := measure(t, "udp", addr, `{"payload":"x","count":8,"interval":"10ms","wait":"50ms"}`)
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	if d.Sent != 8 || d.Received != 6 || d.Lost != 2 || *d.Loss != 0.25 || r.Loss == nil || *r.Loss != 0.25 {
		t.Errorf("%+v", d)
	}
	if *d.RTTMinNS > *d.RTTAvgNS || *d.RTTAvgNS > *d.RTTMaxNS || d.RTTMdevNS == nil || d.RTTJitterNS == nil {
		t.Errorf("times %s", r.Details)
	}
	probetest.WantFailure(t, measure(t, "udp", addr, `{"payload":"x","count":8,"interval":"10ms","wait":"50ms","expect":{"loss":0.25}}`), wire.OK, "")
	r = measure(t, "udp", addr, `{"payload":"x","count":8,"interval":"10ms","wait":"50ms","expect":{"loss":0.1}}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailLoss)
	if len(r.Unmet) != 1 || r.Unmet[0].Got != "25 %" {
		t.Errorf("unmet %+v", r.Unmet)
	}

	// The second datagram is overtaken by the third, and answered three times.
	s, err = targets.ServeUDP("127.0.0.1:0", func(n int, q []byte) []targets.UDPReply {
		a := targets.UDPReply{Payload: []byte("a")}
		if n == 2 {
			a.After = 450 * time.Millisecond
			return []targets.UDPReply{a, a, a}
		}
		return []targets.UDPReply{a}
	})
	addr = probetest.ServeUDP(t, s, err)
	d = probetest.DetailsOf[Details](t, measure(t, "udp", addr, `{"payload":"x","count":5,"interval":"300ms"}`))
	if d.Received != 5 || d.OutOfOrder != 1 || d.Duplicates != 2 {
		t.Errorf("received %d, out of order %d, duplicates %d, want 5, 1, 2", d.Received, d.OutOfOrder, d.Duplicates)
	}
	if rtt := time.Duration(*d.RTTMaxNS); rtt < 450*time.Millisecond || rtt > 590*time.Millisecond {
		t.Errorf("the late reply took %v", rtt)
	}
}

// TestUDP_Impaired: the figures show what was set.
func TestUDP_Impaired(t *testing.T) {
	for name, c := range map[string]struct {
		set   targets.Impairment
		check func(d Details) bool
	}{
		"20 ms": {targets.Impairment{Delay: 20 * time.Millisecond}, func(d Details) bool {
			return d.Received == 100 && *d.RTTMinNS >= 20e6 && *d.RTTMinNS < 21e6
		}},
		"10 % loss":      {targets.Impairment{Loss: 0.1}, func(d Details) bool { return d.Lost > 2 && d.Lost < 20 && *d.Loss == float64(d.Lost)/100 }},
		"20 % duplicate": {targets.Impairment{Duplicate: 0.2}, func(d Details) bool { return d.Received == 100 && d.Duplicates > 8 && d.Duplicates < 35 }},
		"30 % reordered": {targets.Impairment{Delay: 25 * time.Millisecond, Reorder: 0.3}, func(d Details) bool { return d.Received == 100 && d.OutOfOrder > 30 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.set.Seed = 1
			s, err := targets.UDPImpaired("127.0.0.1:0", c.set)
			r := measure(t, "udp", probetest.ServeUDP(t, s, err), `{"payload":"x","count":100,"interval":"10ms","wait":"500ms"}`)
			probetest.WantFailure(t, r, wire.OK, "")
			if d := probetest.DetailsOf[Details](t, r); !c.check(d) {
				t.Errorf("the figures do not show it: %s", r.Details)
			}
		})
	}
}

func TestUDP_TimeoutBeforeAllWereSent(t *testing.T) {
	s, err := targets.UDPEcho("127.0.0.1:0")
	r := measureWithin(t, 500*time.Millisecond, "udp", probetest.ServeUDP(t, s, err), `{"payload":"x","count":5,"interval":"200ms"}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailTimeout)
	if d := probetest.DetailsOf[Details](t, r); d.Sent != 3 || d.Received != 3 {
		t.Errorf("sent %d, received %d, want 3", d.Sent, d.Received)
	}
}

// TestUDP_HostileServer floods with what nobody asked for.
func TestUDP_HostileServer(t *testing.T) {
	junk := bytes.Repeat([]byte{0xff}, 60000)
	s, err := targets.ServeUDP("127.0.0.1:0", func(n int, q []byte) (all []targets.UDPReply) {
		for range 3000 {
			all = append(all, targets.UDPReply{Payload: junk})
		}
		return all
	})
	addr := probetest.ServeUDP(t, s, err)
	r := measureWithin(t, 500*time.Millisecond, "udp", addr, `{"protocol":"dns"}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
	if took := r.Elapsed(); took > 20*time.Second || len(r.Details) > 2000 {
		t.Errorf("took %v, %d bytes of details", took, len(r.Details))
	}
	r = measureWithin(t, 500*time.Millisecond, "udp", addr, `{"payload":"x","count":2,"interval":"50ms"}`)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); !d.ReplyCut {
		t.Error("a reply of 60000 bytes was not cut")
	}
}

func TestUDP_FallsBack(t *testing.T) {
	// localhost is 127.0.0.1 and ::1, in either order, and only one of them answers.
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		s, err := targets.UDPEcho(listen)
		if err != nil {
			t.Skip(err)
		}
		addr := probetest.ServeUDP(t, s, err)
		host, port, _ := net.SplitHostPort(addr)
		found, _ := net.DefaultResolver.LookupHost(t.Context(), "localhost")
		if !strings.Contains(strings.Join(found, " "), host) {
			t.Skipf("localhost is %v here", found)
		}
		r := measure(t, "udp", "localhost:"+port, `{"payload":"x"}`)
		probetest.WantFailure(t, r, wire.OK, "")
		if r.Address != host {
			t.Errorf("measured %s, want %s", r.Address, host)
		}
	}
}

func TestUDP_CancelledRunIsCutShort(t *testing.T) {
	s, err := targets.UDPSilent("127.0.0.1:0")
	c, err := Kinds().New(&probes.Env{}, "udp", probetest.ServeUDP(t, s, err), json.RawMessage(`{"payload":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begin := time.Now()
	c.Run(ctx, time.Minute, func(s probes.Step) {
		if strings.Contains(s.Text, "sent 1 byte ") {
			cancel()
		}
	})
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("a cancelled run took %v", took)
	}
}

func TestUDP_RefusesBadOptions(t *testing.T) {
	for options, want := range map[string]string{
		`{"protocol":"dsn"}`:    `options.protocol: want one of dns, ntp, sip, snmp, stun, quic, source, memcached, openvpn, wireguard, none, got "dsn"`,
		`{"payload_hex":"abc"}`: `options.payload_hex: want pairs of hex digits, got "abc": encoding/hex: odd length hex string`,
		`{"payload":"a","protocol":"dns","count":0,"interval":"1ms"}`: "options.payload: want one of protocol, payload and payload_hex, got 2 of them\n" +
			"options.count: want 1 to 100, got 0\noptions.interval: want at least 10ms, got \"1ms\"",
		`{"wait":"-1s"}`:                           `options.wait: want a positive duration, got "-1s"`,
		`{"expect":{"regex":"("}}`:                 "options.expect.regex: want a regular expression, got \"(\": error parsing regexp: missing closing ): `(`",
		`{"expect":{"hex":"zz"}}`:                  `options.expect.hex: want pairs of hex digits, got "zz": encoding/hex: invalid byte: U+007A 'z'`,
		`{"expect":{"loss":1.5}}`:                  `options.expect.loss: want 0 to less than 1, got 1.5`,
		`{"expect":{"min_bytes":9,"max_bytes":8}}`: `options.expect.max_bytes: want min_bytes to 65507, got 8`,
		`{"community":"public"}`:                   `options.community: want a reference, ${env:NAME} or ${file:PATH}`,
	} {
		if got := refused(t, "udp", "127.0.0.1:9", options); !strings.HasPrefix(got, want) {
			t.Errorf("%s gives\n%s\nwant\n%s", options, got, want)
		}
	}
}

// TestUDP_PortChoosesThePayload: where no payload is named.
func TestUDP_PortChoosesThePayload(t *testing.T) {
	for port, want := range map[uint16]string{53: "dns", 123: "ntp", 161: "snmp", 443: "quic", 9999: "none"} {
		plan, err := newProbe().plan(&probes.Run{}, "host", port)
		if err != nil || plan.protocol != want {
			t.Errorf("port %d: payload %q, %v, want %q", port, plan.protocol, err, want)
		}
	}
	p := newProbe()
	p.Payload = "x"
	if plan, _ := p.plan(&probes.Run{}, "host", 53); plan.protocol != "" {
		t.Errorf("an own payload counts as %q", plan.protocol)
	}
}

func TestUDP_KeepsTheCommunity(t *testing.T) {
	t.Setenv("NETMON_TEST_COMMUNITY", "s3same")
	s, err := targets.UDPEcho("127.0.0.1:0")
	addr := probetest.ServeUDP(t, s, err)
	env := &probes.Env{}
	c, err := Kinds().New(env, "udp", addr, json.RawMessage(`{"protocol":"snmp","wait":"50ms","community":"${env:NETMON_TEST_COMMUNITY}"}`))
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	r := c.Run(t.Context(), time.Second, func(s probes.Step) { said.WriteString(s.Text + "\n") })
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
	all, _ := json.Marshal(r)
	for _, secret := range []string{"s3same", fmt.Sprintf("%x", "s3same")} {
		if strings.Contains(string(all)+said.String(), secret) {
			t.Errorf("the community stands in\n%s\n%s", all, said.String())
		}
	}
	probetest.WantFailure(t, measure(t, "udp", addr, `{"protocol":"snmp","community":"${env:NETMON_TEST_NO_SUCH}"}`), wire.Broken, wire.BrokenSecret)
}

func TestUDP_Golden(t *testing.T) {
	s, err := targets.UDPEcho("127.0.0.1:0")
	r := measure(t, "udp", probetest.ServeUDP(t, s, err), `{"payload":"hello","count":2,"interval":"10ms","expect":{"regex":"bye"}}`)
	probetest.Golden(t, r, nil)
}
