package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/wire"
)

// Unsaved is a monitor that agents run and nobody has saved: the broker's store
// was lost, and the one that asked for it with it.
type Unsaved struct {
	wire.Monitor
	Agents []string // that run it, by id
	Others []string // agents that run another definition under this name; it is the older one
}

// Unsaved asks the agents that are there for monitors that an earlier life of the
// bucket asked for, by name. Of two definitions under a name it returns the one
// with the higher revision.
func (c *Client) Unsaved(ctx context.Context, agents []Agent) ([]Unsaved, error) {
	var mu sync.Mutex
	found := map[string]*Unsaved{}
	var errs []error
	eachAgent(agents, func(a Agent) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		err := c.unsavedOn(ctx, a, func(m wire.Monitor) {
			mu.Lock()
			defer mu.Unlock()
			u := found[m.Name]
			switch {
			case u == nil:
				found[m.Name] = &Unsaved{Monitor: m, Agents: []string{a.Agent}}
			case u.Revision == m.Revision:
				u.Agents = append(u.Agents, a.Agent)
			case u.Revision > m.Revision:
				u.Others = append(u.Others, a.Agent)
			default:
				*u = Unsaved{Monitor: m, Agents: []string{a.Agent}, Others: append(u.Others, u.Agents...)}
			}
		})
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, fmt.Errorf("ask %s what it runs: %w", a.Agent, err))
		}
	})
	var list []Unsaved
	for _, u := range found {
		slices.Sort(u.Agents)
		slices.Sort(u.Others)
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b Unsaved) int { return strings.Compare(a.Name, b.Name) })
	return list, errors.Join(errs...)
}

// eachAgent does something with every agent, with many at once, and waits.
func eachAgent(agents []Agent, do func(Agent)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, atOnce)
	for _, a := range agents {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(a)
		})
	}
}

// unsavedOn reads the unsaved monitors of one agent.
func (c *Client) unsavedOn(ctx context.Context, a Agent, handle func(wire.Monitor)) error {
	if !a.Online || a.Unsaved == 0 {
		return nil
	}
	return c.Running(ctx, a.Agent, true, func(m wire.MonitorReply) {
		if !m.Manual && m.Store != a.Store {
			handle(wire.Monitor{Name: m.Name, Kind: m.Kind, Target: m.Target, Every: m.Every, Timeout: m.Timeout, Options: m.Options, Revision: m.Revision})
		}
	})
}

// Saved is the monitor as it can be saved again, in the places where it runs. That
// is everywhere where every agent that is there runs it: by which labels it was
// placed, no agent knows.
func (u Unsaved) Saved(agents []Agent) wire.Saved {
	m := wire.Saved{Monitor: u.Monitor, Agents: wire.Selectors(slices.Clone(u.Agents))}
	m.Revision = 0
	everywhere := !slices.ContainsFunc(agents, func(a Agent) bool { return a.Online && !slices.Contains(u.Agents, a.Agent) })
	if everywhere {
		m.Agents = wire.Selectors{wire.Everywhere}
	}
	return m
}

// PlanRecover is a plan that saves unsaved monitors again, where they run.
func PlanRecover(list []Unsaved, agents []Agent) Plan {
	p := Plan{Why: "recovered from agents"}
	for _, u := range list {
		m := u.Saved(agents)
		p.Changes = append(p.Changes, Change{Is: &m})
	}
	return p
}

// Discard stops unsaved monitors on the agents that are there. Nothing is saved.
func (o *Ops) Discard(ctx context.Context, list []Unsaved) (Outcome, error) {
	out := Outcome{Verb: Discard, Same: len(list)}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return out, err
	}
	var ends []Change
	for _, u := range list {
		was := wire.Saved{Monitor: u.Monitor, Agents: wire.Selectors(slices.Concat(u.Agents, u.Others))}
		ends = append(ends, Change{Was: &was, Revision: store.stream.CachedInfo().State.LastSeq})
	}
	o.notifyAgents(ctx, store, &out, ends...)
	return out, nil
}
