package probes

import (
	"context"
	"net/netip"
	"time"
)

// Fallback is what a run by Start does when the first address of its target does not
// answer: it measures the other ones, in a goroutine of its own.
type Fallback struct {
	Addrs      []netip.Addr
	Measure    func(ctx context.Context, addrs []netip.Addr) (Details, error)
	PerAddress time.Duration // that an address may take; 0: its part of the time
	timer      *time.Timer
}

// StartTimer has pass called when the first address has had its time.
func (r *Fallback) StartTimer(run *Run, pass func()) {
	wait := r.PerAddress
	if n := len(r.Addrs); n > 0 {
		if part := run.timeout / time.Duration(n+1); wait == 0 || part < wait {
			wait = part
		}
	}
	if wait > 0 {
		r.timer = time.AfterFunc(wait, pass)
	}
}

// Ended says that the first address has answered, or the run is over.
func (r *Fallback) Ended() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// TryOthers ends the run with what the other addresses come to. d and err, where d is
// not nil, are those of the first one, which count where nothing could be sent to
// another. It returns how to end it earlier.
func (r *Fallback) TryOthers(run *Run, first netip.Addr, d Details, err error) (stop func(cause error)) {
	run.tried(first, time.Since(run.Started), err)
	ctx := run.StopContext()
	go run.RecoverPanics(func() {
		defer ctx.Stop(context.Canceled)
		d2, err2 := r.Measure(ctx, r.Addrs)
		if d != nil && err2 != nil && IsNotSent(err2) && !IsNotSent(err) {
			run.Reached(first.String())
			d2, err2 = d, err
		}
		if ctx.Err() == context.Canceled {
			err2 = ctx.Err()
		}
		run.End(d2, err2)
	})
	return ctx.Stop
}
