package agent

import (
	"context"
	"sync"
	"time"

	"netmon/wire"
)

const (
	// slot is the least time between two wake-ups of the runner. A wake-up
	// costs more than most probes, so what is due within one slot starts together.
	slot = 5 * time.Millisecond
	// maxActive bounds the probes that run at once. What is due beyond it waits
	// for a place; the wait shows as started - due and is in no latency.
	maxActive = 4096
)

// measureFunc runs one probe and returns what it learned.
type measureFunc func(ctx context.Context, timeout time.Duration) wire.Result

// runner measures what is due. Runs of one monitor never overlap: a tick that
// comes while its run goes on, or waits for a place, is skipped and counted.
type runner struct {
	agent  string
	record func(r wire.Result) // takes each finished result
	most   int                 // probes at once

	mu      sync.Mutex // guards what follows and the fields of runs that say so
	sched   schedule
	wake    chan struct{} // has room for one
	active  int
	waiting []pending
	skipped uint64
	wg      sync.WaitGroup
}

// run is one running monitor.
type run struct {
	tick    tick
	monitor wire.Monitor
	measure measureFunc
	ctx     context.Context // ends when the monitor is stopped or changed
	cancel  context.CancelFunc

	// Guarded by runner.mu.
	revision uint64
	busy     bool   // a probe runs or waits for a place
	skipped  uint64 // ticks skipped since the last result
	total    uint64 // ticks skipped altogether
	runs     uint64
	last     wire.Outcome
}

type pending struct {
	run *run
	due time.Time
}

func newRunner(agent string, record func(wire.Result)) *runner {
	return &runner{agent: agent, record: record, most: maxActive, wake: make(chan struct{}, 1)}
}

// start schedules a monitor; its first run is at its phase.
func (r *runner) start(ctx context.Context, m wire.Monitor, measure measureFunc) *run {
	every := m.Every.Std()
	x := &run{monitor: m, measure: measure, revision: m.Revision}
	x.ctx, x.cancel = context.WithCancel(ctx)
	x.tick = tick{due: firstDue(time.Now(), every, phase(r.agent, m.Name, every)), every: every, run: x}
	r.mu.Lock()
	r.sched.add(&x.tick)
	r.mu.Unlock()
	r.poke()
	return x
}

// revise notes a new revision of a monitor that runs on as it is.
func (r *runner) revise(x *run, revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.revision = revision
}

// stop ends a monitor. A probe that is under way is cut short and its result dropped.
func (r *runner) stop(x *run) {
	x.cancel()
	r.mu.Lock()
	r.sched.remove(&x.tick)
	r.mu.Unlock()
}

func (r *runner) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// loop starts probes until ctx ends. Probes under way go on: see finish.
func (r *runner) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		next, ok := r.launchDue(now)
		wait := time.Hour
		if ok {
			wait = max(time.Until(next), slot-time.Since(now))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
	}
}

// launchDue starts all that is due and returns when the next one is.
func (r *runner) launchDue(now time.Time) (next time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		t, due, lost, ok := r.sched.pop(now)
		if !ok {
			return r.sched.next()
		}
		x := t.run
		if x.busy {
			lost++
		}
		x.skipped += lost
		x.total += lost
		r.skipped += lost
		if x.busy {
			continue
		}
		x.busy = true
		p := pending{x, due}
		if r.active >= r.most {
			r.waiting = append(r.waiting, p)
			continue
		}
		r.active++
		r.wg.Go(func() { r.work(p) })
	}
}

// work runs one probe after another while others wait for its place.
func (r *runner) work(p pending) {
	for {
		r.one(p)
		r.mu.Lock()
		if len(r.waiting) == 0 {
			r.active--
			r.mu.Unlock()
			return
		}
		p = r.waiting[0]
		r.waiting = r.waiting[1:]
		r.mu.Unlock()
	}
}

// one measures once. A run that was cut short tells nothing of the target and
// leaves no result.
func (r *runner) one(p pending) {
	x := p.run
	var res wire.Result
	if x.ctx.Err() == nil {
		res = x.measure(x.ctx, x.monitor.Timeout.Std())
	}
	cut := x.ctx.Err() != nil

	r.mu.Lock()
	x.busy = false
	if !cut {
		res.Skipped, x.skipped = x.skipped, 0
		x.runs++
		x.last = res.Outcome
		res.Monitor, res.Revision = x.monitor.Name, x.revision
	}
	r.mu.Unlock()
	if cut {
		return
	}
	// Started carries the monotonic clock, and so does due: their difference
	// holds when the wall clock is stepped between.
	res.Due = res.Started.Add(-res.Started.Sub(p.due))
	r.record(res)
}

// finish waits for the probes under way, at most for grace, then cuts them
// short by calling cut and waits for the rest. The loop must have ended.
func (r *runner) finish(grace time.Duration, cut func()) {
	r.mu.Lock()
	r.waiting = nil
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(grace):
	}
	cut()
	<-done
}

// figures returns what a list shows of a run.
func (r *runner) figures(x *run) (runs, skipped uint64, last wire.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return x.runs, x.total, x.last
}

func (r *runner) totalSkipped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}
