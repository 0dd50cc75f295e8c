package icmp

import (
	"net/netip"
	"testing"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// needICMP skips the test where this process may open no ICMP socket.
func needICMP(t testing.TB) {
	t.Helper()
	if err := ready(); err != nil {
		need.Missing(t, "%v", err)
	}
}

func TestICMP_Loopback(t *testing.T) {
	needICMP(t)
	for _, target := range []string{"127.0.0.1", "::1"} {
		if target == "::1" && !probetest.HasIPv6() {
			t.Log("no IPv6 loopback here")
			continue
		}
		r := measure(t, "icmp", target, `{"count":3,"interval":"10ms"}`)
		for try := 0; r.Clock == engine.ClockUser && try < 20; try++ { // this host is short of CPU
			r = measure(t, "icmp", target, `{"count":3,"interval":"10ms"}`)
		}
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		if d.Sent != 3 || d.Received != 3 || d.Lost != 0 || *d.Loss != 0 || *d.RTTAvgNS <= 0 || d.TTL != 64 || d.TTLMin != 64 {
			t.Errorf("%+v", d)
		}
		if r.Clock != engine.ClockKernel || *r.LatencyNS != *d.RTTAvgNS || d.Clock != engine.ClockKernel {
			t.Errorf("clock %q, latency %v", r.Clock, r.LatencyNS)
		}
	}
}

// FuzzICMPReceived gives an engine whatever may come on its socket, by either
// way, while a run waits.
func FuzzICMPReceived(f *testing.F) {
	engine := func(v6 bool) (*echoEngine, *run) {
		e := &echoEngine{
			sock: &socket{v6: v6, id: 7}, key: 0x0102030405060708, pattern: make([]byte, 2000),
			runs: map[uint32]*run{}, seqs: map[uint16]icmpSlot{}, run: 8,
		}
		to := netip.MustParseAddr("127.0.0.1")
		if v6 {
			to = netip.IPv6Loopback()
		}
		r := e.open(to, 3, 24)
		r.seqs, r.answered = []uint16{1, 2}, []bool{false, false}
		e.seqs[1], e.seqs[2] = icmpSlot{r, 0}, icmpSlot{r, 1}
		return e, r
	}
	reply := append([]byte{0, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 0}, make([]byte, 8)...)
	e, r := engine(false)
	e.received(input{message: reply, from: r.to})
	if len(r.events) != 1 || r.events[0].kind != gotReply || !r.answered[0] {
		f.Fatalf("the seed is no reply: %+v", r.events)
	}
	f.Add(reply, []byte{}, false)
	f.Add(append([]byte{3, 1, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 1, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 8}, reply[1:]...), []byte{}, false)
	f.Fuzz(func(t *testing.T, message, oob []byte, v6 bool) {
		e, r := engine(v6)
		for range 300 {
			e.received(input{message: message, from: r.to})
		}
		if len(r.events) > 64+2*3+2 {
			t.Errorf("%d events are queued", len(r.events))
		}
		for _, ev := range r.events {
			if ev.index < 0 || ev.index > 1 {
				t.Errorf("an event for request %d of two", ev.index)
			}
		}
		r.close()
		e.received(input{message: message, from: r.to})
		r.countLate()
		e.received(input{message: message, from: r.to})
		if len(e.runs)+len(e.seqs) > 0 {
			t.Error("something is left behind")
		}
		extended(oob)
		from(oob)
	})
}

// engineOf is the engine by which the next run of all monitors leaves.
func engineOf(env *probes.Env, v6 bool) (*echoEngine, error) {
	p, err := socketsOf(env, v6)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current, nil
}
