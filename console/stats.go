package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"netmon/history"
	"netmon/wire"
)

// Stats is how a monitor was over a time, from one agent or from all together.
type Stats struct {
	Monitor string    `json:"monitor"`
	Agent   string    `json:"agent,omitempty"` // absent: all agents together
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`

	Figures
	Before *Figures  `json:"before,omitempty"` // of the time that it is compared with; absent where nothing is known of that
	Since  time.Time `json:"since,omitzero"`   // the oldest that is known
}

// Figures are those of a time. What was not measured is absent.
type Figures struct {
	Runs     uint64   `json:"runs"`
	Failed   uint64   `json:"failed"`
	Broken   uint64   `json:"broken"`
	MinNS    *int64   `json:"min_ns,omitempty"`
	P50NS    *int64   `json:"p50_ns,omitempty"` // percentiles within 1.1 %
	P90NS    *int64   `json:"p90_ns,omitempty"`
	P95NS    *int64   `json:"p95_ns,omitempty"`
	P99NS    *int64   `json:"p99_ns,omitempty"`
	MaxNS    *int64   `json:"max_ns,omitempty"`
	MeanNS   *int64   `json:"mean_ns,omitempty"`
	JitterNS *int64   `json:"jitter_ns,omitempty"` // mean difference of runs that follow each other on one agent
	Loss     *float64 `json:"loss,omitempty"`      // of packets, 0 to 1
	Reached  *float64 `json:"reached,omitempty"`   // part of the ticks that found it good, of those that could tell, 0 to 1
}

// StatsFilter chooses what is summed.
type StatsFilter struct {
	Monitors, Agents []string
	From, To         time.Time
	Against          time.Duration // compared with the same time so long before; 0: just before
}

// historyStep is as exact as a sum over a time needs: by minutes up to a week, by hours above.
func historyStep(length time.Duration) wire.Duration {
	if length <= 7*24*time.Hour {
		return wire.Duration(30 * time.Minute)
	}
	return wire.Duration(24 * time.Hour)
}

// Stats sums what was measured, by monitor: each agent, and where there are several, all
// together first.
func (c *Client) Stats(ctx context.Context, f StatsFilter) ([]Stats, error) {
	against := f.Against
	if against == 0 {
		against = f.To.Sub(f.From)
	}
	sum := func(from, to time.Time) ([]Stats, time.Time, error) {
		reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryRollups, Monitors: f.Monitors, Agents: f.Agents, From: from, To: to, Step: historyStep(to.Sub(from))})
		return sumSeries(reply.Series, from, to), reply.Since, err
	}
	now, since, err := sum(f.From, f.To)
	if err != nil {
		return nil, err
	}
	before, _, err := sum(f.From.Add(-against), f.To.Add(-against))
	if err != nil {
		return nil, fmt.Errorf("the time before: %w", err)
	}
	for i := range now {
		now[i].Since = since
		if j := slices.IndexFunc(before, func(s Stats) bool { return s.Monitor == now[i].Monitor && s.Agent == now[i].Agent }); j >= 0 {
			now[i].Before = &before[j].Figures
		}
	}
	return now, nil
}

// sumSeries makes a row of each series, and one of all agents of a monitor that has several.
func sumSeries(series []wire.HistorySeries, from, to time.Time) []Stats {
	var out []Stats
	all, agents := map[string]*wire.Rollup{}, map[string]int{}
	for _, s := range series {
		sum := &wire.Rollup{}
		for i := range s.Rows {
			history.Merge(sum, &s.Rows[i].Rollup)
		}
		out = append(out, Stats{Monitor: s.Monitor, Agent: s.Agent, From: from, To: to, Figures: figuresOf(sum)})
		if all[s.Monitor] == nil {
			all[s.Monitor] = &wire.Rollup{}
		}
		history.Merge(all[s.Monitor], sum)
		agents[s.Monitor]++
	}
	for name, sum := range all {
		if agents[name] > 1 {
			out = append(out, Stats{Monitor: name, From: from, To: to, Figures: figuresOf(sum)})
		}
	}
	slices.SortFunc(out, func(a, b Stats) int { return cmp.Or(cmp.Compare(a.Monitor, b.Monitor), cmp.Compare(a.Agent, b.Agent)) })
	return out
}

func figuresOf(r *wire.Rollup) Figures {
	f := Figures{Runs: r.Runs, Failed: r.Failed, Broken: r.Broken}
	known := func(ns float64, ok bool) *int64 {
		if !ok {
			return nil
		}
		v := int64(ns)
		return &v
	}
	l := r.Latency
	f.P50NS, f.P90NS = known(history.Quantile(l, 0.5)), known(history.Quantile(l, 0.9))
	f.P95NS, f.P99NS = known(history.Quantile(l, 0.95)), known(history.Quantile(l, 0.99))
	f.MeanNS, f.JitterNS = known(history.Mean(l)), known(history.Jitter(l))
	if l != nil {
		f.MinNS, f.MaxNS = known(float64(l.MinNS), true), known(float64(l.MaxNS), true)
	}
	if loss, ok := history.Loss(r); ok {
		f.Loss = &loss
	}
	if good, of := history.Reached(r); of > 0 {
		part := float64(good) / float64(of)
		f.Reached = &part
	}
	return f
}
