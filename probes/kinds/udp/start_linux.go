package udp

import (
	"context"
	"net/netip"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
)

// udpRun is a run of one datagram without a goroutine.
type udpRun struct {
	probes.DatagramRun
	series
	datagram datagram
}

// Start implements Starter: for one datagram.
func (p Probe) Start(run *probes.Run) (probes.Pending, bool) {
	if p.Count != 1 || p.Source != "" {
		return nil, false
	}
	host, port, err := probes.SplitTarget(run.Target, "")
	if err != nil {
		return nil, false
	}
	plan, err := p.plan(run, host, port) // first: a secret in it bounds the addresses
	if err != nil {
		return nil, false
	}
	addrs, ok := p.CachedAddresses(run, "udp", host, port)
	if !ok {
		return nil, false
	}
	to := netip.AddrPortFrom(addrs[0], port)
	x := &udpRun{DatagramRun: probes.DatagramRun{Run: run}, series: series{Probe: p, plan: plan, run: run, last: true}}
	x.Exchange = x
	x.Fallback = probes.Fallback{Addrs: addrs[1:], PerAddress: p.Wait.Std(), Measure: func(ctx context.Context, addrs []netip.Addr) (probes.Details, error) {
		return p.exchange(ctx, run, plan, addrs, port, Details{ResolveAgeNS: run.ResolveAge()})
	}}
	d := &x.datagram
	x.series.sent = []*datagram{d}
	return x.Begin(to, plan.token, func(local netip.AddrPort) ([]byte, error) {
		d.seq, d.state, d.request = 1, noAnswer, plan.request(udpPeers{local: local, remote: to})
		return d.request.payload, nil
	}, func(at time.Time) { d.sent = at })
}

// Heard implements probes.Exchange.
func (x *udpRun) Heard(a engine.Arrival) bool {
	d := &x.datagram
	if d.strange > mostStrange {
		return false
	}
	if len(a.Payload) > replyLimit {
		a.Payload, a.Truncated = a.Payload[:replyLimit], true
	}
	if !x.series.heard(d, a) {
		return false
	}
	x.DatagramRun.Run.Ended = d.arrived
	return true
}

// Struck implements probes.Exchange.
func (x *udpRun) Struck(err error) { x.unreached(&x.datagram, err) }

// Outcome implements probes.Exchange.
func (x *udpRun) Outcome(bool) (probes.Details, error) {
	d := x.figures()
	d.ResolveAgeNS = x.DatagramRun.Run.ResolveAge()
	return d, x.checkExpectations(&d)
}
