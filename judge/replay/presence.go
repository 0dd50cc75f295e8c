package replay

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// presence takes agents for there while their results come. An agent's heartbeats
// continue behind its newest result for as long as the one of its monitors that is measured
// most often may be silent, so that it counts as away at about the time at which
// nothing of it is heard any more. That it went and came back between two results is
// not seen; where all is measured rarely, neither is that the broker was unreachable.
type presence struct {
	labels map[string]Labels // that are known
	agents map[string]*agent
	next   time.Time // heartbeat of all of them
}

type agent struct {
	alive    wire.Alive
	guessed  bool // its labels are not known
	last     time.Time
	monitors map[string]bool // of which it has had results
	keep     time.Duration   // how long it is there without one
	stale    bool            // keep is to be found again
}

// heard notes a result of monitor m, which is nil where it is not judged. The
// heartbeat that comes with it is news when the agent is new, or placed otherwise.
func (p *presence) heard(r *wire.Result, m *wire.Saved, at time.Time) (alive wire.Alive, isNews bool) {
	a := p.agents[r.Agent]
	if a == nil {
		labels, known := p.labels[r.Agent]
		a = &agent{alive: wire.Alive{Agent: r.Agent, Labels: maps.Clone(labels)}, guessed: !known, monitors: map[string]bool{}}
		p.agents[r.Agent], isNews = a, true
		if p.next.IsZero() {
			p.next = at.Add(wire.AliveEvery)
		}
	}
	a.last = at
	if !a.monitors[r.Monitor] {
		a.monitors[r.Monitor], a.stale = true, true
	}
	if a.guessed && m != nil && r.Revision >= m.Revision && a.guess(m) {
		isNews, a.stale = true, true
	}
	a.alive.At = at
	return a.alive, isNews
}

// guess gives an agent whose labels are not known those by which a monitor was placed
// there: it measured it.
func (a *agent) guess(m *wire.Saved) bool {
	if m.IsPlacedOn(a.alive.Agent, a.alive.Labels) {
		return false
	}
	for _, sel := range m.Agents {
		labels := maps.Clone(a.alive.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		for pair := range strings.SplitSeq(sel, ",") {
			if k, v, ok := strings.Cut(pair, "="); ok && labels[k] == "" {
				labels[k] = v
			}
		}
		if m.IsPlacedOn(a.alive.Agent, labels) {
			a.alive.Labels = labels
			return true
		}
	}
	return false
}

// changed takes that a monitor was saved otherwise or deleted.
func (p *presence) changed(monitor string) {
	for _, a := range p.agents {
		if a.monitors[monitor] {
			a.stale = true
		}
	}
}

// beatsUntil are the moments before at, not yet given, at which agents have heartbeats.
func (p *presence) beatsUntil(at time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for ; !p.next.IsZero() && p.next.Before(at); p.next = p.next.Add(wire.AliveEvery) {
			if !yield(p.next) {
				return
			}
		}
	}
}

// there are the heartbeats of those that are taken for there, by id.
func (p *presence) there(at time.Time, saved map[string]*wire.Saved) iter.Seq[wire.Alive] {
	return func(yield func(wire.Alive) bool) {
		for _, id := range slices.Sorted(maps.Keys(p.agents)) {
			a := p.agents[id]
			if a.stale {
				a.findAbsence(saved)
			}
			if at.Sub(a.last) > a.keep {
				continue
			}
			a.alive.At = at
			if !yield(a.alive) {
				return
			}
		}
	}
}

// findAbsence finds how long the agent is there without a result.
func (a *agent) findAbsence(saved map[string]*wire.Saved) {
	a.stale = false
	least := judge.Remembered
	for name := range a.monitors {
		if m := saved[name]; m != nil && m.RunsOn(a.alive.Agent, a.alive.Labels) {
			least = min(least, judge.Silence(m.Every.Std(), m.WithDefaults().Timeout.Std()))
		}
	}
	a.keep = max(wire.AliveEvery*3/2, least-wire.OfflineAfter)
}
