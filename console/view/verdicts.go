package view

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Contact is how long verdicts hold of which it is not known whether there are newer
// ones: a broker that restarts is back by then.
const Contact = 15 * time.Second

// verdicts are what the judge says.
type verdicts struct {
	here     bool // no controller leads: the console judges
	monitors map[string]*wire.Verdict
	agents   map[string]*wire.AgentVerdict
	mesh     wire.MeshVerdict
	groups   map[string]wire.GroupVerdict
	heard    time.Time // when it was known last that these are the newest
	stale    bool      // that is too long ago
}

func newVerdicts(here bool, now time.Time) verdicts {
	return verdicts{here: here, monitors: map[string]*wire.Verdict{}, agents: map[string]*wire.AgentVerdict{}, groups: map[string]wire.GroupVerdict{}, heard: now}
}

// Verdicts are those of one judge at one moment.
type Verdicts struct {
	Here     bool // the console judges, since no controller leads
	Monitors []wire.Verdict
	Agents   []wire.AgentVerdict
	Groups   []wire.GroupVerdict // of a controller alone
	Mesh     wire.MeshVerdict
	Placed   []wire.Placement // of a controller alone
}

// Judged takes what a judge says in place of all that was said before.
func (v *Mesh) Judged(all Verdicts, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.verdicts = newVerdicts(all.Here, now)
	v.verdicts.mesh = all.Mesh
	for _, x := range all.Groups {
		v.verdicts.groups[x.Group] = x
	}
	for i := range all.Agents {
		v.verdicts.agents[all.Agents[i].Agent] = &all.Agents[i]
	}
	for _, m := range v.monitors {
		m.verdict = nil
	}
	for i := range all.Monitors {
		v.judged(&all.Monitors[i])
	}
	for _, p := range all.Placed {
		v.place(p, now)
	}
	v.judgeSaved(now)
}

// Verdict takes a verdict on a monitor. One on a monitor that is not saved waits: the
// two come on ways of their own.
func (v *Mesh) Verdict(x wire.Verdict, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	if m := v.judged(&x); m != nil {
		v.judgeSeries(m, now)
	}
}

// judged keeps a verdict, and returns the monitor that it is on, if that is known.
func (v *Mesh) judged(x *wire.Verdict) *monitor {
	m := v.monitors[x.Monitor]
	if m == nil && len(v.verdicts.monitors) >= knownMost {
		return nil
	}
	v.verdicts.monitors[x.Monitor] = x
	if m != nil {
		m.verdict = x
	}
	return m
}

// AgentVerdict takes a verdict on an agent.
func (v *Mesh) AgentVerdict(x wire.AgentVerdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.verdicts.agents[x.Agent] = &x
}

// MeshVerdict takes the verdict on the mesh.
func (v *Mesh) MeshVerdict(x wire.MeshVerdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.verdicts.mesh = x
}

// InContact says that the verdicts are the newest at this moment. Where nobody says so
// for [Contact], they say nothing about now.
func (v *Mesh) InContact(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.verdicts.heard = now
	v.checkContact(now)
}

func (v *Mesh) checkContact(now time.Time) {
	if stale := now.Sub(v.verdicts.heard) > Contact; stale != v.verdicts.stale {
		v.verdicts.stale = stale
		v.changes.Add(1)
		v.judgeSaved(now)
	}
}

// judgeSaved evaluates the series of all saved monitors.
func (v *Mesh) judgeSaved(now time.Time) {
	for _, m := range v.monitors {
		if m.saved != nil {
			v.judgeSeries(m, now)
		}
	}
}

// judgeSeries evaluates what the verdict on m says of its agents.
func (v *Mesh) judgeSeries(m *monitor, now time.Time) {
	shares := map[string]Share{}
	if x, _ := v.holding(m); x != nil {
		maps.Insert(shares, Shares(&x.Quorum))
	}
	for _, s := range m.series {
		s.share = shares[s.a.id]
		v.judge(s, v.tick(now))
	}
}

// Why the state of a saved monitor is unknown although there may be a verdict.
const (
	notJudged    = "not judged yet"
	changedSince = "not judged since its last change"
	noContact    = "the verdicts cannot be read: its state is not known"
)

// holding is the verdict on a saved monitor that holds now, or nil and why there
// is none.
func (v *Mesh) holding(m *monitor) (x *wire.Verdict, why string) {
	switch x = m.verdict; {
	case v.verdicts.stale:
		return nil, noContact
	case x == nil:
		return nil, notJudged
	case x.Revision < m.measured, x.State == wire.VerdictPaused && x.Revision < m.revision:
		return nil, changedSince
	}
	return x, ""
}

// state is that of a monitor: a saved one's is judged from all its agents, one that
// was started by hand has that of the runs heard last.
func (v *Mesh) state(m *monitor) (judge.State, string) {
	switch {
	case m.paused():
		return judge.Paused, ""
	case m.saved == nil:
		return judge.OfMonitor(false, m.count), ""
	}
	x, why := v.holding(m)
	if x == nil {
		return judge.Unknown, why
	}
	return stateOf(x.State), x.Why
}

// stateOf is the state for the word of a verdict. One of a newer judge is not known.
func stateOf(word wire.VerdictState) judge.State {
	var s judge.State
	if s.UnmarshalText([]byte(word)) != nil {
		return judge.Unknown
	}
	return s
}

// Share is what an agent is to a verdict.
type Share uint8

// The shares: in which list of the quorum an agent stands.
const (
	NoShare Share = iota // in none
	SeesDown
	SeesSlow
	SeesUp
	Blind
	Silent
	Aside
)

// String is the word for the share; "" where there is none.
func (s Share) String() string {
	return [...]string{"", "down", "slow", "up", "blind", "silent", "aside"}[s]
}

// State is what the agent's share is as a state.
func (s Share) State() judge.State {
	switch s {
	case SeesDown:
		return judge.Down
	case SeesSlow:
		return judge.Degraded
	case SeesUp:
		return judge.Up
	}
	return judge.Unknown
}

// Shares are the agents of a verdict.
func Shares(q *wire.VerdictQuorum) iter.Seq2[string, Share] {
	return func(yield func(string, Share) bool) {
		for i, list := range [...][]string{q.Down, q.Slow, q.Up, q.Blind, q.Silent, q.Aside} {
			for _, id := range list {
				if !yield(id, Share(i+1)) { // #nosec G115 -- there are six
					return
				}
			}
		}
	}
}

// shareOf is what an agent is to the verdict on a monitor that holds.
func (v *Mesh) shareOf(m *monitor, agent string) Share {
	if x, _ := v.holding(m); x != nil {
		for id, share := range Shares(&x.Quorum) {
			if id == agent {
				return share
			}
		}
	}
	return NoShare
}

// Placed is of how many agents a verdict speaks.
func Placed(q *wire.VerdictQuorum) int {
	return len(q.Down) + len(q.Slow) + len(q.Up) + len(q.Blind) + len(q.Silent) + len(q.Aside)
}

// Notable says whether a verdict on an agent is worth reporting beside all others:
// monitors are judged without it, or its clock is wrong.
func Notable(x *wire.AgentVerdict) bool {
	return x.Monitors > 0 && (x.Status != wire.AgentAble || x.Blame != nil)
}

// Outdated are the saved monitors that were changed since they were judged, by name.
func (v *Mesh) Outdated() (names []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range v.named() {
		if m.readable() && !m.paused() && m.verdict != nil && m.verdict.Revision < m.measured {
			names = append(names, m.name)
		}
	}
	return names
}

// MeasuredSince says that a saved monitor measures since this revision what it
// measures now.
func (v *Mesh) MeasuredSince(name string, revision uint64, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m := v.monitors[name]; m != nil && m.saved != nil && revision < m.measured {
		v.changes.Add(1)
		m.measured = revision
		v.judgeSeries(m, now)
	}
}

// SavedTotals counts saved monitors by state.
type SavedTotals struct {
	Judged bool // a verdict is known
	States judge.Counts
	Unable []wire.AgentVerdict // agents without which monitors are judged, by id
}

// SavedTotals are those of what is known now.
func (v *Mesh) SavedTotals() SavedTotals {
	v.mu.Lock()
	defer v.mu.Unlock()
	var t SavedTotals
	for _, m := range v.monitors {
		if m.saved != nil {
			state, _ := v.state(m)
			t.States[state]++
			t.Judged = t.Judged || m.verdict != nil
		}
	}
	t.Unable = v.unable()
	return t
}

// unable are the agents without which monitors are judged, by id.
func (v *Mesh) unable() (list []wire.AgentVerdict) {
	for id := range v.agents {
		if x := v.verdicts.agents[id]; x != nil && Notable(x) {
			list = append(list, *x)
		}
	}
	slices.SortFunc(list, func(a, b wire.AgentVerdict) int { return strings.Compare(a.Agent, b.Agent) })
	return list
}
