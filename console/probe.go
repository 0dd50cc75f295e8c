package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/plural"
	"netmon/wire"
)

// Probing is a measurement that agents are to make at once. Nothing of it is saved
// or published.
type Probing struct {
	Monitor wire.Saved // what to measure; where it is placed, paused or not, says which agents do
	Times   int        // runs on each agent, one after another; 0 is 1
	Every   time.Duration
	Need    Need
}

// Need is how many agents must find a target fine.
type Need int

// NeedAll needs all that are chosen.
const NeedAll Need = 0

// ParseNeed reads any, all or a number.
func ParseNeed(text string) (Need, error) {
	switch text {
	case "all":
		return NeedAll, nil
	case "any":
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("want any, all or a number of 1 or more, got %q", text)
	}
	return Need(n), nil
}

// ErrNoAgent says that no agent is chosen.
var ErrNoAgent = errors.New("no agent is chosen")

// NeedError says that more agents are needed than are chosen.
type NeedError struct {
	Need   Need
	Agents int
}

func (e *NeedError) Error() string {
	return fmt.Sprintf("%s must find it ok, and only %d %s chosen", plural.Count(int(e.Need), "agent", "agents"), e.Agents, plural.Of(e.Agents, "is", "are"))
}

// Asked is what one agent gave to one request to measure: a result, or why
// there is none.
type Asked struct {
	Agent   string
	Monitor string // of Run; "" of Probe
	Run     int    // from 1
	Result  *wire.Result
	Err     error
}

// Probe lets agents measure now, each run of an agent not before Every has passed
// since its last one began. handle, when not nil, is called with each answer as it
// comes, one at a time. Agents that are offline are not asked. The error is
// ErrNoAgent, a [NeedError], or why the agents are not known.
func (o *Ops) Probe(ctx context.Context, p Probing, handle func(Asked)) (Probed, error) {
	agents, err := o.c.Agents(ctx)
	if err != nil {
		return Probed{}, err
	}
	online, away := choose(pickSome(p.Monitor, agents), agents)
	out := Probed{Away: away, Agents: len(online) + len(away)}
	if err := out.require(p.Need); err != nil {
		return out, err
	}
	m := p.Monitor.Monitor
	m.Revision = 0
	tallies := make([]Tally, len(online))
	var mu sync.Mutex // guards tallies, and who calls handle
	var wg sync.WaitGroup
	for i, agent := range online {
		wg.Go(func() {
			o.c.probeOn(ctx, agent, m, max(1, p.Times), p.Every, func(a Asked) {
				mu.Lock()
				defer mu.Unlock()
				tallies[i].count(a)
				if handle != nil {
					handle(a)
				}
			})
		})
	}
	wg.Wait()
	for _, t := range tallies {
		if t.Runs > 0 {
			slices.Sort(t.Took)
			out.Tallies = append(out.Tallies, t)
		}
	}
	out.Cut = ctx.Err() != nil
	return out, nil
}

// choose parts the agents on which a monitor is placed into those that are there
// and those that are not. One that left on purpose is chosen by name only.
func choose(m wire.Saved, agents []Agent) (online, away []string) {
	for _, a := range agents {
		switch {
		case !m.IsPlacedOn(a.Agent, a.Labels):
		case a.Online:
			online = append(online, a.Agent)
		case !a.Leaving || slices.Contains(m.Agents, a.Agent):
			away = append(away, a.Agent)
		}
	}
	for _, id := range m.Agents.IDs() {
		if m.IsPlacedOn(id, nil) && !slices.ContainsFunc(agents, func(a Agent) bool { return a.Agent == id }) {
			away = append(away, id)
		}
	}
	return online, away
}

// probeGrace is what an answer may need on its way, beyond the measurement.
const probeGrace = 3 * time.Second

// probeOn lets one agent measure.
func (c *Client) probeOn(ctx context.Context, agent string, m wire.Monitor, times int, every time.Duration, handle func(Asked)) {
	for run := 1; run <= times && ctx.Err() == nil; run++ {
		begun := time.Now()
		a := c.askOnce(ctx, agent, m)
		a.Run = run
		if ctx.Err() != nil {
			return
		}
		handle(a)
		if run == times {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(begun.Add(every))):
		}
	}
}

// ProbeOn lets one agent measure once, under its policy; nothing of it is saved or published.
// Where it refuses, that is a [wire.Error] in the answer's.
func (c *Client) ProbeOn(ctx context.Context, agent string, m wire.Monitor) Asked {
	a := c.askOnce(ctx, agent, m)
	a.Run = 1
	return a
}

func (c *Client) askOnce(ctx context.Context, agent string, m wire.Monitor) Asked {
	patience := m.Timeout.Std() + probeGrace
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := c.Command(ctx, agent, wire.Command{Op: wire.OpProbe, Monitors: []wire.Monitor{m}})
	if err = unanswered(reply, err, patience); err == nil && reply.Result == nil {
		err = errors.New("answered without a result")
	}
	return Asked{Agent: agent, Result: reply.Result, Err: err}
}

// unanswered says why an agent that was asked within patience did not do it, nil where it did.
func unanswered(reply wire.Reply, err error, patience time.Duration) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return errors.New("is offline")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("did not answer within %v", patience)
	case err == nil && reply.Error != nil:
		return fmt.Errorf("refused: %w", reply.Error)
	}
	return err
}
