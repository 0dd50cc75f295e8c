package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	Since   time.Time `json:"since,omitzero"` // nothing is known of it from before: it was made then; absent where it was there at from

	Uptime *float64 `json:"uptime,omitempty"`                  // part of the known time that it was not down, 0 to 1; absent where nothing is known
	With   *float64 `json:"uptime_with_maintenance,omitempty"` // the same with planned maintenance

	UpNS          int64 `json:"up_ns"`
	DegradedNS    int64 `json:"degraded_ns"`
	DownNS        int64 `json:"down_ns"`
	UnknownNS     int64 `json:"unknown_ns"`
	PausedNS      int64 `json:"paused_ns"`
	GapNS         int64 `json:"gap_ns"`         // nothing is known: nobody judged
	AbsentNS      int64 `json:"absent_ns"`      // it was not there: not made yet, or deleted
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
	SLO      float64 // such as 0.999, over the time that is asked for; 0 is the objective of each monitor that has one, over its own window
	Agents   bool    // with who reached it
}

// Uptime sums the verdicts on monitors, by name and time.
func (c *Client) Uptime(ctx context.Context, f UptimeFilter) ([]UptimeRow, time.Time, error) {
	parts, err := periods(f.From, f.To, f.By)
	if err != nil {
		return nil, time.Time{}, err
	}
	budgets, err := c.budgetsOf(ctx, f)
	if err != nil {
		return nil, time.Time{}, err
	}
	of, since, err := c.spansOf(ctx, f.Monitors, f.From, f.To)
	if err != nil {
		return nil, time.Time{}, err
	}
	names := slices.AppendSeq(slices.Clone(f.Monitors), maps.Keys(of))
	slices.Sort(names)
	names = slices.Compact(names)
	if err := budgets.read(ctx, c, names, of); err != nil {
		return nil, time.Time{}, err
	}
	unjudged, err := c.unjudged(ctx, f.Monitors, of)
	if err != nil {
		return nil, time.Time{}, err
	}
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
	for _, name := range names {
		for _, p := range parts {
			row := uptimeRow(name, of[name], p.from, p.to)
			if times, none := unjudged[name]; none {
				row.existed(times)
			}
			row.Budget = budgets.row(name, p)
			if len(parts) == 1 {
				row.Agents = reachRows(reached[name])
			}
			out = append(out, row)
		}
	}
	return out, since, nil
}

// spansOf are the states of monitors in a time, by name, and the oldest time that is known.
// No names are all monitors that have a history.
func (c *Client) spansOf(ctx context.Context, names []string, from, to time.Time) (map[string][]wire.HistorySpan, time.Time, error) {
	reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: names, From: from, To: to})
	of := map[string][]wire.HistorySpan{}
	for _, s := range reply.Spans {
		of[s.Monitor] = append(of[s.Monitor], s)
	}
	return of, reply.Since, err
}

// period is a part of the time that is asked for.
type period struct {
	from, to time.Time
	end      time.Time // of the whole day, week or month, which to may cut
}

// periods cuts a time at the ends of local days, weeks (from Monday) or months.
func periods(from, to time.Time, by string) ([]period, error) {
	if by == "" {
		return []period{{from, to, to}}, nil
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
	var out []period
	for n, begin := 1, from; begin.Before(to); n++ {
		whole := next(n)
		end := whole
		if end.After(to) {
			end = to
		}
		out = append(out, period{begin, end, whole})
		if begin = end; len(out) > 5000 {
			return nil, errors.New("that is over 5000 rows of each monitor: ask for less time")
		}
	}
	return out, nil
}

func uptimeRow(name string, spans []wire.HistorySpan, from, to time.Time) UptimeRow {
	u := history.UptimeOf(spans, from, to)
	row := UptimeRow{Monitor: name, From: from, To: to, Since: u.Since, UpNS: int64(u.Up), DegradedNS: int64(u.Degraded), DownNS: int64(u.Down), UnknownNS: int64(u.Unknown),
		PausedNS: int64(u.Paused), GapNS: int64(u.Gap), AbsentNS: int64(u.Absent), MaintenanceNS: int64(u.MutedUp + u.MutedDegraded + u.MutedDown), Outages: []OutageRow{}}
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
