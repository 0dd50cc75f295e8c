package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/command"
	"netmon/wire"
)

// Told is what one agent answered to the change of one monitor.
type Told struct {
	Agent, Monitor string
	Text           string // running, stopped, or why not
	OK             bool   // it is so now
	Away           bool   // the agent is away, and the controller tells it when it returns
}

// atOnce is how many agents are told at the same time.
const atOnce = 64

// tell brings changes of saved monitors to the agents they concern at once, and
// says what each of them answered. The controller would do the same a moment later;
// asking the agents ourselves is what makes it a confirmation.
func (s *Store) tell(ctx context.Context, agents []Agent, changes ...Change) []Told {
	var mu sync.Mutex
	var told []Told
	for _, a := range agents {
		s.c.commands.Heard(a.Alive)
	}
	eachAgent(agents, func(a Agent) {
		answers := s.tellAgent(ctx, a, changes)
		mu.Lock()
		defer mu.Unlock()
		told = append(told, answers...)
	})
	told = append(told, unknownAgents(agents, changes)...)
	slices.SortStableFunc(told, func(a, b Told) int {
		if a.Monitor != b.Monitor {
			return strings.Compare(a.Monitor, b.Monitor)
		}
		return strings.Compare(a.Agent, b.Agent)
	})
	return told
}

// tellAgent tells one agent what concerns it.
func (s *Store) tellAgent(ctx context.Context, a Agent, changes []Change) (told []Told) {
	var start []wire.Monitor
	var stop []string
	var revision uint64
	for _, c := range changes {
		revision = max(revision, c.Revision)
		switch {
		case c.Is != nil && c.Is.RunsOn(a.Agent, a.Labels):
			m := c.Is.Monitor
			m.Revision = c.Revision
			start = append(start, m)
		case c.Was != nil && c.Was.RunsOn(a.Agent, a.Labels):
			stop = append(stop, c.Name())
		}
	}
	patience := 5 * time.Second
	if !a.Online {
		patience = time.Second // it may just have come back
	}
	for _, c := range command.Update(s.id, revision, stop, start) {
		for answer := range s.c.commands.SendAll(ctx, a.Agent, patience, c) {
			told = append(told, toldBy(a, answer)...)
		}
	}
	return told
}

// unknownAgents tells of agents that a monitor names, or newly excepts, and
// nobody has seen: the name may be wrong.
func unknownAgents(agents []Agent, changes []Change) []Told {
	seen := func(id string) bool {
		return slices.ContainsFunc(agents, func(a Agent) bool { return a.Agent == id })
	}
	var told []Told
	for _, c := range changes {
		if c.Is == nil || c.Is.Paused {
			continue
		}
		for _, id := range c.Is.Agents.IDs() {
			if !seen(id) && c.Is.RunsOn(id, nil) {
				told = append(told, Told{Agent: id, Monitor: c.Name(), Away: true, Text: "no agent of that name is known; it will start when one joins"})
			}
		}
		for _, id := range c.Is.Except.IDs() {
			if !seen(id) && (c.Was == nil || !slices.Contains(c.Was.Except, id)) {
				told = append(told, Told{Agent: id, Monitor: c.Name(), Away: true, Text: "no agent of that name is known; it will not run there when one joins"})
			}
		}
	}
	return told
}

// toldBy is what an agent's answer says of each monitor that it was asked about.
func toldBy(a Agent, answer command.Answer) []Told {
	names, will := answer.Piece.Names, "stop"
	if answer.Piece.Op == wire.OpStart {
		will = "start"
		for _, m := range answer.Piece.Monitors {
			names = append(names, m.Name)
		}
	}
	all := func(t Told) []Told {
		out := make([]Told, len(names))
		for i, name := range names {
			out[i] = t
			out[i].Agent, out[i].Monitor = a.Agent, name
		}
		return out
	}
	reply, err := answer.Reply, answer.Err
	switch {
	case errors.Is(err, nats.ErrNoResponders), err != nil && !a.Online:
		return all(Told{Away: true, Text: fmt.Sprintf("is offline, last seen %s; it will %s when it returns", a.Seen.Local().Format("15:04:05"), will)})
	case err != nil:
		return all(Told{Text: fmt.Sprintf("did not answer (%v); the controller goes on trying", err)})
	case len(reply.Monitors) == 0 && reply.Error != nil:
		return all(Told{Text: "refused: " + reply.Error.Error()})
	}
	var out []Told
	for _, m := range reply.Monitors {
		t := Told{Agent: a.Agent, Monitor: m.Name, Text: string(m.State), OK: m.State != wire.Refused}
		switch m.State { // the controller may have been there before us
		case wire.Started, wire.Updated, wire.Unchanged:
			t.Text = "running"
		case wire.Stopped, wire.Absent:
			t.Text = "stopped"
		}
		if len(m.Errors) == 1 && m.Errors[0].Code == wire.CodeStale {
			// The controller told it about our change together with a later one.
			t.OK, t.Text = true, "was told already, by a newer command"
			m.Errors = nil
		}
		for _, e := range m.Errors {
			t.Text += ": " + e.Error()
		}
		out = append(out, t)
	}
	return out
}
