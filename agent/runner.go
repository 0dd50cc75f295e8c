package agent

import (
	"context"
	"sync"
	"time"

	"netmon/probes"
	"netmon/wire"
)

const (
	// slot is the least time between two wake-ups of the runner. A wake-up
	// costs more than most probes, so what is due within one slot starts together.
	slot = 5 * time.Millisecond
	// maxActive bounds the probes that hold a goroutine at once. What is due
	// beyond it, or when the CPUs have enough to do, waits for a place; the wait
	// shows as started - due and is in no latency.
	maxActive = 4096
)

// prober measures for one monitor: see [probes.Check]. A run begun by Begin
// needs no goroutine; where that is refused, Run makes it in one.
type prober interface {
	Run(ctx context.Context, timeout time.Duration, onStep func(probes.Step)) wire.Result
	Begin(done func(wire.Result)) (probes.Pending, bool)
	Close() error // after the last run
}

// runner measures what is due. Runs of one monitor never overlap: a tick that
// comes while its run continues, or waits for a place, is skipped and counted. One
// that comes while a run continues that was asked for has its own right after it.
type runner struct {
	agent         string
	record        func(r wire.Result) // takes each finished result
	began         func()              // called when the runs of a slot have begun
	most          int                 // probes with a goroutine at once
	checkOverload func() bool         // says whether they are more than the CPUs can serve

	wg     sync.WaitGroup // of the runs under way
	wakeup chan struct{}  // has room for one
	due    []*task        // of the slot that is being started; the loop's own

	mu         sync.Mutex // guards what follows and the fields of runs that say so
	sched      schedule   // of monitors, by their next run
	limits     schedule   // of runs that Begin began, by the end of their timeout
	active     int
	overloaded bool // in this slot
	waiting    []*task
	follow     []*task // that may have a run to make, out of the schedule's turn
	skipped    uint64
}

// task is one monitor that runs on this agent: it makes its runs.
type task struct {
	monitor wire.Monitor
	probe   prober
	parent  context.Context     // ends when all probes must
	end     func(r wire.Result) // runner.ended for this one, made once

	// Guarded by runner.mu.
	tick     tick
	limit    tick            // of the run that Begin began
	pending  probes.Pending  // that run, nil when there is none
	ctx      context.Context // of runs with a goroutine, nil before the first
	cancel   context.CancelFunc
	stopped  bool
	closed   bool      // the probe is, or whoever said so closes it now
	asked    string    // the token of the run under way that was asked for; "" of one by the schedule
	wanted   wish      // a run that was asked for and did not begin yet; zero where there is none
	owed     bool      // a tick came while a run that was asked for continued: its own follows
	due      time.Time // of the run under way
	revision uint64
	busy     bool      // a probe runs or waits for a place
	running  bool      // it runs
	lost     uint64    // ticks that we were too busy for, since the run under way or the last one began
	before   uint64    // of these, before the run under way
	covers   uint64    // ticks that came while the run under way waited for its target
	from     time.Time // the last tick of an earlier process that is accounted for; zero once that is stated
	missed   uint64    // ticks since then, before the first one of this process
	total    uint64    // ticks skipped altogether
	runs     uint64
	last     wire.Outcome
}

func newRunner(agent string, record func(wire.Result)) *runner {
	return &runner{agent: agent, record: record, began: func() {}, checkOverload: func() bool { return false }, most: maxActive, wakeup: make(chan struct{}, 1)}
}

// start schedules a monitor; its first run is at its phase. from, where it is not
// zero, is the last tick that an earlier process accounted for: its first result
// states how many were due since.
func (r *runner) start(ctx context.Context, m wire.Monitor, probe prober, from time.Time) *task {
	every := m.Every.Std()
	x := &task{monitor: m, probe: probe, parent: ctx, revision: m.Revision}
	x.end = func(res wire.Result) { r.ended(x, res) }
	x.tick = tick{due: firstDue(time.Now(), every, phase(r.agent, m.Name, every)), every: every, task: x}
	x.limit = tick{task: x, index: -1}
	if !from.IsZero() {
		x.from, x.missed = from, ticksBetween(from, x.tick.due, every)
	}
	r.mu.Lock()
	r.sched.add(&x.tick)
	first := x.tick.index == 0
	r.mu.Unlock()
	if first {
		r.wake()
	}
	return x
}

// revise notes a new revision of a monitor that runs on as it is.
func (r *runner) revise(x *task, revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.revision = revision
}

// stop ends a monitor. A probe that is under way is cut short and its result
// dropped. from is what start was given, where no result has stated it.
func (r *runner) stop(x *task) (from time.Time) {
	r.mu.Lock()
	x.stopped = true
	r.sched.remove(&x.tick)
	pending, cancel, from := x.pending, x.cancel, x.from
	closes := !x.busy && !x.closed // else at the end of the run under way
	x.closed = x.closed || closes
	r.mu.Unlock()
	if closes {
		x.probe.Close()
	}
	if cancel != nil {
		cancel()
	}
	if pending != nil {
		pending.Stop(context.Canceled)
	}
	return from
}

func (r *runner) wake() {
	select {
	case r.wakeup <- struct{}{}:
	default:
	}
}

// loop starts probes until ctx ends. Probes under way continue: see finish.
func (r *runner) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		r.expire(now, context.DeadlineExceeded)
		r.launchDue(now)
		wait := time.Hour
		if next, ok := r.next(); ok {
			wait = max(time.Until(next), slot-time.Since(now))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.wakeup:
		}
	}
}

// next is when something is to be done.
func (r *runner) next() (next time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, ok = r.sched.next()
	if limit, also := r.limits.next(); also && (!ok || limit.Before(next)) {
		return limit, true
	}
	return next, ok
}

// launchDue starts all that is due.
func (r *runner) launchDue(now time.Time) {
	r.due = r.due[:0]
	r.mu.Lock()
	for {
		t, _, lost, ok := r.sched.advance(now)
		if !ok {
			break
		}
		x := t.task
		// What passed while nobody looked is our own fault, whatever continues.
		covered := uint64(0)
		switch {
		case x.running && x.asked == "":
			covered = 1
		case x.busy && x.asked == "", x.owed:
			lost++
		default:
			x.owed = true
		}
		x.lost += lost
		x.covers += covered
		x.total += lost + covered
		r.skipped += lost + covered
		if x.turnLocked() {
			r.due = append(r.due, x)
		}
	}
	for _, x := range r.follow {
		if x.turnLocked() {
			r.due = append(r.due, x)
		}
	}
	r.follow = r.follow[:0]
	r.admit()
	r.mu.Unlock()
	for _, x := range r.due {
		r.launch(x)
	}
	if len(r.due) > 0 {
		r.began()
	}
}

// admit decides whether this slot may start goroutines, and starts a few of
// those that wait: an overload builds up faster than it shows. The caller holds mu.
func (r *runner) admit() {
	r.overloaded = r.active >= overloadLeast && r.checkOverload()
	for n := 0; n < overloadStep && !r.overloaded && r.active < r.most && len(r.waiting) > 0; n++ {
		x := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.active++
		go r.work(x)
	}
}

// launch begins a run, in a goroutine where it needs one.
func (r *runner) launch(x *task) {
	r.wg.Add(1)
	begin := time.Now()
	pending, ok := x.probe.Begin(x.end)
	r.mu.Lock()
	switch {
	case !ok && (r.overloaded || r.active >= r.most || len(r.waiting) > 0):
		x.running = false
		r.waiting = append(r.waiting, x)
	case !ok:
		x.running = false // not before its goroutine does
		r.active++
		go r.work(x)
	case x.busy: // it has not ended meanwhile
		x.pending = pending
		x.limit.due = begin.Add(x.monitor.Timeout.Std())
		r.limits.add(&x.limit)
	}
	stopped := x.stopped
	r.mu.Unlock()
	if ok && stopped {
		pending.Stop(context.Canceled)
	}
}

// expire ends the runs whose timeout is over at now, with cause.
func (r *runner) expire(now time.Time, cause error) {
	for {
		r.mu.Lock()
		t, ok := r.limits.pop(now)
		var pending probes.Pending
		if ok {
			pending = t.task.pending
		}
		r.mu.Unlock()
		if !ok {
			return
		}
		pending.Stop(cause)
	}
}

// finish waits for the probes under way, at most for grace, then cuts them
// short by calling cut and waits for the rest. The loop must have ended.
func (r *runner) finish(grace time.Duration, cut func()) {
	r.mu.Lock()
	r.wg.Add(-len(r.waiting))
	r.waiting = nil
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(done)
	}()
	end, limit := time.NewTimer(grace), time.NewTimer(0)
	defer end.Stop()
	defer limit.Stop()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-end.C:
			over = true
		case <-limit.C:
			r.expire(time.Now(), context.DeadlineExceeded)
			r.mu.Lock()
			next, ok := r.limits.next()
			r.mu.Unlock()
			if ok {
				limit.Reset(max(slot, time.Until(next)))
			}
		}
	}
	cut()
	r.expire(time.Now().Add(1<<62), context.Canceled)
	<-done
}

// figures returns what a list shows of a run.
func (r *runner) figures(x *task) (runs, skipped uint64, last wire.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return x.runs, x.total, x.last
}

func (r *runner) totalSkipped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}
