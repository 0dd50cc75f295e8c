package probes

import (
	"context"
	"runtime/debug"
	"time"

	"netmon/wire"
)

// Starter is what a [Probe] also is when it needs no goroutine while it waits
// for the network, because an engine that many monitors share does the waiting.
// Ten thousand goroutines that each wait for one packet cost more than the packets.
type Starter interface {
	// Start begins one run and returns at once: it may make system calls that
	// do not block, and waits for nothing. ok is false when this run cannot go
	// this way (a name to look up, options that need a socket of their own, a
	// full send buffer, somebody who wants every step): nothing has happened
	// then, and the caller measures by Measure.
	//
	// The run ends with [Run.End], called exactly once, from any goroutine,
	// even before Start returns. It may set run.Started when the operation
	// began later than Start was called. Its reports (Reached, Expect, Stepf,
	// Prev, Keep) are used as by Measure, by one goroutine at a time.
	Start(run *Run) (p Pending, ok bool)
}

// Pending is a run under way.
type Pending interface {
	// Stop ends the run now, when it has not ended: with what came until now,
	// and the error that Measure returns when its context ends with cause,
	// which is context.DeadlineExceeded (the monitor's timeout is over) or
	// context.Canceled. It may be called when the run has ended, or is ending,
	// and then does nothing; it never waits for the network. The caller of
	// Start keeps the time: an engine needs no timer for the timeout.
	Stop(cause error)
}

// Begin is [Check.Run] for a probe that is a [Starter]: it begins one run on
// the caller's goroutine and returns at once. done is called exactly once, from
// any goroutine, even before Begin returns; the caller calls Stop when the
// timeout is over, and [Env.Launched] when it has begun what it has to begin.
// ok is false when the run has to be made by Run instead. Where [Check.Timeout]
// is not set that is so for targets of several addresses, and where each of them
// is measured it always is.
func (c *Check) Begin(done func(wire.Result)) (p Pending, ok bool) {
	if c.starter == nil || c.each {
		return nil, false
	}
	run := &Run{Target: c.target, Env: c.env, Prev: c.prev, named: c.named, Started: time.Now(), check: c, done: done, timeout: c.Timeout}
	defer func() {
		if v := recover(); v != nil {
			run.End(nil, panicked(c.kind, v))
			p, ok = ended{}, true
		}
	}()
	return c.starter.Start(run)
}

// End ends a run that [Starter.Start] began, with what Measure would return.
// The run lasted until now, or until run.Ended where that is set. After the
// first call it does nothing.
func (r *Run) End(d Details, err error) {
	done := r.done
	if done == nil {
		return
	}
	r.done = nil
	ended := r.Ended
	if ended.IsZero() {
		ended = time.Now()
	}
	if err == nil && r.timeout > 0 && ended.Sub(r.Started) > r.timeout {
		err = context.DeadlineExceeded // whoever calls Stop was late
	}
	r.check.prev = r.kept
	done(r.check.buildResult(r, ended.Sub(r.Started), d, err, err == context.DeadlineExceeded))
}

// RecoverPanics calls f for a run that an engine works on. A panic in f ends this run
// as broken, and no other.
func (r *Run) RecoverPanics(f func()) {
	defer func() {
		if v := recover(); v != nil {
			r.End(nil, panicked(r.check.kind, v))
		}
	}()
	f()
}

// launcher is something shared that reads what is there once runs have begun.
type launcher interface{ Launched() }

// Launched says to what is shared that the caller has begun all the runs that it
// has for now: an engine may have put off until then what is cheaper once for
// many. Replies from near targets are there already.
func (e *Env) Launched() {
	var all []launcher
	e.mu.Lock()
	for _, v := range e.shared {
		if l, ok := v.(launcher); ok {
			all = append(all, l)
		}
	}
	e.mu.Unlock()
	for _, l := range all { // without the lock: runs end in it, and may take a while to be kept
		l.Launched()
	}
}

func panicked(kind string, v any) error {
	return Broken(wire.BrokenInternal, "panic in the %s probe: %v\n%.2000s", kind, v, debug.Stack())
}

// ended is a run that is over.
type ended struct{}

func (ended) Stop(error) {}
