package probes

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"netmon/wire"
)

// ntpRun is a run of one sample without a goroutine.
type ntpRun struct {
	packetRun
	ntpExchange
	details NTPDetails
	samples []ntpSample
	failed  error // what the answer came to
	bogus   error // why the last datagram was no answer
}

// Start implements Starter: for one sample.
func (p NTP) Start(run *Run) (Pending, bool) {
	if p.Samples != 1 || p.Source != "" {
		return nil, false
	}
	host, port, err := splitTarget(run.Target, p.defaultPort())
	if err != nil {
		return nil, false
	}
	addrs, ok := p.known(run, "udp", host, port)
	if !ok {
		return nil, false
	}
	held, err := kissesOf(run.Env)
	if err != nil {
		return nil, false
	}
	x := &ntpRun{packetRun: packetRun{run: run}}
	x.kind = x
	if addrs, err = held.allowed(run, &x.details, addrs, port); err != nil {
		return nil, false
	}
	x.ntpExchange = ntpExchange{NTP: p, run: run, held: held, to: netip.AddrPortFrom(addrs[0], port)}
	x.details.ResolveAgeNS = run.resolveAge()
	x.details.localClock(run)
	known := x.details
	x.rest = rest{addrs: addrs[1:], measure: func(ctx context.Context, addrs []netip.Addr) (Details, error) {
		return p.exchange(ctx, run, held, addrs, port, known)
	}}
	q := newNTPRequest(p.Version)
	return x.begin(x.to, true, func(netip.AddrPort) ([]byte, error) { return q[:], nil }, func(at time.Time) {
		x.sent = []ntpSent{{binary.BigEndian.Uint64(q[40:]), at, false}}
	})
}

// heard implements packetKind.
func (x *ntpRun) heard(a arrival) (done bool) {
	if x.details.Bogus >= ntpMostBogus {
		return false
	}
	s, err := x.read(a)
	if err != nil {
		x.details.Bogus++
		x.bogus = err
		return false
	}
	x.packetRun.run.Ended = s.sent.Add(s.rtt)
	x.samples = append(x.samples, s)
	x.failed = x.accept(s, &x.details)
	return true
}

// struck implements packetKind.
func (x *ntpRun) struck(err error) { x.failed = netFail("ask "+x.to.String(), err) }

// outcome implements packetKind.
func (x *ntpRun) outcome(silent bool) (Details, error) {
	x.details.fill(x.samples, len(x.sent))
	switch {
	case silent && x.bogus != nil:
		return x.details, x.bogus
	case silent:
		return x.details, fail(wire.FailNoAnswer, "no answer to 1 request")
	case x.failed != nil:
		return x.details, x.failed
	}
	x.judge(x.packetRun.run, &x.details)
	return x.details, nil
}
