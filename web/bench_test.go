package web

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

// large is a mesh of 1,000 monitors on 3 agents, each with a full window of results.
func large(b *testing.B) *world {
	b.Helper()
	w := newWorld()
	agents := []string{"paris", "oslo", "tokyo"}
	for _, a := range agents {
		w.agent(a)
	}
	now := time.Now()
	days := map[string]view.Day{}
	for m := range 1000 {
		name := fmt.Sprintf("shop-%04d", m)
		w.save(name, "https", name+".example.org")
		for n := range view.Window {
			for i, a := range agents {
				ns := int64(20e6 + 1e5*(n*(m+7)*(i+3)%197))
				at := now.Add(time.Duration(n-view.Window) * time.Second)
				w.ResultAt(wire.Result{Agent: a, Monitor: name, Kind: "https", Epoch: "E", Run: uint64(n), Revision: 1, Started: at, Due: at, LatencyNS: &ns, Outcome: wire.OK, Summary: "200 OK"}, at, now)
			}
		}
		var day view.Day
		for i := range day {
			day[i] = judge.Up
		}
		day[m%48], day[m*7%48] = judge.Down, judge.Unknown
		days[name] = day
		w.judge(name, []wire.VerdictState{wire.VerdictUp, wire.VerdictDown}[min(1, m%50/49)], "no answer from 2 of 3 agents")
	}
	w.SetUptimes(map[string]float64{}, now)
	w.SetDays(days)
	return w
}

// BenchmarkFrame is what a look at all monitors costs that 200 viewers share, where
// nothing but figures changed.
func BenchmarkFrame(b *testing.B) {
	s, _ := serveBench(b)
	f, err := s.feed(b.Context(), "monitors")
	if err != nil {
		b.Fatal(err)
	}
	for range 200 {
		if _, err := f.watch(f.id, f.version); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		f.mu.Lock()
		err := f.advance()
		f.mu.Unlock()
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFrame_OfOne is what a look at one monitor costs: 200 viewers may each have one of
// their own.
func BenchmarkFrame_OfOne(b *testing.B) {
	_, w := serveBench(b)
	for b.Loop() {
		if _, err := frameOf(w, "monitor shop-0500"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstPage is the page of all monitors for the first who asks: nothing is kept.
func BenchmarkFirstPage(b *testing.B) {
	s, w := serveBench(b)
	size := 0
	for b.Loop() {
		var st state
		if _, err := st.take(monitorsOf(w, ""), time.Now()); err != nil {
			b.Fatal(err)
		}
		f := feed{s: s, id: "x", state: st}
		p, err := s.whole(f.view("monitors", ""))
		if err != nil {
			b.Fatal(err)
		}
		size = len(p.packed)
	}
	b.ReportMetric(float64(size), "gzip-bytes")
}

func serveBench(b *testing.B) (*Server, *world) {
	b.Helper()
	w := large(b)
	s := New(Options{Archive: w, Follow: w.follow})
	b.Cleanup(s.Close)
	return s, w
}

// BenchmarkForm_Of1000Monitors is a form of a mesh with many monitors, all of which it reads.
func BenchmarkForm_Of1000Monitors(b *testing.B) {
	m := newMesh(b, wire.RoleAdmin)
	for i := range 1000 {
		_, err := m.ops.Add(b.Context(), wire.Saved{Monitor: wire.Monitor{Name: fmt.Sprintf("web-%d", i), Kind: "https", Target: "https://example.org/"}, Tags: map[string]string{"n": fmt.Sprint(i % 7)}})
		m.must(err)
	}
	v := m.visitor("the-token")
	b.ResetTimer()
	for b.Loop() {
		if code, _ := v.get("/add?kind=https"); code != http.StatusOK {
			b.Fatal(code)
		}
	}
}
