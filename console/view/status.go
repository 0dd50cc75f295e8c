package view

import (
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Status is the state of a saved monitor at one moment, and what it is made of.
type Status struct {
	Monitor string             `json:"monitor"`
	State   judge.State        `json:"state"`
	Since   time.Time          `json:"since,omitzero"` // when it began; zero where that is not known
	Why     string             `json:"why,omitempty"`  // in one sentence
	Verdict *wire.Verdict      `json:"-"`              // that it is from; nil where none holds
	Group   *wire.GroupVerdict `json:"-"`              // it is of a group
	Here    bool               `json:"-"`              // no controller leads: judged here
	In      *wire.Incident     `json:"-"`              // the open incident that it is wrong in; nil where none is known
	Muted   []string           `json:"-"`              // silences and windows that mute it there
	Agents  []AgentStatus      `json:"agents"`         // that should run it, by id; none while it is paused
}

// AgentStatus is the state of a monitor on one agent.
type AgentStatus struct {
	Agent  string       `json:"agent"`
	State  judge.State  `json:"state"`
	Share  Share        `json:"-"` // in the verdict
	Reason judge.Reason `json:"-"`
	Why    string       `json:"why,omitempty"` // where it is not up
	Result *wire.Result `json:"result,omitempty"`
}

// Status is the state of a saved monitor, and false where none of that name is
// saved that can be read. Its results are in it where they are kept: see [Mesh.KeepResults].
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
	out := Status{Monitor: m.name, Here: v.verdicts.here, Agents: []AgentStatus{}}
	out.State, out.Why = v.state(m)
	out.In, out.Muted = v.inIncident(m.name)
	if x, _ := v.holding(m); x != nil && stateOf(x.State) == out.State {
		out.Since, out.Verdict = x.Since, x
	}
	if m.paused() {
		return out
	}
	add := func(id string, s *series, share Share) {
		a := v.shareStatus(m, id, s, share, now)
		if s != nil && share != NoShare && share != Silent {
			a.Result = v.kept[s]
		}
		out.Agents = append(out.Agents, a)
	}
	there := map[string]bool{}
	for _, s := range m.series {
		if s.wanted {
			there[s.a.id] = true
			add(s.a.id, s, s.share)
		}
	}
	for _, id := range v.unknown(m) {
		there[id] = true
		add(id, nil, v.shareOf(m, id))
	}
	if out.Verdict != nil {
		for id, share := range Shares(&out.Verdict.Quorum) {
			if !there[id] { // nothing else is known of it here
				add(id, nil, share)
			}
		}
	}
	slices.SortFunc(out.Agents, func(a, b AgentStatus) int { return strings.Compare(a.Agent, b.Agent) })
	return out
}

// shareStatus is what one agent is to the verdict on m, and why. s may be nil.
func (v *Mesh) shareStatus(m *monitor, id string, s *series, share Share, now uint32) AgentStatus {
	out := AgentStatus{Agent: id, State: share.State(), Share: share}
	of := v.agents[id]
	switch {
	case share == SeesUp:
	case share == SeesDown || share == SeesSlow:
		out.Why = m.found(id, s)
	case share == Aside:
		out.Why = "its results do not count: a monitor that this one depends on is down there"
		if x := v.verdicts.agents[id]; x != nil && x.Status != wire.AgentAble {
			out.Why = "set aside: " + x.Why
		}
	case of != nil && of.Refused[m.name] != "":
		out.Reason, out.Why = judge.AgentRefused, "the agent cannot run it: "+of.Refused[m.name]
	case of == nil && (share == NoShare || share == Silent), of != nil && of.seen.IsZero() && s != nil && len(s.samples) == 0:
		out.Reason, out.Why = judge.NothingHeard, nobody
	case of != nil && of.away():
		out.Reason, out.Why = judge.AgentOffline, "the agent is offline"
	case share == Blind:
		out.Reason, out.Why = judge.NotMeasured, "the agent cannot measure it"
		if s != nil && len(s.samples) > 0 && s.last.failure != "" {
			out.Why = string(s.last.failure) + ": " + firstLine(s.last.err)
		}
	case s != nil && s.facts(now).Stale:
		out.Reason, out.Why = judge.ChangedSince, "no result since its last change"
	case share == Silent && s != nil && len(s.samples) > 0 && now <= s.deadline():
		out.Reason, out.Why = judge.NothingHeard, "too few results yet"
	case share == Silent:
		out.Reason, out.Why = judge.TooOld, "no result came in time"
	case s != nil && len(s.samples) > 0:
		out.Reason, out.Why = judge.NothingHeard, notJudged
	default:
		out.Reason, out.Why = judge.NothingHeard, "no result yet"
	}
	return out
}

// found is what an agent found bad: by the verdict's evidence, else by its last result.
func (m *monitor) found(id string, s *series) string {
	for _, e := range m.verdict.Evidence {
		if e.Agent == id && e.Outcome == wire.Failed {
			return string(e.Failure) + ": " + firstLine(e.Text)
		}
	}
	if s != nil && len(s.samples) > 0 && s.last.failure != "" {
		return string(s.last.failure) + ": " + firstLine(s.last.err)
	}
	return "it fails there"
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

// facts are what the judge is given of a series at a moment.
func (s *series) facts(now uint32) judge.Series {
	f := judge.Series{Paused: s.m.paused(), Offline: s.a.away(), Refused: s.a.Refused[s.m.name] != "", Heard: len(s.samples) > 0}
	if f.Heard {
		f.Last = s.samples[len(s.samples)-1].state()
		f.Stale, f.Silent = s.m.saved != nil && s.revision < s.m.measured, now > s.deadline()
	}
	return f
}

// status evaluates a series of a monitor that was started by hand, and says why where
// it is not up.
func (s *series) status(now uint32) AgentStatus {
	out := AgentStatus{Agent: s.a.id}
	out.State, out.Reason = s.facts(now).State()
	switch out.Reason {
	case judge.AgentOffline:
		out.Why = "the agent is offline"
	case judge.AgentRefused:
		out.Why = "the agent cannot run it: " + s.a.Refused[s.m.name]
	case judge.NothingHeard:
		if out.Why = "no result yet"; s.a.seen.IsZero() {
			out.Why = nobody
		}
	case judge.ChangedSince:
		out.Why = "no result since its last change"
	case judge.TooOld:
		silent := time.Duration(now-s.heard) * tick
		out.Why = "no result for " + silent.Round(time.Second).String()
	default:
		if out.State != judge.Up && out.State != judge.Paused {
			out.Why = string(s.last.failure) + ": " + firstLine(s.last.err)
		}
	}
	return out
}
