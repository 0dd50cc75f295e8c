package console

import (
	"testing"
	"time"

	"netmon/judge/replay"
	"netmon/wire"
)

// TestBudgetTroubles: a back-test tells of error budgets what the controller would have.
func TestBudgetTroubles(t *testing.T) {
	from := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	o := replay.Options{From: from, To: from.Add(48 * time.Hour)}
	at := func(d time.Duration) time.Time { return from.Add(d) }
	m := wire.Saved{Monitor: wire.Monitor{Name: "web"}, SLO: &wire.SLO{Objective: 99.9}}
	up, down := wire.VerdictUp, wire.VerdictDown
	line := &replay.Timeline{Spans: []replay.Span{
		{State: up, From: at(0), To: at(5 * time.Hour)},
		{State: down, From: at(5 * time.Hour), To: at(5*time.Hour + 10*time.Minute)},
		{State: up, From: at(5*time.Hour + 10*time.Minute), To: at(30 * time.Hour)},
		{State: down, From: at(30 * time.Hour), To: at(30*time.Hour + 10*time.Minute)},
		{State: up, From: at(30*time.Hour + 10*time.Minute), To: o.To},
	}}
	quiet := []wire.HistorySpan{{Monitor: "web", State: up, Since: at(-72 * time.Hour), Until: at(0)}}
	patch := &wire.Window{Name: "patch", From: at(29 * time.Hour), To: at(31 * time.Hour)}
	strict := m
	strict.SLO = &wire.SLO{Objective: 50}
	for name, c := range map[string]struct {
		m        wire.Saved
		settings []wire.Setting
		before   []wire.HistorySpan
		want     BudgetCount
	}{
		"two outages":                         {m, nil, quiet, BudgetCount{Fast: 2}},
		"planned maintenance spends nothing":  {m, []wire.Setting{patch}, quiet, BudgetCount{Fast: 1}},
		"an objective that is met":            {strict, nil, quiet, BudgetCount{}},
		"nothing is known of the time before": {m, nil, nil, BudgetCount{Fast: 2, Slow: 1}},
		"it began before":                     {m, nil, []wire.HistorySpan{quiet[0], {Monitor: "web", State: down, Since: at(-time.Hour), Until: at(0)}}, BudgetCount{Fast: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			told := budgetTroubles([]wire.Saved{c.m}, c.settings, map[string][]wire.HistorySpan{"web": c.before}, map[string]*replay.Timeline{"web": line}, o)
			if got := countBudgets(told, from)["web"]; got != c.want {
				t.Errorf("got %+v, want %+v, of %d that are told", got, c.want, len(told))
			}
		})
	}
	m.Paused = true
	if told := budgetTroubles([]wire.Saved{m}, nil, nil, map[string]*replay.Timeline{"web": line}, o); len(told) > 0 {
		t.Errorf("of one that is paused: %+v", told)
	}
}
