package judge

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"netmon/wire"
)

const (
	benchMonitors = 3334
	benchAgents   = 3 // 10,002 series
)

// benchWorld is a judge of 10,002 series, and results of them all in turn: 10,000 a
// second, of which bad percent are bad.
type benchWorld struct {
	j       *Judge
	results []wire.Result
	start   time.Time
	bad     int
}

func newBenchWorld(bad int) *benchWorld {
	w := &benchWorld{j: New(), start: begin, bad: bad}
	for a := range benchAgents {
		w.beat(a, begin)
	}
	for m := range benchMonitors {
		name := fmt.Sprintf("monitor-%04d", m)
		w.j.Monitor(wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "http", Target: fmt.Sprintf("https://host-%d.example/health", m), Every: wire.Duration(time.Second), Revision: uint64(m + 1)}}, begin)
		for a := range benchAgents {
			w.results = append(w.results, wire.Result{Agent: fmt.Sprintf("agent-%d", a), Monitor: name, Kind: "http", Epoch: "0123456789abcdef", Revision: uint64(m + 1)})
		}
	}
	w.j.Changes()
	return w
}

func (w *benchWorld) beat(a int, at time.Time) {
	w.j.Presence(wire.Alive{Agent: fmt.Sprintf("agent-%d", a), At: at, Labels: map[string]string{"region": fmt.Sprint(a)}}, at)
}

// next is the result that comes next, and when.
func (w *benchWorld) next(i int) (*wire.Result, time.Time) {
	n := len(w.results)
	r := &w.results[i%n]
	round := i / n
	at := w.start.Add(time.Duration(i) * time.Second / time.Duration(n))
	r.Seq, r.Run = uint64(i+1), uint64(round+1)
	r.Outcome, r.Failure, r.Error, r.Summary = wire.OK, "", "", "200 OK, 1256 bytes"
	if w.bad > 0 && (i*2654435761)>>8%100 < w.bad {
		r.Outcome, r.Failure, r.Error, r.Summary = wire.Failed, wire.FailTimeout, "no answer within 5s", ""
	}
	if i%n == 0 && round%10 == 0 {
		for a := range benchAgents {
			w.beat(a, at)
		}
	}
	return r, at
}

func benchmark(b *testing.B, bad int, live bool) {
	w := newBenchWorld(bad)
	i := 0
	for ; i < 3*len(w.results); i++ {
		r, at := w.next(i)
		w.j.Result(r, at, at)
	}
	w.j.Changes()
	w.j.Asks()
	changes, asks := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		r, at := w.next(i)
		i++
		if live {
			w.j.Advance(at)
		}
		w.j.Result(r, at.Add(-20*time.Millisecond), at)
		if live {
			w.j.Next()
		}
		if live || i%1000 == 0 {
			changes += len(w.j.Changes())
			asks += len(w.j.Asks())
		}
	}
	b.ReportMetric(float64(changes)/float64(b.N), "changes/op")
	b.ReportMetric(float64(asks)/float64(b.N), "asks/op")
}

// BenchmarkResult_Live is one result when each is looked at as it comes: 20 µs at most.
func BenchmarkResult_Live(b *testing.B) {
	for _, bad := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("bad=%d%%", bad), func(b *testing.B) { benchmark(b, bad, true) })
	}
}

// BenchmarkResult_CatchUp is one result when many come in a row: 6 µs at most.
func BenchmarkResult_CatchUp(b *testing.B) {
	for _, bad := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("bad=%d%%", bad), func(b *testing.B) { benchmark(b, bad, false) })
	}
}

// BenchmarkMemory is what 10,002 series take.
func BenchmarkMemory(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := newBenchWorld(1)
		for i := range 5 * len(w.results) {
			r, at := w.next(i)
			w.j.Result(r, at, at)
			w.j.Changes()
			w.j.Asks()
		}
		w.results = w.results[:len(w.results):len(w.results)]
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(w.results)), "B/series")
		begin := time.Now()
		size := 0
		for _, s := range w.j.Checkpoint() {
			size += len(s.Data)
		}
		b.ReportMetric(float64(size)/float64(len(w.results)), "checkpoint-B/series")
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "checkpoint-ms")
		runtime.KeepAlive(w)
	}
}
