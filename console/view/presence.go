package view

import (
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// Heartbeat takes an agent's heartbeat. seen is when it came, by the clock that
// the mesh is told the time of: the difference to the agent's own clock is
// what its results are corrected by.
func (v *Mesh) Heartbeat(b wire.Alive, seen, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if b.Gone {
		v.dismiss(b.Agent)
		return
	}
	delete(v.gone, b.Agent)
	a := v.agent(b.Agent)
	if seen.After(now) {
		seen = now // the broker's clock is ahead of ours
	}
	if seen.Before(a.seen) {
		return
	}
	if d := seen.Sub(b.At) - a.skew; !b.At.IsZero() && d.Abs() > skewLeast {
		a.skew += d
		if a.skew.Abs() <= skewLeast {
			a.skew = 0
		}
	}
	placed := !a.seen.IsZero() && maps.Equal(a.Labels, b.Labels) && a.Leaving == b.Leaving
	refused := maps.Equal(a.Refused, b.Refused)
	a.Alive, a.seen = b, seen
	v.look(a, now)
	if !placed {
		for _, m := range v.monitors {
			v.placeOn(m, a, now)
		}
	}
	if !refused {
		v.judgeAll(a, now)
	}
}

// dismiss takes out an agent that is gone for good, with all that it measured, as
// if it had never been there. Its next heartbeat brings it back.
func (v *Mesh) dismiss(id string) {
	v.gone[id] = true
	maps.DeleteFunc(v.held, func(key [2]string, _ wire.Result) bool { return key[1] == id })
	a := v.agents[id]
	if a == nil {
		return
	}
	delete(v.agents, id)
	for _, s := range a.series {
		m := s.m
		if s.wanted {
			m.count[s.state]--
		}
		m.series = slices.DeleteFunc(m.series, func(x *series) bool { return x == s })
		if m.latest == s {
			m.latest = nil // until the next result
		}
		m.figured = false
		s.m = nil // the wheel lets go of it
	}
}

// look says whether the agent is away, and judges its series when that changed.
func (v *Mesh) look(a *agent, now time.Time) {
	away := !a.seen.IsZero() && (a.Leaving || now.Sub(a.seen) > wire.OfflineAfter)
	if away == a.isAway {
		return
	}
	a.isAway = away
	v.judgeAll(a, now)
}

// judgeAll evaluates all that an agent runs.
func (v *Mesh) judgeAll(a *agent, now time.Time) {
	for _, s := range a.series {
		v.judge(s, v.tick(now))
	}
}

// watch puts s into the wheel, to be looked at when it has been silent too long.
func (v *Mesh) watch(s *series) {
	at := max(v.swept, second(s.deadline())) + 1
	s.inWheel = true
	v.wheel[at] = append(v.wheel[at], s)
}

// sweep finds what has become unknown by silence. A series that has had results
// goes back into the wheel: each is looked at once in the time of its silence.
func (v *Mesh) sweep(now uint32) {
	due := func(list []*series) {
		for _, s := range list {
			s.inWheel = false
			if s.m == nil {
				continue
			}
			if now > s.deadline() {
				v.judge(s, now)
				continue
			}
			v.watch(s)
		}
	}
	until := second(now)
	if until > v.swept+uint32(24*3600) { // the machine slept: everything is late
		for at, list := range v.wheel {
			delete(v.wheel, at)
			v.swept = until
			due(list)
		}
		return
	}
	for v.swept < until {
		v.swept++
		list := v.wheel[v.swept]
		delete(v.wheel, v.swept)
		due(list)
	}
}
