package console

import (
	"context"
	"maps"
	"slices"
	"time"

	"netmon/history"
	"netmon/wire"
)

// BudgetRow is what an objective leaves for being down.
type BudgetRow struct {
	Objective float64       `json:"objective"` // such as 0.999
	Window    wire.Duration `json:"window"`    // of which the budget is: the objective leaves so much of all of it
	From      time.Time     `json:"from"`      // where the window begins
	AllowedNS int64         `json:"allowed_ns"`
	SpentNS   int64         `json:"spent_ns"`
	LeftNS    int64         `json:"left_ns"`
	Burn      []BurnRow     `json:"burn,omitempty"` // at the end of the time
}

// BurnRow is how fast the budget is spent: 1 spends it all in just its time.
type BurnRow struct {
	Rate      float64       `json:"rate"` // that it should not reach
	Long      wire.Duration `json:"long"`
	Short     wire.Duration `json:"short"`
	LongRate  *float64      `json:"long_rate,omitempty"`
	ShortRate *float64      `json:"short_rate,omitempty"`
	Firing    bool          `json:"firing"`
}

// budgets are the error budgets of rows of uptime.
type budgets struct {
	f     UptimeFilter
	slo   map[string]wire.SLO // by monitor, where no other one is asked for
	spans map[string][]wire.HistorySpan
}

// budgetsOf finds whose budgets are asked for.
func (c *Client) budgetsOf(ctx context.Context, f UptimeFilter) (*budgets, error) {
	b := &budgets{f: f, slo: map[string]wire.SLO{}}
	if f.SLO > 0 {
		return b, nil
	}
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx)
	for i := range list {
		if m := &list[i]; m.SLO != nil && (len(f.Monitors) == 0 || slices.Contains(f.Monitors, m.Name)) {
			b.slo[m.Name] = m.SLO.WithDefaults()
		}
	}
	if len(list) > 0 {
		err = nil // one that cannot be read has no budget
	}
	return b, err
}

// read reads the states that budgets need, where those of the time that is asked for do
// not reach back far enough: over their windows, and for the burn rates.
func (b *budgets) read(ctx context.Context, c *Client, names []string, of map[string][]wire.HistorySpan) error {
	b.spans = of
	from, reach := b.f.From, b.f.To.Add(-history.BurnWindows()[2].Long)
	switch {
	case b.f.SLO > 0:
	case len(b.slo) == 0:
		return nil
	default:
		names = slices.Sorted(maps.Keys(b.slo))
		for _, slo := range b.slo {
			reach = minTime(reach, b.f.To.Add(-slo.Window.Std()))
		}
	}
	if b.f.By != "" { // each row has the budget of its own time
		reach = b.f.From.Add(-history.BurnWindows()[2].Long)
	}
	if !reach.Before(from) {
		return nil
	}
	b.spans = map[string][]wire.HistorySpan{}
	for part := range slices.Chunk(names, wire.MaxHistoryNames) {
		of, _, err := c.spansOf(ctx, part, reach, b.f.To)
		if err != nil {
			return err
		}
		maps.Copy(b.spans, of)
	}
	return nil
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// row is the budget of a monitor: with an objective that is asked for of the time that is,
// with its own of its window up to the end of that time. Of a day, week or month it is that
// of the whole of it, also where it is not over.
func (b *budgets) row(name string, p period) *BudgetRow {
	objective, from, window := b.f.SLO, p.from, p.end.Sub(p.from)
	if own, ok := b.slo[name]; ok {
		objective = own.Part()
		if b.f.By == "" {
			window = own.Window.Std()
			from = p.to.Add(-window)
		}
	}
	if objective == 0 {
		return nil
	}
	spans := b.spans[name]
	u := history.UptimeOf(spans, from, p.to)
	if _, known := u.Part(false); !known {
		return nil
	}
	budget := history.BudgetOf(&u, objective, window)
	row := &BudgetRow{Objective: objective, Window: wire.Duration(window), From: from, AllowedNS: int64(budget.Allowed), SpentNS: int64(budget.Spent), LeftNS: int64(budget.Left())}
	for _, burn := range history.BurnsOf(spans, objective, p.to) {
		r := BurnRow{Rate: burn.Rate, Long: wire.Duration(burn.Long), Short: wire.Duration(burn.Short), Firing: burn.Firing}
		if burn.Known {
			r.LongRate, r.ShortRate = &burn.LongRate, &burn.ShortRate
		}
		row.Burn = append(row.Burn, r)
	}
	return row
}
