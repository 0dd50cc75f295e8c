package ntp

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"netmon/internal/ntppacket"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// ntpRun is a run of one sample without a goroutine.
type ntpRun struct {
	probes.DatagramRun
	exchange
	details Details
	samples []sample
	failed  error // what the answer came to
	bogus   error // why the last datagram was not an answer
}

// Start implements Starter: for one sample.
func (p Probe) Start(run *probes.Run) (probes.Pending, bool) {
	if p.Samples != 1 || p.Source != "" {
		return nil, false
	}
	host, port, err := probes.SplitTarget(run.Target, p.defaultPort())
	if err != nil {
		return nil, false
	}
	addrs, ok := p.CachedAddresses(run, "udp", host, port)
	if !ok {
		return nil, false
	}
	held, err := kissesOf(run.Env)
	if err != nil {
		return nil, false
	}
	x := &ntpRun{DatagramRun: probes.DatagramRun{Run: run}}
	x.Exchange = x
	if addrs, err = held.allowed(run, &x.details, addrs, port); err != nil {
		return nil, false
	}
	x.exchange = exchange{Probe: p, run: run, held: held, to: netip.AddrPortFrom(addrs[0], port)}
	x.details.ResolveAgeNS = run.ResolveAge()
	x.details.localClock(run)
	known := x.details
	x.Fallback = probes.Fallback{Addrs: addrs[1:], Measure: func(ctx context.Context, addrs []netip.Addr) (probes.Details, error) {
		return x.Probe.exchange(ctx, run, held, addrs, port, known) // not p, which would be one more thing on the heap
	}}
	q := ntppacket.NewRequest(p.Version)
	return x.Begin(x.to, true, func(netip.AddrPort) ([]byte, error) { return q[:], nil }, func(at time.Time) {
		x.sent = []sent{{binary.BigEndian.Uint64(q[40:]), at, false}}
	})
}

// Heard implements probes.Exchange.
func (x *ntpRun) Heard(a engine.Arrival) (done bool) {
	if x.details.Bogus >= mostBogus {
		return false
	}
	s, err := x.read(a)
	if err != nil {
		x.details.Bogus++
		x.bogus = err
		return false
	}
	x.DatagramRun.Run.Ended = s.sent.Add(s.rtt)
	x.samples = append(x.samples, s)
	x.failed = x.accept(s, &x.details)
	return true
}

// Struck implements probes.Exchange.
func (x *ntpRun) Struck(err error) { x.failed = probes.NetFail("ask "+x.to.String(), err) }

// Outcome implements probes.Exchange.
func (x *ntpRun) Outcome(silent bool) (probes.Details, error) {
	x.details.setFigures(x.samples, len(x.sent))
	switch {
	case silent && x.bogus != nil:
		return x.details, x.bogus
	case silent:
		return x.details, probes.Fail(wire.FailNoAnswer, "no answer to 1 request")
	case x.failed != nil:
		return x.details, x.failed
	}
	x.checkExpectations(x.DatagramRun.Run, &x.details)
	return x.details, nil
}
