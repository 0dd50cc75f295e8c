package agent

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
		b.start(t.Context(), monitor("fast", time.Second), takes(time.Millisecond))
		b.start(t.Context(), monitor("slow", 5*time.Second), takes(time.Millisecond))
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
		b.start(t.Context(), monitor("long", time.Second), func(ctx context.Context, d time.Duration) wire.Result {
			if running++; running > 1 {
				t.Error("two runs at once")
			}
			defer func() { running-- }()
			return takes(2500*time.Millisecond)(ctx, d)
		})
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
		b.most = 1
		for _, name := range []string{"a", "b", "c"} {
			b.start(t.Context(), monitor(name, 10*time.Second), takes(3*time.Second))
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

func TestRunner_StopDropsTheRunItCutsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		x := b.start(t.Context(), monitor("web", time.Second), takes(time.Hour))
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
		r.start(runs, monitor("short", time.Second), takes(500*time.Millisecond))
		r.start(runs, monitor("endless", time.Second), takes(time.Hour))
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
