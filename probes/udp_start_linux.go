package probes

import (
	"context"
	"net/netip"
	"time"
)

// udpRun is a run of one datagram without a goroutine.
type udpRun struct {
	packetRun
	udpSeries
	datagram udpDatagram
}

// Start implements Starter: for one datagram.
func (p UDP) Start(run *Run) (Pending, bool) {
	if p.Count != 1 || p.Source != "" {
		return nil, false
	}
	host, port, err := splitTarget(run.Target, "")
	if err != nil {
		return nil, false
	}
	plan, err := p.plan(run, host, port) // first: a secret in it bounds the addresses
	if err != nil {
		return nil, false
	}
	addrs, ok := p.known(run, "udp", host, port)
	if !ok {
		return nil, false
	}
	to := netip.AddrPortFrom(addrs[0], port)
	x := &udpRun{packetRun: packetRun{run: run}, udpSeries: udpSeries{UDP: p, plan: plan, run: run, last: true}}
	x.kind = x
	x.rest = rest{addrs: addrs[1:], most: p.Wait.Std(), measure: func(ctx context.Context, addrs []netip.Addr) (Details, error) {
		return p.exchange(ctx, run, plan, addrs, port, UDPDetails{ResolveAgeNS: run.resolveAge()})
	}}
	d := &x.datagram
	x.udpSeries.sent = []*udpDatagram{d}
	return x.begin(to, plan.token, func(local netip.AddrPort) ([]byte, error) {
		d.seq, d.state, d.request = 1, udpNoAnswer, plan.request(udpPeers{local: local, remote: to})
		return d.request.payload, nil
	}, func(at time.Time) { d.sent = at })
}

// heard implements packetKind.
func (x *udpRun) heard(a arrival) bool {
	d := &x.datagram
	if d.strange > udpMostStrange {
		return false
	}
	if len(a.Payload) > udpReplyLimit {
		a.Payload, a.Truncated = a.Payload[:udpReplyLimit], true
	}
	if !x.udpSeries.heard(d, a) {
		return false
	}
	x.packetRun.run.Ended = d.arrived
	return true
}

// struck implements packetKind.
func (x *udpRun) struck(err error) { x.unreached(&x.datagram, err) }

// outcome implements packetKind.
func (x *udpRun) outcome(bool) (Details, error) {
	d := x.figures()
	d.ResolveAgeNS = x.packetRun.run.resolveAge()
	return d, x.judge(&d)
}
