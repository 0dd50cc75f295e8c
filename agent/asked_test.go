package agent

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"netmon/agent/spool"
	"netmon/probes"
	"netmon/wire"
)

// told is the results of one monitor in a few words, by the time since begin: when
// it was due, when it started, and the token or what it says of ticks.
func (b *bench) told(begin time.Time, monitor string) (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.results {
		if r.Monitor != monitor {
			continue
		}
		what := fmt.Sprintf("%v", r.Due.Sub(begin))
		if late := r.Started.Sub(r.Due); late > 0 {
			what += fmt.Sprintf(" +%v", late)
		}
		if r.Asked != "" {
			what += " asked " + r.Asked
		}
		if r.Covers > 0 {
			what += fmt.Sprintf(" covers %d", r.Covers)
		}
		if n := r.Skipped - r.Covers; n > 0 {
			what += fmt.Sprintf(" skipped %d", n)
		}
		out = append(out, what)
	}
	return out
}

// TestRunner_Asked: a run that is asked for begins at once, or right after the run
// under way, and moves no tick. It is the same with a goroutine and without.
func TestRunner_Asked(t *testing.T) {
	const every = time.Second
	type at = map[time.Duration]string // the token that is asked for then, after the first tick
	for name, c := range map[string]struct {
		takes time.Duration
		asks  at
		want  []string // due, how late it started, and what it says
	}{
		"between two ticks": {10 * time.Millisecond, at{300 * time.Millisecond: "A"},
			[]string{"0s", "300ms asked A", "1s", "2s", "3s"}},
		"while a run goes on": {100 * time.Millisecond, at{50 * time.Millisecond: "A"},
			[]string{"0s", "50ms +50ms asked A", "1s", "2s", "3s"}},
		"twice while a run goes on": {100 * time.Millisecond, at{20 * time.Millisecond: "A", 50 * time.Millisecond: "B"},
			[]string{"0s", "20ms +80ms asked B", "1s", "2s", "3s"}},
		"while one goes on that was asked for": {100 * time.Millisecond, at{300 * time.Millisecond: "A", 350 * time.Millisecond: "B", 370 * time.Millisecond: "C"},
			[]string{"0s", "300ms asked A", "350ms +50ms asked C", "1s", "2s", "3s"}},
		"a tick comes meanwhile": {300 * time.Millisecond, at{800 * time.Millisecond: "A"},
			[]string{"0s", "800ms asked A", "1s +100ms", "2s", "3s"}},
		"a tick goes before what is asked for later": {300 * time.Millisecond, at{800 * time.Millisecond: "A", 900 * time.Millisecond: "B"},
			[]string{"0s", "800ms asked A", "1s +100ms", "900ms +500ms asked B", "2s", "3s"}},
		"ticks come meanwhile: the last one has its run": {2500 * time.Millisecond, at{2600 * time.Millisecond: "A"},
			[]string{"0s covers 2", "2.6s asked A", "5s +100ms covers 2 skipped 2"}},
	} {
		for _, without := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, without a goroutine %v", name, without), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t.Context())
					var probe prober = takes(c.takes)
					if without {
						probe = &begun{takes: c.takes}
					}
					m := monitor("web", every)
					m.Timeout = wire.Duration(time.Hour)
					begin := firstDue(time.Now(), every, phase("paris", "web", every))
					x := b.start(t.Context(), m, probe, time.Time{})
					for _, after := range slices.Sorted(keys(c.asks)) {
						time.AfterFunc(time.Until(begin.Add(after)), func() {
							if !b.join(x, c.asks[after]) {
								b.ask(x, c.asks[after])
							}
						})
					}
					time.Sleep(time.Until(begin.Add(3500 * time.Millisecond)))
					for range 3 { // what is running, and what follows it
						time.Sleep(c.takes)
					}
					b.end()
					got := b.told(begin, "web")
					if len(got) > len(c.want) {
						got = got[:len(c.want)]
					}
					if !slices.Equal(got, c.want) {
						t.Errorf("got  %q\nwant %q", got, c.want)
					}
				})
			})
		}
	}
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestRunner_AccountsForEveryTickBesideRunsThatAreAskedFor: however often somebody
// asks, runs do not overlap, and the results of the schedule account for every tick.
func TestRunner_AccountsForEveryTickBesideRunsThatAreAskedFor(t *testing.T) {
	const every = time.Second
	for name, c := range map[string]struct {
		takes   func(n int) time.Duration
		most    int
		without bool // a goroutine
	}{
		"a quick target":               {func(int) time.Duration { return time.Millisecond }, 10, false},
		"one without a goroutine":      {func(n int) time.Duration { return time.Duration(n%5) * 400 * time.Millisecond }, 10, true},
		"a silent target":              {func(int) time.Duration { return 2500 * time.Millisecond }, 10, false},
		"an outage between":            {func(n int) time.Duration { return time.Duration(n%3) * 1700 * time.Millisecond }, 10, false},
		"no place to run in":           {func(int) time.Duration { return 300 * time.Millisecond }, 1, false},
		"no place and a silent target": {func(n int) time.Duration { return time.Duration(n%4) * 1100 * time.Millisecond }, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context())
				b.runner.mu.Lock() // it runs
				b.most = c.most
				b.runner.mu.Unlock()
				var n atomic.Int64
				monitors := map[string]*task{}
				for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
					var busy atomic.Bool
					once := func(ctx context.Context, d time.Duration) wire.Result {
						if busy.Swap(true) {
							t.Errorf("two runs of %s at once", name)
						}
						defer busy.Store(false)
						return takes(c.takes(int(n.Add(1))))(ctx, d)
					}
					m := monitor(name, every)
					m.Timeout = wire.Duration(time.Hour)
					var probe prober = measureFunc(once)
					if c.without {
						probe = beginFunc{once}
					}
					monitors[name] = b.start(t.Context(), m, probe, time.Time{})
				}
				asked := 0
				for i := range 1000 {
					time.Sleep(time.Duration(50+37*(i%7)) * time.Millisecond)
					x := monitors[string(rune('a'+i%6))]
					if token := fmt.Sprint("T", i); !b.join(x, token) {
						b.ask(x, token)
						asked++
					}
				}
				time.Sleep(time.Minute) // the last one has begun, too
				b.end()
				made := 0
				for name := range monitors {
					var own []wire.Result
					for _, r := range b.results {
						if r.Monitor != name {
							continue
						}
						own = append(own, r)
						if r.Asked != "" {
							made++
							if r.Skipped+r.Covers+r.Missed > 0 {
								t.Errorf("a run that was asked for tells of ticks: %+v", r)
							}
						}
					}
					if holes := unaccounted(own, every); len(own) < 10 || len(holes) > 0 {
						t.Errorf("%s: %d results, not accounted for %v", name, len(own), holes)
					}
				}
				if made != asked {
					t.Errorf("%d runs were asked for, %d were made", asked, made)
				}
			})
		})
	}
}

// beginFunc is a probe without a goroutine of the runner's.
type beginFunc struct{ measureFunc }

type stopFunc func(error)

func (f stopFunc) Stop(cause error) { f(cause) }

func (f beginFunc) Begin(done func(wire.Result)) (probes.Pending, bool) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { done(f.measureFunc(ctx, time.Hour)) }()
	return stopFunc(cancel), true
}

// TestRunner_AskedAndStopped: what is stopped, or ends with the agent, owes nothing.
func TestRunner_AskedAndStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context())
		m := monitor("web", time.Hour)
		x := b.start(t.Context(), m, takes(time.Second), time.Time{})
		b.ask(x, "A")
		time.Sleep(500 * time.Millisecond)
		b.ask(x, "B")
		b.stop(x)
		time.Sleep(time.Minute)
		y := b.start(t.Context(), m, takes(time.Second), time.Time{})
		b.ask(y, "C")
		time.Sleep(500 * time.Millisecond)
		b.ask(y, "D")
		b.end()
		if got := b.told(time.Now(), "web"); len(got) != 1 || b.results[0].Asked != "C" {
			t.Errorf("got %q, want the one that was under way at the end", got)
		}
	})
}

// TestAgent_RemembersTheLastTick: after a kill, the last tick that a result accounts for
// is found in the spool, also where runs came after it that were asked for.
func TestAgent_RemembersTheLastTick(t *testing.T) {
	for _, closed := range []bool{false, true} {
		dir, copied := t.TempDir(), t.TempDir()
		open := func(dir string) *spool.Spool {
			t.Helper()
			s, _, err := spool.Open(dir, spool.Options{Mark: markOf, Unmarked: noTick})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		a := hotAgent(t)
		a.spool = open(dir)
		at := time.Now().UTC().Round(0)
		a.record(wire.Result{Monitor: "web", Due: at, Covers: 2, Outcome: wire.OK, Details: []byte(`{"asked":"no"}`)})
		for i := range 3 {
			a.record(wire.Result{Monitor: "web", Due: at.Add(time.Duration(i+1) * time.Second), Outcome: wire.OK, Asked: "A"})
		}
		if n := drain(a); n != 4 {
			t.Fatalf("%d records", n)
		}
		if closed {
			a.spool.Close()
		} else {
			defer a.spool.Close()
		}
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil { // what a kill leaves
			t.Fatal(err)
		}
		again := open(copied)
		defer again.Close()
		if m, ok := again.Marked("web"); !ok || m != (spool.Mark{at.UnixNano(), 2}) {
			t.Errorf("closed %v: the last tick is %v, want %d", closed, m, at.UnixNano())
		}
	}
}
