package agent

import (
	"context"
	"time"

	"netmon/wire"
)

// work makes one run after another while others wait for its place.
func (r *runner) work(x *task) {
	for {
		r.mu.Lock()
		if x.ctx == nil {
			x.ctx, x.cancel = context.WithCancel(x.parent)
		}
		if x.stopped {
			x.cancel()
		}
		x.running = true
		if x.asked == "" {
			// While it waited, ticks were counted as skipped: it is now the run of
			// the last of them, and its first one is skipped instead.
			x.tickLocked()
		}
		r.mu.Unlock()
		var res wire.Result
		if x.ctx.Err() == nil {
			res = x.probe.Run(x.ctx, x.monitor.Timeout.Std(), nil)
		}
		r.ended(x, res)
		r.mu.Lock()
		if len(r.waiting) == 0 || r.overloaded && r.active > overloadLeast {
			r.active--
			r.mu.Unlock()
			return
		}
		x = r.waiting[0]
		r.waiting = r.waiting[1:]
		r.mu.Unlock()
	}
}

// turnLocked begins the run of a tick that has none yet, else one that was asked
// for. It says whether there is one to launch.
func (x *task) turnLocked() bool {
	switch {
	case x.busy || x.stopped:
		return false
	case x.owed:
		x.owed = false
		x.tickLocked()
	case x.wanted.token != "":
		x.asked, x.due, x.wanted = x.wanted.token, x.wanted.at, wish{}
	default:
		return false
	}
	x.busy, x.running = true, true
	return true
}

// tickLocked makes the run under way that of the last tick: those that were lost
// until now are before it.
func (x *task) tickLocked() {
	x.due = x.tick.due.Add(-x.tick.every)
	x.before, x.lost = x.before+x.lost, 0
}

// ended takes what a run measured. One that was cut short says nothing about the
// target and leaves no result.
func (r *runner) ended(x *task, res wire.Result) {
	defer r.wg.Done()
	cut := x.parent.Err() != nil
	r.mu.Lock()
	cut = cut || x.stopped
	closes := cut && !x.closed // no run follows
	x.closed = x.closed || closes
	res.Asked = x.asked
	x.busy, x.running, x.pending, x.asked = false, false, nil, ""
	if x.limit.index >= 0 {
		r.limits.remove(&x.limit)
	}
	due, again := x.due, x.owed || x.wanted.token != ""
	if !cut {
		if res.Asked == "" { // what is to be said of ticks, the next run of one says
			res.Covers, res.Skipped = x.covers, x.covers+x.before
			x.covers, x.before = 0, 0
			res.Missed, x.missed, x.from = x.missed, 0, time.Time{}
		}
		x.runs++
		x.last = res.Outcome
		res.Monitor, res.Revision = x.monitor.Name, x.revision
	}
	r.mu.Unlock()
	if closes {
		x.probe.Close()
	}
	if cut {
		return
	}
	// Started carries the monotonic clock, and so does due: their difference
	// holds when the wall clock is stepped between.
	res.Due = res.Started.Add(-res.Started.Sub(due))
	r.record(res)
	if again { // what is asked for from now on goes there by itself
		r.turn(x)
	}
}
