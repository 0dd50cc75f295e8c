package agent

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"netmon/wire"
)

// unaccounted goes through the results of one monitor as a reader of the stream
// has them, and returns the ticks that none of them accounts for: how many there are
// before each result. Every tick is a run, or covered by one, or skipped, or was
// missed, or its result was dropped. A run that was asked for is no tick's.
func unaccounted(results []wire.Result, every time.Duration) (holes []int) {
	results = slices.DeleteFunc(slices.Clone(results), func(r wire.Result) bool { return r.Asked != "" })
	for i := 1; i < len(results); i++ {
		a, b := results[i-1], results[i]
		ticks := int((b.Due.Sub(a.Due)+every/2)/every) - 1
		if n := ticks - int(a.Covers) - int(b.Skipped-b.Covers) - int(b.Missed); n != 0 || b.Dropped > 0 {
			holes = append(holes, n-int(b.Dropped))
		}
	}
	return slices.DeleteFunc(holes, func(n int) bool { return n == 0 })
}

// TestRunner_AccountsForEveryTick: whatever keeps a monitor from running, the
// results say which ticks had no run of their own, and why.
func TestRunner_AccountsForEveryTick(t *testing.T) {
	const every = time.Second
	for name, c := range map[string]struct {
		takes           func(n int) time.Duration
		most            int // places
		covers, skipped bool
	}{
		"a quick target":     {func(int) time.Duration { return time.Millisecond }, 10, false, false},
		"a silent target":    {func(int) time.Duration { return 2500 * time.Millisecond }, 10, true, false},
		"an outage between":  {func(n int) time.Duration { return time.Duration(n%3) * 1700 * time.Millisecond }, 10, true, false},
		"no place to run in": {func(int) time.Duration { return 300 * time.Millisecond }, 1, true, true},
		"both":               {func(n int) time.Duration { return time.Duration(n%4) * 1100 * time.Millisecond }, 2, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context())
				b.runner.mu.Lock() // it runs
				b.most = c.most
				b.runner.mu.Unlock()
				var n atomic.Int64
				monitors := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
				for _, m := range monitors {
					b.start(t.Context(), monitor(m, every), measureFunc(func(ctx context.Context, d time.Duration) wire.Result {
						return takes(c.takes(int(n.Add(1))))(ctx, d)
					}), time.Time{})
				}
				time.Sleep(2 * time.Minute)
				b.end()
				covers, skipped := uint64(0), uint64(0)
				for _, m := range monitors {
					var own []wire.Result
					for _, r := range b.results {
						if r.Monitor == m {
							own = append(own, r)
							covers, skipped = covers+r.Covers, skipped+r.Skipped-r.Covers
						}
					}
					if holes := unaccounted(own, every); len(own) < 3 || len(holes) > 0 {
						t.Errorf("%s: %d results, not accounted for %v", m, len(own), holes)
					}
				}
				if (covers > 0) != c.covers || (skipped > 0) != c.skipped {
					t.Errorf("%d covered, %d skipped for want of room", covers, skipped)
				}
			})
		})
	}
}

// TestRunner_StatesWhatAnEarlierProcessMissed, in its first result and in no other.
// One that is changed before there is a result states it anyway.
func TestRunner_StatesWhatAnEarlierProcessMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = time.Second
		first := firstDue(time.Now(), every, phase("paris", "web", every))
		last := first.Add(-61 * every)
		b := newBench(t.Context())
		x := b.start(t.Context(), monitor("web", every), takes(time.Millisecond), last)
		from := b.stop(x)
		b.start(t.Context(), monitor("web", every), takes(time.Millisecond), from)
		future := monitor("ahead", every)
		b.start(t.Context(), future, takes(time.Millisecond), time.Now().Add(time.Hour)) // the clock was set back
		time.Sleep(5 * time.Second)
		b.end()
		all := []wire.Result{{Due: last}}
		for _, r := range b.results {
			switch {
			case r.Monitor == "ahead" && r.Missed > 0:
				t.Errorf("missed %d", r.Missed)
			case r.Monitor == "web":
				all = append(all, r)
			}
		}
		if holes := unaccounted(all, every); len(holes) > 0 || all[1].Missed != 60 || all[2].Missed != 0 {
			t.Errorf("missed %d and %d, not accounted for %v", all[1].Missed, all[2].Missed, holes)
		}
	})
}

// TestDefaultTimeout_EndsBeforeTheNextTick: a target that never answers is
// measured as often as one that does.
func TestDefaultTimeout_EndsBeforeTheNextTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		m := wire.Monitor{Name: "silent", Kind: "tcp", Target: "192.0.2.1:1", Every: wire.Duration(time.Second)}.WithDefaults()
		b.start(t.Context(), m, measureFunc(func(ctx context.Context, d time.Duration) wire.Result { return takes(d)(ctx, d) }), time.Time{})
		time.Sleep(60 * time.Second)
		b.end()
		for _, r := range b.results {
			if r.Skipped > 0 {
				t.Errorf("skipped %d", r.Skipped)
			}
		}
		if n := len(b.results); n < 59 {
			t.Errorf("%d runs in a minute", n)
		}
	})
}
