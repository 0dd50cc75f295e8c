package view

import (
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Agent is an agent that was heard in the last day.
type Agent struct {
	wire.Alive
	Seen   time.Time // when the broker got its last heartbeat
	Online bool

	Verdict *wire.AgentVerdict // nil where the judge said nothing of it
}

// State is online, offline or left.
func (a Agent) State() string {
	switch {
	case a.Online:
		return "online"
	case a.Leaving:
		return "left"
	}
	return "offline"
}

// Monitors are the saved monitors that can be read, by name.
func (v *Mesh) Monitors() []wire.Saved {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.savedByName()
}

func (v *Mesh) savedByName() []wire.Saved {
	list := make([]wire.Saved, 0, len(v.monitors))
	for _, m := range v.named() {
		if m.readable() {
			list = append(list, *m.saved)
		}
	}
	return list
}

// Problems are why saved monitors cannot be read, by name.
func (v *Mesh) Problems() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out map[string]string
	for name, m := range v.monitors {
		if m.problem != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = m.problem
		}
	}
	return out
}

// Agents are those of which a heartbeat is known, by id.
func (v *Mesh) Agents(now time.Time) []Agent {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.advance(now)
	list := make([]Agent, 0, len(v.agents))
	for _, a := range v.agents {
		if !a.seen.IsZero() {
			list = append(list, Agent{Alive: a.Alive, Seen: a.seen, Online: !a.away(), Verdict: v.verdicts.agents[a.id]})
		}
	}
	slices.SortFunc(list, func(a, b Agent) int { return strings.Compare(a.Agent, b.Agent) })
	return list
}
