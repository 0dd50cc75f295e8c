package probes

import (
	"context"
	"net/netip"
	"time"
)

// rest is what a run by Start does when the first address of its target does not
// answer: it measures the other ones, in a goroutine of its own.
type rest struct {
	addrs   []netip.Addr
	measure func(ctx context.Context, addrs []netip.Addr) (Details, error)
	most    time.Duration // that an address may take; 0: its part of the time
	timer   *time.Timer
}

// share has pass called when the first address has had its time.
func (r *rest) share(run *Run, pass func()) {
	wait := r.most
	if n := len(r.addrs); n > 0 {
		if part := run.timeout / time.Duration(n+1); wait == 0 || part < wait {
			wait = part
		}
	}
	if wait > 0 {
		r.timer = time.AfterFunc(wait, pass)
	}
}

// ended says that the first address has answered, or the run is over.
func (r *rest) ended() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// goOn ends the run with what the other addresses come to. d and err, where d is
// not nil, are those of the first one, which count where nothing could be sent to
// another. It returns how to end it earlier.
func (r *rest) goOn(run *Run, first netip.Addr, d Details, err error) (stop func(cause error)) {
	ctx := newStopContext(run)
	go run.Guard(func() {
		defer ctx.stop(context.Canceled)
		d2, err2 := r.measure(ctx, r.addrs)
		if d != nil && err2 != nil && unsent(err2) && !unsent(err) {
			run.Reached(first.String())
			d2, err2 = d, err
		}
		if ctx.Err() == context.Canceled {
			err2 = ctx.Err()
		}
		run.End(d2, err2)
	})
	return ctx.stop
}
