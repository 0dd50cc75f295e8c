package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"netmon/history"
	"netmon/wire"
)

// UptimeRow is how a monitor was in a time. Unknown time, time of which nothing is known
// and planned maintenance are in no percentage but where they are named.
type UptimeRow struct {
	Monitor string    `json:"monitor"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`

	Uptime *float64 `json:"uptime,omitempty"`                  // part of the known time that it was not down, 0 to 1; absent where nothing is known
	With   *float64 `json:"uptime_with_maintenance,omitempty"` // the same with planned maintenance

	UpNS          int64 `json:"up_ns"`
	DegradedNS    int64 `json:"degraded_ns"`
	DownNS        int64 `json:"down_ns"`
	UnknownNS     int64 `json:"unknown_ns"`
	PausedNS      int64 `json:"paused_ns"`
	GapNS         int64 `json:"gap_ns"`         // nothing is known
	MaintenanceNS int64 `json:"maintenance_ns"` // planned, whatever the state

	Outages []OutageRow `json:"outages"`
	MTTRNS  *int64      `json:"mttr_ns,omitempty"` // mean time to recover
	MTBFNS  *int64      `json:"mtbf_ns,omitempty"` // mean time between failures

	Budget *BudgetRow `json:"budget,omitempty"` // with an objective
	Agents []ReachRow `json:"agents,omitempty"` // who reached it how often
}

// OutageRow is one time in which it was down.
type OutageRow struct {
	Since   time.Time       `json:"since"`
	Until   time.Time       `json:"until"`
	DownNS  int64           `json:"down_ns"` // of that, known to be down
	Open    bool            `json:"open,omitempty"`
	Planned bool            `json:"planned,omitempty"` // all of it in planned maintenance
	Blame   wire.BlameClass `json:"blame,omitempty"`
}

// BudgetRow is what an objective leaves for being down.
type BudgetRow struct {
	Objective float64   `json:"objective"` // such as 0.999
	AllowedNS int64     `json:"allowed_ns"`
	SpentNS   int64     `json:"spent_ns"`
	LeftNS    int64     `json:"left_ns"`
	Burn      []BurnRow `json:"burn,omitempty"` // at the end of the time
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

// ReachRow is how often one agent reached it.
type ReachRow struct {
	Agent   string   `json:"agent"`
	Reached *float64 `json:"reached,omitempty"` // 0 to 1; absent where it could not tell
	Ticks   uint64   `json:"ticks"`             // that could tell
	Broken  uint64   `json:"broken"`            // runs in which the agent could not measure
	Missed  uint64   `json:"not_measured"`      // ticks without a run
}

// UptimeFilter chooses what is summed.
type UptimeFilter struct {
	Monitors []string // default: all that have a history
	From, To time.Time
	By       string  // day, week or month of the local time; "" is all in one
	SLO      float64 // such as 0.999; 0 is the objective of each monitor that has one
	Agents   bool    // with who reached it
}

// Uptime sums the verdicts on monitors, by name and time.
func (c *Client) Uptime(ctx context.Context, f UptimeFilter) ([]UptimeRow, time.Time, error) {
	parts, err := periods(f.From, f.To, f.By)
	if err != nil {
		return nil, time.Time{}, err
	}
	objectives, err := c.objectives(ctx, f)
	if err != nil {
		return nil, time.Time{}, err
	}
	from := f.From
	if reach := f.To.Add(-history.BurnWindows()[2].Long); (f.SLO > 0 || len(objectives) > 0) && reach.Before(from) {
		from = reach
	}
	reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: f.Monitors, From: from, To: f.To})
	if err != nil {
		return nil, time.Time{}, err
	}
	names := slices.Clone(f.Monitors)
	of := map[string][]wire.HistorySpan{}
	for _, s := range reply.Spans {
		if len(of[s.Monitor]) == 0 && len(f.Monitors) == 0 {
			names = append(names, s.Monitor)
		}
		of[s.Monitor] = append(of[s.Monitor], s)
	}
	slices.Sort(names)
	reached := map[string][]wire.HistorySeries{}
	if f.Agents && len(names) > 0 {
		rollups, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryRollups, Monitors: f.Monitors, From: f.From, To: f.To, Step: historyStep(f.To.Sub(f.From)), Brief: true})
		if err != nil {
			return nil, time.Time{}, err
		}
		for _, s := range rollups.Series {
			reached[s.Monitor] = append(reached[s.Monitor], s)
		}
	}
	var out []UptimeRow
	for _, name := range slices.Compact(names) {
		for _, p := range parts {
			row := uptimeRow(name, of[name], p[0], p[1], cmp.Or(f.SLO, objectives[name]))
			if len(parts) == 1 {
				row.Agents = reachRows(reached[name])
			}
			out = append(out, row)
		}
	}
	return out, reply.Since, nil
}

// objectives are those of monitors that have one, where no other one is asked for.
func (c *Client) objectives(ctx context.Context, f UptimeFilter) (map[string]float64, error) {
	if f.SLO > 0 {
		return nil, nil
	}
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx)
	out := map[string]float64{}
	for i := range list {
		if m := &list[i]; m.SLO != nil && (len(f.Monitors) == 0 || slices.Contains(f.Monitors, m.Name)) {
			out[m.Name] = m.SLO.Part()
		}
	}
	if len(list) > 0 {
		err = nil // one that cannot be read has no budget
	}
	return out, err
}

// periods cuts a time at the ends of local days, weeks (from Monday) or months.
func periods(from, to time.Time, by string) ([][2]time.Time, error) {
	if by == "" {
		return [][2]time.Time{{from, to}}, nil
	}
	local := from.Local()
	y, m, d := local.Date()
	var next func(n int) time.Time
	switch by {
	case "day":
		next = func(n int) time.Time { return time.Date(y, m, d+n, 0, 0, 0, 0, time.Local) }
	case "week":
		monday := d - (int(local.Weekday())+6)%7
		next = func(n int) time.Time { return time.Date(y, m, monday+7*n, 0, 0, 0, 0, time.Local) }
	case "month":
		next = func(n int) time.Time { return time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.Local) }
	default:
		return nil, fmt.Errorf("want day, week or month, got %q", by)
	}
	var out [][2]time.Time
	for n, begin := 1, from; begin.Before(to); n++ {
		end := next(n)
		if end.After(to) {
			end = to
		}
		out = append(out, [2]time.Time{begin, end})
		if begin = end; len(out) > 5000 {
			return nil, errors.New("that is over 5000 rows of each monitor: ask for less time")
		}
	}
	return out, nil
}

func uptimeRow(name string, spans []wire.HistorySpan, from, to time.Time, slo float64) UptimeRow {
	u := history.UptimeOf(spans, from, to)
	row := UptimeRow{Monitor: name, From: from, To: to, UpNS: int64(u.Up), DegradedNS: int64(u.Degraded), DownNS: int64(u.Down), UnknownNS: int64(u.Unknown),
		PausedNS: int64(u.Paused), GapNS: int64(u.Gap), MaintenanceNS: int64(u.MutedUp + u.MutedDegraded + u.MutedDown), Outages: []OutageRow{}}
	if part, ok := u.Part(false); ok {
		row.Uptime = &part
	}
	if part, ok := u.Part(true); ok {
		row.With = &part
	}
	for _, o := range u.Outages {
		row.Outages = append(row.Outages, OutageRow{Since: o.Since, Until: o.Until, DownNS: int64(o.Down), Open: o.Open, Planned: o.Muted, Blame: o.Blame})
	}
	if mean, n := u.MTTR(); n > 0 {
		ns := int64(mean)
		row.MTTRNS = &ns
	}
	if mean, ok := u.MTBF(); ok {
		ns := int64(mean)
		row.MTBFNS = &ns
	}
	if slo > 0 && row.Uptime != nil {
		b := history.BudgetOf(&u, slo)
		row.Budget = &BudgetRow{Objective: slo, AllowedNS: int64(b.Allowed), SpentNS: int64(b.Spent), LeftNS: int64(b.Left())}
		for _, burn := range history.BurnsOf(spans, slo, to) {
			r := BurnRow{Rate: burn.Rate, Long: wire.Duration(burn.Long), Short: wire.Duration(burn.Short), Firing: burn.Firing}
			if burn.Known {
				r.LongRate, r.ShortRate = &burn.LongRate, &burn.ShortRate
			}
			row.Budget.Burn = append(row.Budget.Burn, r)
		}
	}
	return row
}

func reachRows(series []wire.HistorySeries) (out []ReachRow) {
	for _, r := range history.ReachOf(series) {
		row := ReachRow{Agent: r.Agent, Ticks: r.Of, Broken: r.Broken, Missed: r.NotMeasured}
		if part, ok := r.Part(); ok {
			row.Reached = &part
		}
		out = append(out, row)
	}
	return out
}
