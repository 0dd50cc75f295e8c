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

// Change is one saved monitor before and after; nil means that there is none.
type Change struct {
	Was, Is  *wire.Saved
	Revision uint64 // of the change itself
}

func (c Change) name() string {
	if c.Is != nil {
		return c.Is.Name
	}
	return c.Was.Name
}

// Told is what one agent answered to the change of one monitor.
type Told struct {
	Agent, Monitor string
	Text           string // running, stopped, or why not
	OK             bool   // it is so now
	Away           bool   // the agent is away, and the controller tells it when it returns
}

// Tell brings changes of saved monitors to the agents they concern at once,
// and says what each of them answered. The controller would do the same a
// moment later; asking the agents ourselves is what makes it a confirmation.
func (s *Store) Tell(ctx context.Context, agents []Agent, changes ...Change) []Told {
	var mu sync.Mutex
	var told []Told
	for _, a := range agents {
		s.c.commands.Heard(a.Alive)
	}
	eachAgent(agents, func(a Agent) {
		for _, cmd := range commandsFor(a, s.id, changes) {
			answers := s.c.tell(ctx, a, cmd)
			mu.Lock()
			told = append(told, answers...)
			mu.Unlock()
		}
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

// commandsFor is what one agent has to be told.
func commandsFor(a Agent, store string, changes []Change) []wire.Command {
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
			stop = append(stop, c.name())
		}
	}
	var cmds []wire.Command
	cmds = append(cmds, command.Cut(wire.Command{Op: wire.OpStop, Store: store, Revision: revision, Names: stop})...)
	return append(cmds, command.Cut(wire.Command{Op: wire.OpStart, Store: store, Revision: revision, Monitors: start})...)
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
				told = append(told, Told{Agent: id, Monitor: c.name(), Away: true, Text: "no agent of that name is known; it will start when one joins"})
			}
		}
		for _, id := range c.Is.Except.IDs() {
			if !seen(id) && (c.Was == nil || !slices.Contains(c.Was.Except, id)) {
				told = append(told, Told{Agent: id, Monitor: c.name(), Away: true, Text: "no agent of that name is known; it will not run there when one joins"})
			}
		}
	}
	return told
}

func (c *Client) tell(ctx context.Context, a Agent, cmd wire.Command) []Told {
	names, will := cmd.Names, "stop"
	if cmd.Op == wire.OpStart {
		will = "start"
		for _, m := range cmd.Monitors {
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
	patience := 5 * time.Second
	if !a.Online {
		patience = time.Second // it may just have come back
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := c.Command(ctx, a.Agent, cmd)
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
