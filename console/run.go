package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/wire"
)

// Runs are runs of saved monitors that agents are to make at once, beside their
// schedule. Their results are stored like all others.
type Runs struct {
	Monitors []string
	On       wire.Selectors // of the agents where a monitor runs; nil is all of them
	Need     Need
}

// Ran is what came of one monitor's runs.
type Ran struct {
	Monitor string
	Probed
}

// PausedError says that a monitor runs nowhere, as it is paused.
type PausedError struct{ Monitor string }

func (e *PausedError) Error() string {
	return fmt.Sprintf("monitor %q is paused: start it first", e.Monitor)
}

// Run has each monitor run once more on the agents where it runs, all at once. handle,
// when not nil, is called with each answer as it comes, one at a time. Agents that
// are offline are not asked. An error means that nothing was asked for (ErrNotFound,
// a [PausedError], ErrNoAgent or a [NeedError] among others), or that the results
// could not be followed.
func (o *Ops) Run(ctx context.Context, r Runs, handle func(Asked)) ([]Ran, error) {
	p, err := o.planRuns(ctx, r)
	if err != nil {
		return nil, err
	}
	p.handle = handle
	following, stop := context.WithCancel(ctx)
	defer stop()
	ready := make(chan struct{})
	var lost error // why nothing can be heard
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop()
		lost = o.c.Follow(following, Filter{Monitors: p.monitors()}, func() { close(ready) }, func(r wire.Result) error {
			if r.Asked == p.token {
				p.answered(Asked{Agent: r.Agent, Monitor: r.Monitor, Run: 1, Result: &r})
			}
			return nil
		})
	})
	select {
	case <-ready:
		eachAgent(p.agents, func(a Agent) { o.c.askToRun(following, a, p) })
		p.wait(following)
	case <-following.Done():
	}
	stop()
	wg.Wait()
	if ctx.Err() == nil && lost != nil {
		return nil, lost
	}
	return p.end(ctx.Err() != nil), nil
}

// runPlan is who is asked to run what, and what came of it so far.
type runPlan struct {
	token    string // by which results are known
	agents   []Agent
	names    map[string][]string // of monitors, by agent
	patience time.Duration       // for a result, once all agents said that they run it
	handle   func(Asked)
	all      chan struct{} // closed when nothing is open

	mu   sync.Mutex // guards what follows, and who calls handle
	ran  []Ran
	open map[pair]bool // asked, and not answered
}

type pair struct{ agent, monitor string }

// planRuns chooses the agents.
func (o *Ops) planRuns(ctx context.Context, r Runs) (*runPlan, error) {
	p := &runPlan{token: rand.Text(), names: map[string][]string{}, open: map[pair]bool{}, all: make(chan struct{})}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	agents, err := o.c.Agents(ctx)
	if err != nil {
		return nil, err
	}
	labels := map[string]map[string]string{}
	for _, a := range agents {
		labels[a.Agent] = a.Labels
	}
	var errs []error
	for i, name := range r.Monitors {
		if slices.Contains(r.Monitors[:i], name) {
			continue
		}
		m, err := store.Get(ctx, name)
		switch {
		case errors.Is(err, ErrUnreachable):
			return nil, err
		case err == nil && m.Paused:
			err = &PausedError{name}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		elsewhere := func(id string) bool { return r.On != nil && !r.On.Match(id, labels[id]) }
		online, away := choose(m, agents)
		online, away = slices.DeleteFunc(online, elsewhere), slices.DeleteFunc(away, elsewhere)
		x := Ran{name, Probed{Away: away, Agents: len(online) + len(away)}}
		if err := x.require(r.Need); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		p.ran = append(p.ran, x)
		// A run may wait for the one under way, and for the next tick's.
		p.patience = max(p.patience, 3*m.Monitor.WithDefaults().Timeout.Std()+probeGrace)
		for _, id := range online {
			p.names[id] = append(p.names[id], name)
			p.open[pair{id, name}] = true
		}
	}
	for _, a := range agents {
		if len(p.names[a.Agent]) > 0 {
			p.agents = append(p.agents, a)
		}
	}
	if len(p.open) == 0 {
		close(p.all)
	}
	return p, errors.Join(errs...)
}

func (p *runPlan) monitors() (names []string) {
	for _, r := range p.ran {
		names = append(names, r.Monitor)
	}
	return names
}

// answered takes a result, or why there is none.
func (p *runPlan) answered(a Asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := pair{a.Agent, a.Monitor}
	if !p.open[at] {
		return
	}
	delete(p.open, at)
	i := slices.IndexFunc(p.ran, func(r Ran) bool { return r.Monitor == a.Monitor })
	var t Tally
	t.count(a)
	p.ran[i].Tallies = append(p.ran[i].Tallies, t)
	if p.handle != nil {
		p.handle(a)
	}
	if len(p.open) == 0 {
		close(p.all)
	}
}

// wait waits for the results, as long as they may take.
func (p *runPlan) wait(ctx context.Context) {
	select {
	case <-p.all:
	case <-ctx.Done():
	case <-time.After(p.patience):
		p.mu.Lock()
		var left []pair
		for at := range p.open {
			left = append(left, at)
		}
		p.mu.Unlock()
		for _, at := range left {
			p.answered(Asked{Agent: at.agent, Monitor: at.monitor, Run: 1, Err: fmt.Errorf("gave no result within %v", p.patience)})
		}
	}
}

func (p *runPlan) end(cut bool) []Ran {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.ran {
		slices.SortFunc(p.ran[i].Tallies, func(a, b Tally) int { return strings.Compare(a.Agent, b.Agent) })
		p.ran[i].Cut = cut && len(p.open) > 0
	}
	return p.ran
}

// askPatience is how long an agent may take to say that it runs something.
const askPatience = 5 * time.Second

// askToRun asks one agent for its runs: more than it may be asked for at once one
// part after the other.
func (c *Client) askToRun(ctx context.Context, a Agent, p *runPlan) {
	c.commands.Heard(a.Alive)
	for names, again := p.names[a.Agent], 0; len(names) > 0; again++ {
		if again > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
		last := again > len(p.names[a.Agent])/wire.MaxAskRate+1 // others ask for as much
		var later []string
		for answer := range c.commands.SendAll(ctx, a.Agent, askPatience, wire.Command{Op: wire.OpRun, Names: names, Asked: p.token}) {
			if ctx.Err() != nil {
				return
			}
			not := func(name string, err error) {
				p.answered(Asked{Agent: a.Agent, Monitor: name, Run: 1, Err: err})
			}
			replies := map[string]wire.MonitorReply{}
			for _, m := range answer.Reply.Monitors {
				replies[m.Name] = m
			}
			err := unanswered(answer.Reply, answer.Err, askPatience)
			for _, name := range answer.Piece.Names {
				switch m, known := replies[name]; {
				case !known && err != nil:
					not(name, err)
				case m.State == wire.Asked:
				case m.State == wire.Absent:
					not(name, errors.New("does not run it"))
				case len(m.Errors) == 0:
					not(name, errors.New("does not say whether it runs it"))
				case m.Errors[0].Code == wire.CodeLimit && !last:
					later = append(later, name)
				default:
					not(name, errors.New("refused: "+m.Errors[0].Message))
				}
			}
		}
		names = later
	}
}
