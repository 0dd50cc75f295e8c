package probes

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"netmon/wire"
)

// packetRun is a run of one datagram that needs no goroutine: whoever reads for
// all hands it what comes. It is what Start returns for udp, dns and ntp.
type packetRun struct {
	run  *Run
	kind packetKind
	rest rest // other addresses of the target

	mu    sync.Mutex // guards what follows and kind
	claim *packetClaim
	over  bool              // the run has ended
	blind bool              // more had come than was read when the time was over
	cut   func(cause error) // ends what the run has gone over to; nil before
}

// packetKind is what the kinds do each in their way. Its methods are called by
// one goroutine at a time.
type packetKind interface {
	// heard takes a datagram and says whether that ends the run.
	heard(a arrival) (done bool)
	// struck takes an ICMP error, which ends the run.
	struck(err error)
	// outcome is what Measure would return. silent says that the time was over
	// before anything ended the run.
	outcome(silent bool) (Details, error)
}

// begin claims a place, has request make the datagram, which may name its
// source where the place is not shared, and sends it. ok is as in [Starter].
func (x *packetRun) begin(to netip.AddrPort, shared bool, request func(local netip.AddrPort) ([]byte, error), sent func(time.Time)) (p Pending, ok bool) {
	e, err := enginesOf(x.run.Env)
	if err != nil {
		return nil, false
	}
	hub, ok := e.hub(to.Addr())
	if !ok {
		return nil, false
	}
	x.mu.Lock() // a reply waits until the time of sending is noted
	defer x.mu.Unlock()
	if x.claim, err = hub.claim(to, shared, x); err != nil {
		return nil, false
	}
	payload, err := request(x.claim.port.local)
	if err == nil {
		var at time.Time
		if at, err = x.claim.send(payload); err == nil {
			sent(at)
			x.run.Reached(to.Addr().String())
			x.rest.share(x.run, x.pass)
			return x, true
		}
	}
	x.over = true
	x.claim.release(true)
	return nil, false
}

// arrived implements packetOwner.
func (x *packetRun) arrived(a arrival) {
	x.work(func() {
		if x.kind.heard(a) {
			x.finish(nil)
		}
	})
}

// refused implements packetOwner.
func (x *packetRun) refused(err error) {
	x.work(func() {
		x.kind.struck(err)
		x.finish(nil)
	})
}

// pass goes on to the next address, if there is one: this one has had its time.
func (x *packetRun) pass() {
	behind := x.claim.port.harvest()
	x.work(func() {
		x.blind = behind
		x.finish(errPassed)
	})
}

// errPassed is why a run no longer waits for one address.
var errPassed = errors.New("this address has had its part of the time")

// Stop implements Pending.
func (x *packetRun) Stop(cause error) {
	// What has come is not yet read.
	behind := cause == context.DeadlineExceeded && x.claim.port.harvest()
	x.mu.Lock()
	cut := x.cut
	x.mu.Unlock()
	if cut != nil {
		cut(cause)
		return
	}
	x.work(func() {
		x.blind = behind
		x.finish(cause)
	})
}

// work calls f while the run goes on. A panic ends it.
func (x *packetRun) work(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.cut != nil {
		return
	}
	x.run.Guard(func() {
		defer func() {
			if v := recover(); v != nil {
				if !x.over {
					x.over = true
					x.claim.release(false)
				}
				panic(v)
			}
		}()
		f()
	})
}

// finish ends the run: cause is nil when the target did.
func (x *packetRun) finish(cause error) {
	x.rest.ended()
	if x.cut != nil { // it has gone over to something else
		x.claim.release(true)
		return
	}
	lost := uint32(0)
	if cause != nil {
		lost = x.claim.lost()
	}
	x.claim.release(cause == nil)
	d, err := x.kind.outcome(cause != nil)
	switch {
	case cause == context.Canceled:
		err = cause
	case lost > 0 && failureIs(err, wire.FailNoAnswer):
		err = broken(wire.BrokenLocal, "%d datagrams were lost at this host's own socket, full: nothing is known of the target", lost)
	case x.blind && failureIs(err, wire.FailNoAnswer):
		err = broken(wire.BrokenLocal, "more came to this host's own socket than could be read in time: nothing is known of the target")
	}
	if len(x.rest.addrs) > 0 && silent(err) && (cause == nil || cause == errPassed) {
		x.cut = x.rest.goOn(x.run, x.claim.to.Addr(), d, err)
		return
	}
	x.over = true
	x.run.End(d, err)
}
