package view

import (
	"fmt"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// TestSnapshot_Calm: figures and lines may be a few seconds old; states never are.
func TestSnapshot_Calm(t *testing.T) {
	v := New(t0)
	v.Heartbeat(alive("a", t0), t0, t0)
	v.Saved("web", saved("web", time.Second), nil, t0)
	r := run("a", 1)
	v.Result(r, r.Started)
	now := r.Started
	calm := Query{Spark: 10, Calm: true}
	if row := v.Snapshot(calm, now).Monitors[0]; len(row.Spark) != 1 {
		t.Fatalf("the line has %d runs, want 1", len(row.Spark))
	}
	next(&r)
	v.Result(r, r.Started)
	v.Verdict(wire.Verdict{Monitor: "web", State: wire.VerdictDown, Revision: 1, N: 1}, now)
	if row := v.Snapshot(calm, now).Monitors[0]; row.State != judge.Down || len(row.Spark) != 1 {
		t.Errorf("at once it is %v with a line of %d, want down and the line of before", row.State, len(row.Spark))
	}
	if row := v.Snapshot(Query{Spark: 10}, now).Monitors[0]; len(row.Spark) != 2 {
		t.Errorf("who does not ask for calm gets a line of %d, want 2", len(row.Spark))
	}
	next(&r)
	v.Result(r, r.Started)
	if row := v.Snapshot(calm, now.Add(6*time.Second)).Monitors[0]; len(row.Spark) != 3 {
		t.Errorf("later the line has %d runs, want 3", len(row.Spark))
	}
}

// TestSnapshot_CountsAfterEachChange: what is counted is counted again when it is another
// number, by a change or by time alone.
func TestSnapshot_CountsAfterEachChange(t *testing.T) {
	v := New(t0)
	v.Heartbeat(alive("a", t0), t0, t0)
	count := func(now time.Time, want map[judge.State]int) {
		t.Helper()
		var n judge.Counts
		for state, of := range want {
			n[state] = of
		}
		if got := v.Snapshot(Query{Limit: 1}, now).Totals; got.Monitors != n {
			t.Errorf("counts are %v, want %v", got.Monitors, n)
		}
	}
	count(t0, nil)
	for i := range 3 {
		name := fmt.Sprint("m", i)
		v.Saved(name, saved(name, time.Second), nil, t0)
	}
	count(t0, map[judge.State]int{judge.Unknown: 3})
	v.Verdict(wire.Verdict{Monitor: "m0", State: wire.VerdictDown, Revision: 1, N: 1}, t0)
	count(t0, map[judge.State]int{judge.Unknown: 2, judge.Down: 1})
	v.Saved("m1", nil, nil, t0)
	count(t0, map[judge.State]int{judge.Unknown: 1, judge.Down: 1})
	count(t0.Add(Contact+time.Second), map[judge.State]int{judge.Unknown: 2}) // by time: the verdicts are too old
	byHand := run("a", 60, func(r *wire.Result) { r.Monitor, r.Revision = "hand", 0 })
	v.Heartbeat(alive("a", byHand.Started), byHand.Started, byHand.Started)
	v.Result(byHand, byHand.Started)
	count(byHand.Started, map[judge.State]int{judge.Unknown: 2, judge.Up: 1})
	v.Heartbeat(alive("a", t0.Add(forgotten+time.Hour)), t0.Add(forgotten+time.Hour), t0.Add(forgotten+time.Hour))
	count(t0.Add(forgotten+time.Hour), map[judge.State]int{judge.Unknown: 2}) // it was stopped by hand
}
