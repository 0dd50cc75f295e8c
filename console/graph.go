package console

import (
	"context"
	"time"

	"netmon/history"
	"netmon/wire"
)

// Graph is a monitor over a time, in columns of one length.
type Graph struct {
	Monitor string        `json:"monitor"`
	Agent   string        `json:"agent,omitempty"` // absent: all agents together
	From    time.Time     `json:"from"`
	To      time.Time     `json:"to"`
	Step    wire.Duration `json:"step"`
	Columns []GraphColumn `json:"columns"`        // by time; one that is not there has no result
	Since   time.Time     `json:"since,omitzero"` // the oldest that is known
}

// GraphColumn is a part of the time.
type GraphColumn struct {
	At     time.Time `json:"at"`
	Runs   uint64    `json:"runs"`
	Failed uint64    `json:"failed"`
	Broken uint64    `json:"broken"`
	MinNS  *int64    `json:"min_ns,omitempty"`
	P10NS  *int64    `json:"p10_ns,omitempty"`
	P25NS  *int64    `json:"p25_ns,omitempty"`
	P50NS  *int64    `json:"p50_ns,omitempty"`
	P75NS  *int64    `json:"p75_ns,omitempty"`
	P90NS  *int64    `json:"p90_ns,omitempty"`
	MaxNS  *int64    `json:"max_ns,omitempty"`
	Loss   *float64  `json:"loss,omitempty"` // of packets, 0 to 1; where the kind has none, of runs that failed
}

// Graph reads a monitor in at most so many columns, from one agent or from all together.
func (c *Client) Graph(ctx context.Context, monitor, agent string, from, to time.Time, columns int) (Graph, error) {
	step := graphStep(to.Sub(from), columns)
	q := wire.HistoryQuery{What: wire.HistoryRollups, Monitors: []string{monitor}, From: from, To: to, Step: wire.Duration(step), Together: true}
	if agent != "" {
		q.Agents = []string{agent}
	}
	reply, err := c.History(ctx, q)
	if err != nil {
		return Graph{}, err
	}
	cut := time.Minute
	if step >= time.Hour {
		cut = time.Hour
	}
	g := Graph{Monitor: monitor, Agent: agent, From: from.UTC().Truncate(cut), To: to.UTC(), Step: reply.Step, Since: reply.Since, Columns: []GraphColumn{}}
	for _, s := range reply.Series {
		for i := range s.Rows {
			g.Columns = append(g.Columns, graphColumn(&s.Rows[i]))
		}
	}
	return g, nil
}

// graphStep is the least step that history has which makes at most so many columns.
func graphStep(length time.Duration, columns int) time.Duration {
	unit := time.Minute
	if length > time.Duration(columns)*time.Hour {
		unit = time.Hour
	}
	n := (length + time.Duration(columns)*unit - 1) / (time.Duration(columns) * unit)
	return max(n, 1) * unit
}

func graphColumn(row *wire.HistoryRow) GraphColumn {
	c := GraphColumn{At: row.At, Runs: row.Runs, Failed: row.Failed, Broken: row.Broken}
	quantile := func(q float64) *int64 {
		ns, ok := history.Quantile(row.Latency, q)
		if !ok {
			return nil
		}
		v := int64(ns)
		return &v
	}
	c.MinNS, c.P10NS, c.P25NS, c.P50NS = quantile(0), quantile(0.1), quantile(0.25), quantile(0.5)
	c.P75NS, c.P90NS, c.MaxNS = quantile(0.75), quantile(0.9), quantile(1)
	c.Loss = lossOf(&row.Rollup)
	return c
}

// lossOf is the part of the packets that was lost; where the kind has none, of the runs
// that failed. It is nil where nothing could be measured.
func lossOf(r *wire.Rollup) *float64 {
	if loss, ok := history.Loss(r); ok {
		return &loss
	}
	good, of := history.Reached(r)
	if of == 0 {
		return nil
	}
	lost := 1 - float64(good)/float64(of)
	return &lost
}
