package probes

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// DatagramRun is a run of one datagram that needs no goroutine: whoever reads for
// all hands it what comes. It is what Start returns for udp, dns and ntp.
type DatagramRun struct {
	Run      *Run
	Exchange Exchange
	Fallback Fallback // other addresses of the target

	mu    sync.Mutex // guards what follows and kind
	claim *engine.PacketClaim
	over  bool              // the run has ended
	blind bool              // more had come than was read when the time was over
	Cut   func(cause error) // ends what the run has gone over to; nil before
}

// Exchange is what the kinds do each in their way. Its methods are called by
// one goroutine at a time.
type Exchange interface {
	// Heard takes a datagram and says whether that ends the run.
	Heard(a engine.Arrival) (done bool)
	// Struck takes an ICMP error, which ends the run.
	Struck(err error)
	// Outcome is what Measure would return. silent says that the time was over
	// before anything ended the run.
	Outcome(silent bool) (Details, error)
}

// Begin claims a place, has request make the datagram, which may name its
// source where the place is not shared, and sends it. ok is as in [Starter].
func (x *DatagramRun) Begin(to netip.AddrPort, shared bool, request func(local netip.AddrPort) ([]byte, error), sent func(time.Time)) (p Pending, ok bool) {
	e, err := EnginesOf(x.Run.Env)
	if err != nil {
		return nil, false
	}
	hub, ok := e.Hub(to.Addr())
	if !ok {
		return nil, false
	}
	x.mu.Lock() // a reply waits until the time of sending is noted
	defer x.mu.Unlock()
	if x.claim, err = hub.Claim(to, shared, x); err != nil {
		return nil, false
	}
	payload, err := request(x.claim.Port.Local)
	if err == nil {
		var at time.Time
		if at, err = x.claim.Send(payload); err == nil {
			sent(at)
			x.Run.Reached(to.Addr().String())
			x.Fallback.StartTimer(x.Run, x.nextAddress)
			return x, true
		}
	}
	x.over = true
	x.claim.Release(true)
	return nil, false
}

// Arrived takes a datagram that came for this run, and says whether that ended it.
func (x *DatagramRun) Arrived(a engine.Arrival) (done bool) {
	x.work(func() {
		if done = x.Exchange.Heard(a); done {
			x.finish(nil)
		}
	})
	return done
}

// Refused takes an ICMP error about a datagram of this run, which ends it.
func (x *DatagramRun) Refused(err error) {
	x.work(func() {
		x.Exchange.Struck(err)
		x.finish(nil)
	})
}

// Unheard is called when the reply may have been lost in a flood, or will not be
// heard: it asks again, by a socket of this run alone.
// When that brings nothing, wrong answers that came before are the outcome.
func (x *DatagramRun) Unheard() {
	x.work(func() {
		x.Fallback.Ended()
		x.claim.Release(false)
		unmet := len(x.Run.unmet)
		d, err := x.Exchange.Outcome(true)
		x.Run.unmet = x.Run.unmet[:unmet]
		measure, to := x.Fallback.Measure, x.claim.To.Addr()
		x.Fallback.Addrs = slices.Insert(slices.Clone(x.Fallback.Addrs), 0, to)
		x.Fallback.Measure = func(ctx context.Context, addrs []netip.Addr) (Details, error) {
			d2, err2 := measure(ctx, addrs)
			if FailureIs(err2, wire.FailNoAnswer) && FailureIs(err, wire.FailBadAnswer) {
				return d, err
			}
			return d2, err2
		}
		x.Cut = x.Fallback.TryOthers(x.Run, to, nil, nil)
	})
}

// nextAddress moves to the next address, if there is one: this one has had its time.
func (x *DatagramRun) nextAddress() {
	behind := x.claim.Port.Harvest()
	x.work(func() {
		x.blind = behind
		x.finish(errPassed)
	})
}

// errPassed is why a run no longer waits for one address.
var errPassed = errors.New("this address has used its part of the time")

// Stop implements Pending.
func (x *DatagramRun) Stop(cause error) {
	// What has come is not yet read.
	behind := cause == context.DeadlineExceeded && x.claim.Port.Harvest()
	x.mu.Lock()
	cut := x.Cut
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

// work calls f while the run continues. A panic ends it.
func (x *DatagramRun) work(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.Cut != nil {
		return
	}
	x.Run.RecoverPanics(func() {
		defer func() {
			if v := recover(); v != nil {
				if !x.over {
					x.over = true
					x.claim.Release(false)
				}
				panic(v)
			}
		}()
		f()
	})
}

// finish ends the run: cause is nil when the target did.
func (x *DatagramRun) finish(cause error) {
	x.Fallback.Ended()
	if x.Cut != nil { // it has gone over to something else
		x.claim.Release(true)
		return
	}
	lost := uint32(0)
	if cause != nil {
		lost = x.claim.Lost()
	}
	x.claim.Release(cause == nil)
	d, err := x.Exchange.Outcome(cause != nil)
	switch {
	case cause == context.Canceled:
		err = cause
	case lost > 0 && FailureIs(err, wire.FailNoAnswer):
		err = Broken(wire.BrokenLocal, "%s lost because this host's own socket was full: nothing is known of the target", figures.Counted(int64(lost), "datagram"))
	case x.blind && FailureIs(err, wire.FailNoAnswer):
		err = Broken(wire.BrokenLocal, "more came to this host's own socket than could be read in time: nothing is known of the target")
	}
	if len(x.Fallback.Addrs) > 0 && IsNoAnswer(err) && (cause == nil || cause == errPassed) {
		x.Cut = x.Fallback.TryOthers(x.Run, x.claim.To.Addr(), d, err)
		return
	}
	x.over = true
	x.Run.End(d, err)
}
