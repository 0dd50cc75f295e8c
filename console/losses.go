package console

import (
	"context"
	"time"

	"netmon/wire"
)

// AgentLoss is what one agent lost, by time.
type AgentLoss struct {
	Agent   string
	Columns []LossColumn // of [Graph.Step]; one that is not there has no result
}

// LossColumn is a part of the time. Loss is of packets, where the kind has none of runs.
type LossColumn struct {
	At   time.Time
	Loss *float64 // 0 to 1; nil where nothing could be measured
}

// Losses reads what each of these agents lost, in the columns that [Client.Graph] has for
// the same times.
func (c *Client) Losses(ctx context.Context, monitor string, agents []string, from, to time.Time, columns int) ([]AgentLoss, error) {
	step := graphStep(to.Sub(from), columns)
	reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryRollups, Monitors: []string{monitor}, Agents: agents, From: from, To: to, Step: wire.Duration(step), Brief: true})
	if err != nil {
		return nil, err
	}
	var list []AgentLoss
	for _, s := range reply.Series {
		one := AgentLoss{Agent: s.Agent}
		for i := range s.Rows {
			one.Columns = append(one.Columns, LossColumn{s.Rows[i].At, lossOf(&s.Rows[i].Rollup)})
		}
		list = append(list, one)
	}
	return list, nil
}
