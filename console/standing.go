package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// States in which a monitor can stand, on one agent or as a whole.
const (
	StandsUp       = "up"       // every agent that runs it finds the target fine
	StandsDegraded = "degraded" // some do, and of the others that is not known
	StandsDown     = "down"     // none does, and one at least found it failed
	StandsPaused   = "paused"
	StandsUnknown  = "unknown" // nothing is known of now: a gap is no state
)

// Standing is how a monitor stands at one moment.
type Standing struct {
	Monitor string       `json:"monitor"`
	State   string       `json:"state"`
	Agents  []AgentStand `json:"agents"` // that should run it, by id
}

// AgentStand is how a monitor stands on one agent.
type AgentStand struct {
	Agent  string       `json:"agent"`
	State  string       `json:"state"`         // up, down or unknown
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

// staleAfter is how old a result may be and still tell of now: of three runs in
// a row one has to be heard.
func staleAfter(m wire.Saved) time.Duration {
	return 3*m.Every.Std() + m.Timeout.Std() + 2*time.Second
}

// remembered is how long an agent that is away counts: as long as its last heartbeat is kept.
const remembered = 24 * time.Hour

// Stand says how a monitor stands, from the agents and the last result of each.
func Stand(m wire.Saved, agents []Agent, last map[string]Heard) Standing {
	s := Standing{Monitor: m.Name, Agents: []AgentStand{}}
	if m.Paused {
		s.State = StandsPaused
		return s
	}
	count := map[string]int{}
	for _, a := range agents {
		if a.Leaving || !m.RunsOn(a.Agent, a.Labels) {
			continue
		}
		one := standOn(m, a, last)
		count[one.State]++
		s.Agents = append(s.Agents, one)
	}
	for _, id := range m.Agents.IDs() { // named, and never seen
		known := slices.ContainsFunc(agents, func(a Agent) bool { return a.Agent == id && !a.Leaving })
		if !known && m.RunsOn(id, nil) {
			count[StandsUnknown]++
			s.Agents = append(s.Agents, AgentStand{Agent: id, State: StandsUnknown, Why: "no agent of that name is known"})
		}
	}
	for id, r := range last { // measured, and forgotten: the stream of heartbeats was made anew
		known := slices.ContainsFunc(agents, func(a Agent) bool { return a.Agent == id }) ||
			slices.ContainsFunc(s.Agents, func(a AgentStand) bool { return a.Agent == id })
		// Its labels are not known; a result of this very definition says as much.
		if belongs := m.RunsOn(id, nil) || r.Revision >= m.Revision; !known && belongs && r.Age < remembered {
			count[StandsUnknown]++
			s.Agents = append(s.Agents, AgentStand{Agent: id, State: StandsUnknown, Why: "the agent has not been seen for long"})
		}
	}
	slices.SortFunc(s.Agents, func(a, b AgentStand) int { return strings.Compare(a.Agent, b.Agent) })
	switch up, down := count[StandsUp], count[StandsDown]; {
	case up > 0 && up == len(s.Agents):
		s.State = StandsUp
	case up > 0:
		s.State = StandsDegraded
	case down > 0:
		s.State = StandsDown
	default:
		s.State = StandsUnknown
	}
	return s
}

func standOn(m wire.Saved, a Agent, last map[string]Heard) AgentStand {
	one := AgentStand{Agent: a.Agent, State: StandsUnknown}
	r, ok := last[a.Agent]
	switch {
	case !a.Online:
		one.Why = "the agent is offline"
	case a.Refused[m.Name] != "":
		one.Why = WhyRefused + a.Refused[m.Name]
	case !ok:
		one.Why = "nothing was measured yet"
	case r.Revision < m.Revision:
		one.Why = "nothing was measured since it was changed"
	case r.Age > staleAfter(m):
		one.Why = "nothing was heard for " + Short(r.Age.Round(time.Second))
	default:
		one.Result = &r.Result
		first, _, _ := strings.Cut(r.Error, "\n")
		one.Why = string(r.Failure) + ": " + first
		switch r.Outcome {
		case wire.OK:
			one.State, one.Why = StandsUp, ""
		case wire.Failed:
			one.State = StandsDown
		}
	}
	return one
}
