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
	"netmon/internal/timetext"
	"netmon/wire"
)

// Ack is what one agent answered when a monitor changed.
type Ack struct {
	Agent, Monitor string
	Text           string // running, stopped, or why not
	OK             bool   // it is so now
	Away           bool   // the agent is offline, and the controller tells it when it returns
}

// atOnce is how many agents are asked at the same time.
const atOnce = 64

// notifyAgents brings changes of saved monitors to the agents they concern at once, and
// says what each of them answered. The controller would do the same a moment later;
// asking the agents ourselves is what makes it a confirmation.
func (s *Store) notifyAgents(ctx context.Context, agents []Agent, changes ...Change) []Ack {
	var mu sync.Mutex
	var acks []Ack
	for _, a := range agents {
		s.c.commands.Heard(a.Alive)
	}
	eachAgent(agents, func(a Agent) {
		answers := s.notifyAgent(ctx, a, changes)
		mu.Lock()
		defer mu.Unlock()
		acks = append(acks, answers...)
	})
	acks = append(acks, unknownAgents(agents, changes)...)
	slices.SortStableFunc(acks, func(a, b Ack) int {
		if a.Monitor != b.Monitor {
			return strings.Compare(a.Monitor, b.Monitor)
		}
		return strings.Compare(a.Agent, b.Agent)
	})
	return acks
}

// notifyAgent sends one agent what concerns it.
func (s *Store) notifyAgent(ctx context.Context, a Agent, changes []Change) (acks []Ack) {
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
			acks = append(acks, acksOf(a, answer)...)
		}
	}
	return acks
}

// unknownAgents reports agents that a monitor names, or newly excepts, and
// nobody has seen: the name may be wrong.
func unknownAgents(agents []Agent, changes []Change) []Ack {
	seen := func(id string) bool {
		return slices.ContainsFunc(agents, func(a Agent) bool { return a.Agent == id })
	}
	var acks []Ack
	for _, c := range changes {
		if c.Is == nil || c.Is.Paused {
			continue
		}
		for _, id := range c.Is.Agents.IDs() {
			if !seen(id) && c.Is.RunsOn(id, nil) {
				acks = append(acks, Ack{Agent: id, Monitor: c.Name(), Away: true, Text: "no agent of that name is known; it will start when one joins"})
			}
		}
		for _, id := range c.Is.Except.IDs() {
			if !seen(id) && (c.Was == nil || !slices.Contains(c.Was.Except, id)) {
				acks = append(acks, Ack{Agent: id, Monitor: c.Name(), Away: true, Text: "no agent of that name is known; it will not run there when one joins"})
			}
		}
	}
	return acks
}

// acksOf is what an agent's answer says of each monitor that it was asked about.
func acksOf(a Agent, answer command.Answer) []Ack {
	names, will := answer.Piece.Names, "stop"
	if answer.Piece.Op == wire.OpStart {
		will = "start"
		for _, m := range answer.Piece.Monitors {
			names = append(names, m.Name)
		}
	}
	all := func(t Ack) []Ack {
		out := make([]Ack, len(names))
		for i, name := range names {
			out[i] = t
			out[i].Agent, out[i].Monitor = a.Agent, name
		}
		return out
	}
	reply, err := answer.Reply, answer.Err
	switch {
	case errors.Is(err, nats.ErrNoResponders), err != nil && !a.Online:
		return all(Ack{Away: true, Text: fmt.Sprintf("not told: the agent is offline, last seen %s; it will %s when it returns", timetext.Moment(a.Seen, time.Now()), will)})
	case err != nil:
		return all(Ack{Text: fmt.Sprintf("not confirmed: the agent did not answer (%v); the controller keeps trying", err)})
	case len(reply.Monitors) == 0 && reply.Error != nil:
		return all(Ack{Text: "refused: " + reply.Error.Error()})
	}
	var out []Ack
	for _, m := range reply.Monitors {
		t := Ack{Agent: a.Agent, Monitor: m.Name, Text: string(m.State), OK: m.State != wire.Refused}
		switch m.State { // the controller may have been there before us
		case wire.Started, wire.Updated, wire.Unchanged:
			t.Text = "running"
		case wire.Stopped, wire.Absent:
			t.Text = "stopped"
		}
		if len(m.Errors) == 1 && m.Errors[0].Code == wire.CodeStale {
			// The controller sent it our change together with a later one.
			t.OK, t.Text = true, "already has a newer command"
			m.Errors = nil
		}
		for _, e := range m.Errors {
			t.Text += ": " + e.Error()
		}
		out = append(out, t)
	}
	return out
}
