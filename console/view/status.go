package view

import (
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Status is the state of a saved monitor at one moment, and that on each agent.
type Status struct {
	Monitor string        `json:"monitor"`
	State   judge.State   `json:"state"`
	Agents  []AgentStatus `json:"agents"` // that should run it, by id; none while it is paused
}

// AgentStatus is the state of a monitor on one agent.
type AgentStatus struct {
	Agent  string       `json:"agent"`
	State  judge.State  `json:"state"`
	Reason judge.Reason `json:"-"`
	Why    string       `json:"why,omitempty"` // where it is not up
	Result *wire.Result `json:"result,omitempty"`
}

// Status is the state of a saved monitor, and false where none of that name is
// saved that can be read. Its results are told where they are kept: see [Mesh.KeepResults].
func (v *Mesh) Status(name string, now time.Time) (Status, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.advance(now)
	m := v.monitors[name]
	if m == nil || !m.readable() {
		return Status{}, false
	}
	return v.status(m, v.tick(now)), true
}

// Statuses are the saved monitors and their states, by name. Those that cannot be
// read are left out.
func (v *Mesh) Statuses(now time.Time) ([]wire.Saved, []Status) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.advance(now)
	list := v.savedByName()
	states := make([]Status, len(list))
	for i, m := range list {
		states[i] = v.status(v.monitors[m.Name], v.tick(now))
	}
	return list, states
}

func (v *Mesh) status(m *monitor, now uint32) Status {
	out := Status{Monitor: m.name, Agents: []AgentStatus{}}
	if m.paused() {
		out.State = judge.Paused
		return out
	}
	var n judge.Counts
	add := func(a AgentStatus) {
		n[a.State]++
		out.Agents = append(out.Agents, a)
	}
	for _, s := range m.series {
		if s.wanted {
			one := s.status(now)
			if one.Reason == judge.NoReason || one.Reason == judge.NotMeasured {
				one.Result = v.kept[s]
			}
			add(one)
		}
	}
	for _, id := range v.unknown(m) {
		add(AgentStatus{Agent: id, State: judge.Unknown, Why: nobody})
	}
	slices.SortFunc(out.Agents, func(a, b AgentStatus) int { return strings.Compare(a.Agent, b.Agent) })
	out.State = judge.OfMonitor(false, n)
	return out
}

const nobody = "no agent of that name is known"

// unknown are the agents that a saved monitor names, and nobody has heard of.
func (v *Mesh) unknown(m *monitor) (ids []string) {
	for _, id := range m.named {
		if v.agents[id] == nil && judge.Expected(m.saved, judge.Agent{ID: id}) {
			ids = append(ids, id)
		}
	}
	return ids
}

// facts are what the judge is told of a series at a moment.
func (s *series) facts(now uint32) judge.Series {
	f := judge.Series{Paused: s.m.paused(), Offline: s.a.away(), Refused: s.a.Refused[s.m.name] != "", Heard: len(s.samples) > 0}
	if f.Heard {
		f.Last = s.samples[len(s.samples)-1].state()
		f.Stale, f.Silent = s.m.saved != nil && s.revision < s.m.revision, now > s.deadline()
	}
	return f
}

// status evaluates a series, and says why where it is not up.
func (s *series) status(now uint32) AgentStatus {
	out := AgentStatus{Agent: s.a.id}
	out.State, out.Reason = s.facts(now).State()
	switch out.Reason {
	case judge.AgentOffline:
		out.Why = "the agent is offline"
	case judge.AgentRefused:
		out.Why = "the agent cannot run it: " + s.a.Refused[s.m.name]
	case judge.NothingHeard:
		if out.Why = "nothing was measured yet"; s.a.seen.IsZero() {
			out.Why = nobody
		}
	case judge.ChangedSince:
		out.Why = "nothing was measured since it was changed"
	case judge.TooOld:
		silent := time.Duration(now-s.heard) * tick
		out.Why = "nothing was heard for " + silent.Round(time.Second).String()
	default:
		if out.State != judge.Up && out.State != judge.Paused {
			out.Why = string(s.last.failure) + ": " + firstLine(s.last.err)
		}
	}
	return out
}
