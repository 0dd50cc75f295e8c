package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"netmon/history"
	"netmon/incident"
	"netmon/judge/replay"
	"netmon/wire"
)

// BacktestBudget is how many incidents there would have been since the error budget of a
// monitor was spent too fast.
type BacktestBudget struct {
	Monitor string      `json:"monitor"`
	Saved   BudgetCount `json:"saved"` // by the rules and the objective that are saved
	Tried   BudgetCount `json:"tried"` // by those that are tried
}

// BudgetCount is how many incidents began, each by the worst that it became.
type BudgetCount struct {
	Fast int `json:"slo_fast"` // so fast that it is gone within days
	Slow int `json:"slo_slow"` // no more than faster than it lasts
}

// budgetsBefore are the states that history has of the time before a back-test: burn rates
// reach back over days. Those of monitors with an objective, by name.
func (c *Client) budgetsBefore(ctx context.Context, b *Backtest, lists ...[]wire.Saved) (map[string][]wire.HistorySpan, error) {
	watched := map[string]bool{}
	for _, list := range lists {
		for i := range list {
			if list[i].SLO != nil && !list[i].Paused {
				watched[list[i].Name] = true
			}
		}
	}
	out := map[string][]wire.HistorySpan{}
	for names := range slices.Chunk(slices.Sorted(maps.Keys(watched)), wire.MaxHistoryNames) {
		of, _, err := c.spansOf(ctx, names, b.From.Add(-budgetsPrimed-longestBurn()), b.From)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			b.Notes = append(b.Notes, fmt.Sprintf("error budgets are as if nothing had been known before: %v", err))
			return out, nil
		}
		maps.Copy(out, of)
	}
	return out, nil
}

// budgetsPrimed is how long before the time that is reported budgets are looked at first:
// what began before was reported by then, and is not counted.
const budgetsPrimed = 5 * time.Minute

func longestBurn() (d time.Duration) {
	for _, w := range history.BurnWindows() {
		d = max(d, w.Long)
	}
	return d
}

// budgetTroubles is what the leading controller would have reported of error budgets, by time:
// it is asked of each moment at which it would have looked.
func budgetTroubles(monitors []wire.Saved, settings []wire.Setting, before map[string][]wire.HistorySpan, lines map[string]*replay.Timeline, o replay.Options) (out []wire.Trouble) {
	muted := plannedIn(monitors, settings, o)
	for i := range monitors {
		m := &monitors[i]
		if m.SLO == nil || m.Paused {
			continue
		}
		spans := slices.Clone(before[m.Name])
		if line := lines[m.Name]; line != nil {
			for _, s := range line.Spans {
				spans = append(spans, cutByPlanned(wire.HistorySpan{Monitor: m.Name, State: s.State, Since: s.From, Until: s.To, Blame: s.Blame}, muted[m.Name])...)
			}
		}
		out = append(out, budgetTroublesOf(m, spans, o)...)
	}
	slices.SortStableFunc(out, func(a, b wire.Trouble) int { return a.At.Compare(b.At) })
	return out
}

// budgetTroublesOf looks at one budget through the time.
func budgetTroublesOf(m *wire.Saved, spans []wire.HistorySpan, o replay.Options) (out []wire.Trouble) {
	w := history.NewWatch(nil)
	oldest := 0
	for now := o.From.Add(-budgetsPrimed); !now.After(o.To); now = now.Add(history.WatchEvery) {
		for oldest < len(spans) && !spans[oldest].Until.After(now.Add(-longestBurn())) {
			oldest++
		}
		if w.Pace(m.Name) == history.PaceFine { // nothing is reported before it is down again
			next, ok := nextSpent(spans[oldest:])
			if !ok {
				break
			}
			if steps := next.Sub(now) / history.WatchEvery; steps > 0 {
				now = now.Add(steps * history.WatchEvery)
			}
			if now.After(o.To) {
				break
			}
		}
		if t, tell := w.Judge(m, spans[oldest:], now); tell {
			out = append(out, t)
		}
	}
	return out
}

// nextSpent is when the first time begins that spends a budget.
func nextSpent(spans []wire.HistorySpan) (time.Time, bool) {
	i := slices.IndexFunc(spans, func(s wire.HistorySpan) bool { return s.State == wire.VerdictDown && !s.Muted })
	if i < 0 {
		return time.Time{}, false
	}
	return spans[i].Since, true
}

// planned is a time of planned maintenance.
type planned struct{ from, to time.Time }

// plannedIn are the times in which windows muted monitors, by name.
func plannedIn(monitors []wire.Saved, settings []wire.Setting, o replay.Options) map[string][]planned {
	out := map[string][]planned{}
	if !slices.ContainsFunc(settings, func(s wire.Setting) bool { return s.Sort() == wire.SortWindow }) {
		return out
	}
	w := incident.NewMaintenance(o.From)
	for i := range monitors {
		w.Monitor(&monitors[i])
	}
	for _, s := range settings {
		w.Setting(s)
	}
	w.Advance(o.To, func(monitor string, muted bool, at time.Time) {
		list := out[monitor]
		if muted {
			out[monitor] = append(list, planned{at, o.To})
		} else if n := len(list); n > 0 {
			list[n-1].to = at
		}
	})
	return out
}

// cutByPlanned marks the parts of a span that were planned.
func cutByPlanned(s wire.HistorySpan, times []planned) (out []wire.HistorySpan) {
	add := func(until time.Time, muted bool) {
		if until.After(s.Since) {
			part := s
			part.Until, part.Muted = until, muted
			out = append(out, part)
			s.Since = until
		}
	}
	for _, p := range times {
		add(minTime(p.from, s.Until), false)
		if p.to.After(s.Since) && p.from.Before(s.Until) {
			add(minTime(p.to, s.Until), true)
		}
	}
	add(s.Until, false)
	return out
}

// countBudgets counts the incidents that began in the time that is reported, by monitor and
// by the worst that they became.
func countBudgets(told []wire.Trouble, from time.Time) map[string]BudgetCount {
	fast := map[string]map[string]bool{} // by monitor and incident
	for _, t := range told {
		if !t.Wrong || t.Since.Before(from) {
			continue
		}
		if fast[t.Name] == nil {
			fast[t.Name] = map[string]bool{}
		}
		fast[t.Name][t.Incident] = fast[t.Name][t.Incident] || t.Severity == wire.SeveritySLOFast
	}
	out := map[string]BudgetCount{}
	for name, incidents := range fast {
		var n BudgetCount
		for _, was := range incidents {
			if was {
				n.Fast++
			} else {
				n.Slow++
			}
		}
		out[name] = n
	}
	return out
}

// compareBudgets are the budgets of monitors that have an objective, by name.
func compareBudgets(saved, tried []wire.Saved, before, after map[string]BudgetCount, reported map[string]bool) (out []BacktestBudget) {
	names := map[string]bool{}
	for _, m := range slices.Concat(saved, tried) {
		if m.SLO != nil && reported[m.Name] {
			names[m.Name] = true
		}
	}
	for name := range names {
		out = append(out, BacktestBudget{name, before[name], after[name]})
	}
	slices.SortFunc(out, func(a, b BacktestBudget) int { return cmp.Compare(a.Monitor, b.Monitor) })
	return out
}
