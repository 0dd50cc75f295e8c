package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

// Standing is how a monitor stands at one moment.
type Standing struct {
	Monitor string       `json:"monitor"`
	State   judge.State  `json:"state"`
	Agents  []AgentStand `json:"agents"` // that should run it, by id
}

// AgentStand is how a monitor stands on one agent.
type AgentStand struct {
	Agent  string       `json:"agent"`
	State  judge.State  `json:"state"`
	Why    string       `json:"why,omitempty"` // where it is not up
	Result *wire.Result `json:"result,omitempty"`
}

// WhyRefused begins the reason of an agent that does not run the monitor at all.
const WhyRefused = "the agent cannot run it: "

// Heard is a result, and how long ago it was measured by the broker's clock.
type Heard struct {
	wire.Result
	Age time.Duration
}

// Standing asks the broker how a monitor stands now.
func (c *Client) Standing(ctx context.Context, name string) (Standing, error) {
	store, err := c.Monitors(ctx)
	if err != nil {
		return Standing{}, err
	}
	m, err := store.Get(ctx, name)
	if err != nil {
		return Standing{}, err
	}
	agents, gone, err := c.presence(ctx)
	if err != nil {
		return Standing{}, err
	}
	last, err := c.heard(ctx, gone, name)
	if err != nil {
		return Standing{}, err
	}
	return Stand(m, agents, last[name]), nil
}

// Standings is how monitors stand now, in the order given. It reads the last
// result of each on each agent.
func (c *Client) Standings(ctx context.Context, monitors []wire.Saved) ([]Standing, error) {
	if len(monitors) == 0 {
		return nil, nil
	}
	agents, gone, err := c.presence(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	if len(monitors) <= asked {
		for _, m := range monitors {
			names = append(names, m.Name)
		}
	}
	last, err := c.heard(ctx, gone, names...)
	if err != nil {
		return nil, err
	}
	var all []Standing
	for _, m := range monitors {
		all = append(all, Stand(m, agents, last[m.Name]))
	}
	return all, nil
}

// asked is how many monitors are asked for by name, at most; of more, all are read.
const asked = 20

// heard is the last result of monitors, of all when none is named, by monitor
// and agent; those of agents that are gone for good are left out.
func (c *Client) heard(ctx context.Context, gone map[string]bool, monitors ...string) (map[string]map[string]Heard, error) {
	subjects, err := Filter{Monitors: monitors}.subjects()
	if err != nil {
		return nil, err
	}
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: subjects, Last: true})
	if err != nil {
		return nil, noMesh("read the results", err)
	}
	defer t.Stop()
	last := map[string]map[string]Heard{}
	// Results that come meanwhile are not waited for.
	for left := t.Left(); left > 0; left-- {
		msg, meta, err := t.Next()
		if err != nil {
			return nil, noMesh("read the results", err)
		}
		if r, err := wire.DecodeResult(msg.Subject, msg.Data); err == nil && !gone[r.Agent] {
			if last[r.Monitor] == nil {
				last[r.Monitor] = map[string]Heard{}
			}
			// Both times are the broker's: no clock but its own is trusted.
			age := t.Stream().TimeStamp.Sub(meta.Timestamp) + time.Duration(r.LateNS)
			last[r.Monitor][r.Agent] = Heard{r, max(age, 0)}
		}
		if meta.NumPending == 0 {
			break
		}
	}
	return last, nil
}

// Stand evaluates a monitor, from the agents and the last result of each.
func Stand(m wire.Saved, agents []Agent, last map[string]Heard) Standing {
	s := Standing{Monitor: m.Name, Agents: []AgentStand{}}
	if m.Paused {
		s.State = judge.Paused
		return s
	}
	known := map[string]bool{}
	expect := func(a judge.Agent, one AgentStand) {
		known[a.ID] = true
		if judge.Expected(&m, a) {
			s.Agents = append(s.Agents, one)
		}
	}
	for _, a := range agents {
		r, heard := last[a.Agent]
		expect(judge.Agent{ID: a.Agent, Labels: a.Labels, Left: a.Leaving}, standOn(m, a, r, heard))
	}
	for id, r := range last { // measured, and forgotten: the stream of heartbeats was made anew
		if !known[id] && r.Age < judge.Remembered {
			a := Agent{Alive: wire.Alive{Agent: id}, Online: true} // as far as its results tell
			expect(judge.Agent{ID: id, Unheard: true, Revision: r.Revision}, standOn(m, a, r, true))
		}
	}
	for _, id := range m.Agents.IDs() {
		if !known[id] {
			expect(judge.Agent{ID: id}, AgentStand{Agent: id, State: judge.Unknown, Why: "no agent of that name is known"})
		}
	}
	slices.SortFunc(s.Agents, func(a, b AgentStand) int { return strings.Compare(a.Agent, b.Agent) })
	var n judge.Counts
	for _, a := range s.Agents {
		n[a.State]++
	}
	s.State = judge.OfMonitor(false, n)
	return s
}

// standOn evaluates a monitor on one agent, and says why where it is not up.
func standOn(m wire.Saved, a Agent, r Heard, heard bool) AgentStand {
	f := judge.Series{Offline: !a.Online, Refused: a.Refused[m.Name] != "", Heard: heard}
	if heard {
		f.Last, f.Stale = judge.OfResult(&r.Result), r.Revision < m.Revision
		f.Silent = r.Age > judge.Silence(m.Every.Std(), m.Timeout.Std())
	}
	state, reason := f.State()
	one := AgentStand{Agent: a.Agent, State: state}
	switch reason {
	case judge.AgentOffline:
		one.Why = "the agent is offline"
	case judge.AgentRefused:
		one.Why = WhyRefused + a.Refused[m.Name]
	case judge.NothingHeard:
		one.Why = "nothing was measured yet"
	case judge.ChangedSince:
		one.Why = "nothing was measured since it was changed"
	case judge.TooOld:
		one.Why = "nothing was heard for " + Short(r.Age.Round(time.Second))
	default:
		one.Result = &r.Result
		if state != judge.Up {
			first, _, _ := strings.Cut(r.Error, "\n")
			one.Why = string(r.Failure) + ": " + first
		}
	}
	return one
}
