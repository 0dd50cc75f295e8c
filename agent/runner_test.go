package agent

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// bench is a runner in a bubble, and what it recorded.
type bench struct {
	*runner
	mu      sync.Mutex
	results []wire.Result
	end     func()
}

func newBench(ctx context.Context) *bench {
	b := &bench{}
	b.runner = newRunner("paris", func(r wire.Result) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.results = append(b.results, r)
	})
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.loop(ctx)
	}()
	b.end = func() {
		stop()
		<-done
		b.finish(time.Minute, func() {})
	}
	return b
}

// measureFunc is a probe that needs a goroutine.
type measureFunc func(ctx context.Context, timeout time.Duration) wire.Result

func (f measureFunc) Run(ctx context.Context, timeout time.Duration, _ func(probes.Step)) wire.Result {
	return f(ctx, timeout)
}
func (f measureFunc) Begin(func(wire.Result)) (probes.Pending, bool) { return nil, false }

func (f measureFunc) Close() error { return nil }

func takes(d time.Duration) measureFunc {
	return func(ctx context.Context, _ time.Duration) wire.Result {
		r := wire.Result{Started: time.Now(), Outcome: wire.OK}
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
		return r
	}
}

func monitor(name string, every time.Duration) wire.Monitor {
	return wire.Monitor{Name: name, Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(every), Timeout: wire.Duration(every)}
}

func TestRunner_RunsEachMonitorOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		b.start(t.Context(), monitor("fast", time.Second), takes(time.Millisecond), time.Time{})
		b.start(t.Context(), monitor("slow", 5*time.Second), takes(time.Millisecond), time.Time{})
		time.Sleep(20 * time.Second)
		b.end()
		n := map[string]int{}
		for _, r := range b.results {
			n[r.Monitor]++
			if late := r.Started.Sub(r.Due); late < 0 || late > slot {
				t.Errorf("%s started %v after it was due", r.Monitor, late)
			}
			if r.Skipped != 0 {
				t.Errorf("%s skipped %d", r.Monitor, r.Skipped)
			}
		}
		if n["fast"] != 20 || n["slow"] != 4 {
			t.Errorf("ran %v, want fast 20 and slow 4", n)
		}
	})
}

func TestRunner_NeverOverlapsAndCountsSkippedTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		running := 0
		b.start(t.Context(), monitor("long", time.Second), measureFunc(func(ctx context.Context, d time.Duration) wire.Result {
			if running++; running > 1 {
				t.Error("two runs at once")
			}
			defer func() { running-- }()
			return takes(2500*time.Millisecond)(ctx, d)
		}), time.Time{})
		time.Sleep(30 * time.Second)
		b.end()
		var skipped uint64
		for i, r := range b.results {
			if i > 0 && r.Skipped != 2 {
				t.Errorf("result %d says %d skipped, want 2", i, r.Skipped)
			}
			skipped += r.Skipped
		}
		if len(b.results) != 10 || b.totalSkipped() < skipped {
			t.Errorf("%d results, %d skipped in them, %d in all", len(b.results), skipped, b.totalSkipped())
		}
	})
}

func TestRunner_WaitsForAPlaceAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		b.runner.mu.Lock() // it runs
		b.most = 1
		b.runner.mu.Unlock()
		for _, name := range []string{"a", "b", "c"} {
			b.start(t.Context(), monitor(name, 10*time.Second), takes(3*time.Second), time.Time{})
		}
		time.Sleep(40 * time.Second)
		b.end()
		var last time.Time
		waited := false
		for _, r := range b.results {
			if r.Started.Sub(last) < 3*time.Second {
				t.Errorf("%s started %v after the one before", r.Monitor, r.Started.Sub(last))
			}
			last = r.Started
			waited = waited || r.Started.Sub(r.Due) > time.Second
		}
		if len(b.results) < 9 || !waited {
			t.Errorf("%d results; one waited for its place: %v", len(b.results), waited)
		}
	})
}

func TestRunner_StartsNothingWhenOverloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		var overloaded atomic.Bool
		overloaded.Store(true)
		b.checkOverload = overloaded.Load
		running, most := 0, 0
		var mu sync.Mutex
		slow := measureFunc(func(ctx context.Context, d time.Duration) wire.Result {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			r := takes(1500*time.Millisecond)(ctx, d)
			mu.Lock()
			running--
			mu.Unlock()
			return r
		})
		const monitors = 3 * overloadLeast
		for i := range monitors {
			b.start(t.Context(), monitor(fmt.Sprint("m", i), time.Second), slow, time.Time{})
		}
		time.Sleep(20 * time.Second)
		mu.Lock()
		if most > overloadLeast+64 { // a slot may start a few more before it shows
			t.Errorf("%d ran at once", most)
		}
		mu.Unlock()
		skipped, runs := map[string]uint64{}, map[string]int{}
		b.mu.Lock()
		for _, r := range b.results {
			skipped[r.Monitor] += r.Skipped
			runs[r.Monitor]++
			if late := r.Started.Sub(r.Due); late > time.Second+2*slot {
				t.Errorf("%s started %v after the tick that it is said to be of", r.Monitor, late)
			}
		}
		b.mu.Unlock()
		for i := range monitors { // each gets its share, and says what it lacks
			if name := fmt.Sprint("m", i); runs[name] < 3 || runs[name] > 7 || skipped[name] == 0 {
				t.Errorf("%s ran %d times and skipped %d", name, runs[name], skipped[name])
			}
		}
		overloaded.Store(false)
		time.Sleep(10 * time.Second)
		mu.Lock()
		if running < monitors/2 {
			t.Errorf("only %d run when there is room again", running)
		}
		mu.Unlock()
		b.end()
	})
}

func TestRunner_StopDropsTheRunItCutsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		x := b.start(t.Context(), monitor("web", time.Second), takes(time.Hour), time.Time{})
		time.Sleep(1500 * time.Millisecond)
		b.stop(x)
		synctest.Wait()
		b.end()
		if len(b.results) != 0 {
			t.Errorf("a run that was cut short left %+v", b.results)
		}
	})
}

func TestRunner_FinishWaitsThenCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, cut := context.WithCancel(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		var got []wire.Result
		r := newRunner("paris", func(res wire.Result) { got = append(got, res) })
		r.start(runs, monitor("short", time.Second), takes(500*time.Millisecond), time.Time{})
		r.start(runs, monitor("endless", time.Second), takes(time.Hour), time.Time{})
		ended := make(chan struct{})
		go func() { defer close(ended); r.loop(ctx) }()
		time.Sleep(1010 * time.Millisecond)
		stop()
		<-ended
		begin := time.Now()
		r.finish(2*time.Second, cut)
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("finish took %v", took)
		}
		for _, res := range got {
			if res.Monitor != "short" {
				t.Errorf("result of %s", res.Monitor)
			}
		}
	})
}

// begun is a probe without a goroutine: it ends after d, or when it is stopped.
type begun struct {
	measureFunc
	takes  time.Duration
	stops  []error
	refuse bool
}

type begunProbe struct {
	probe *begun
	timer *time.Timer
	end   func()
}

func (b *begun) Begin(done func(wire.Result)) (probes.Pending, bool) {
	if b.refuse {
		return nil, false
	}
	r := wire.Result{Started: time.Now(), Outcome: wire.OK}
	var once sync.Once
	p := &begunProbe{probe: b, end: func() { once.Do(func() { done(r) }) }}
	if b.takes == 0 {
		p.end()
		return p, true
	}
	p.timer = time.AfterFunc(b.takes, p.end)
	return p, true
}

func (p *begunProbe) Stop(cause error) {
	p.probe.stops = append(p.probe.stops, cause)
	p.timer.Stop()
	p.end()
}

func TestRunner_ARunWithoutAGoroutineEndsOrIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		quick, atOnce, slow, refused := &begun{takes: 20 * time.Millisecond}, &begun{}, &begun{takes: time.Hour}, &begun{refuse: true, measureFunc: takes(time.Millisecond)}
		b.start(t.Context(), monitor("quick", time.Second), quick, time.Time{})
		b.start(t.Context(), monitor("at-once", time.Second), atOnce, time.Time{})
		m := monitor("slow", time.Second)
		m.Timeout = wire.Duration(1700 * time.Millisecond)
		b.start(t.Context(), m, slow, time.Time{})
		b.start(t.Context(), monitor("refused", time.Second), refused, time.Time{})
		x := b.start(t.Context(), monitor("stopped", time.Second), &begun{takes: time.Hour}, time.Time{})
		time.Sleep(10100 * time.Millisecond)
		b.stop(x)
		b.end()
		n := map[string]int{}
		for _, r := range b.results {
			n[r.Monitor]++
			if r.Monitor == "slow" && n["slow"] > 1 && r.Skipped != 1 {
				t.Errorf("slow skipped %d", r.Skipped)
			}
		}
		if n["quick"] != 10 || n["at-once"] != 10 || n["refused"] != 10 || n["slow"] != 5 || n["stopped"] > 10 {
			t.Errorf("ran %v", n)
		}
		if len(quick.stops)+len(atOnce.stops) != 0 {
			t.Errorf("runs that had ended were stopped: %v %v", quick.stops, atOnce.stops)
		}
		for _, cause := range slow.stops {
			if cause != context.DeadlineExceeded {
				t.Errorf("a run was stopped by %v", cause)
			}
		}
	})
}

func TestRunner_FinishCutsRunsWithoutAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, cut := context.WithCancel(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		got := map[string]int{}
		r := newRunner("paris", func(res wire.Result) { got[res.Monitor]++ })
		m := monitor("lost", time.Second) // its timeout falls into the grace
		m.Timeout = wire.Duration(900 * time.Millisecond)
		r.start(runs, m, &begun{takes: time.Hour}, time.Time{})
		endless := monitor("endless", time.Second)
		endless.Timeout = wire.Duration(time.Hour)
		r.start(runs, endless, &begun{takes: time.Hour}, time.Time{})
		ended := make(chan struct{})
		go func() { defer close(ended); r.loop(ctx) }()
		time.Sleep(1010 * time.Millisecond)
		stop()
		<-ended
		before := got["lost"]
		begin := time.Now()
		r.finish(2*time.Second, cut)
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("finish took %v", took)
		}
		if got["lost"] != before+1 || got["endless"] != 0 {
			t.Errorf("before %d, then %v", before, got)
		}
	})
}
