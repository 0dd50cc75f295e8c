package view

import (
	"maps"
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Heartbeat takes an agent's heartbeat. seen is when it came, by the clock that
// the mesh is given the time of: the difference to the agent's own clock is
// what its results are corrected by.
func (v *Mesh) Heartbeat(b wire.Alive, seen, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if b.Gone {
		v.dismiss(b.Agent)
		return
	}
	delete(v.gone, b.Agent)
	if seen.After(now) {
		seen = now // the broker's clock is ahead of ours
	}
	if now.Sub(seen) > judge.Remembered {
		return
	}
	a := v.agent(b.Agent)
	if seen.Before(a.seen) {
		return
	}
	if d := seen.Sub(b.At) - a.skew; !b.At.IsZero() && d.Abs() > skewLeast {
		a.skew += d
		if a.skew.Abs() <= skewLeast {
			a.skew = 0
		}
	}
	if !sameNews(&a.Alive, &b) {
		v.changes.Add(1)
	}
	placed := !a.seen.IsZero() && maps.Equal(a.Labels, b.Labels) && a.Leaving == b.Leaving
	refused := maps.Equal(a.Refused, b.Refused)
	a.Alive, a.seen = b, seen
	v.checkPresence(a, now)
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
	for _, waiting := range v.held {
		if _, ok := waiting[id]; ok {
			delete(waiting, id)
			v.waiting--
		}
	}
	if a := v.agents[id]; a != nil {
		v.remove(a)
	}
}

// OnlyAgents keeps the heartbeats of these agents: the others' are no longer
// stored. What they measured counts for them as long as it is not a day old.
func (v *Mesh) OnlyAgents(ids map[string]bool, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, a := range v.agents {
		if !a.seen.IsZero() && !ids[id] {
			v.expire(a, now)
		}
	}
}

// expire forgets an agent's heartbeat.
func (v *Mesh) expire(a *agent, now time.Time) {
	a.Alive, a.seen, a.skew, a.isAway = wire.Alive{}, time.Time{}, 0, false
	v.changes.Add(1)
	if v.fade(a, now) {
		return
	}
	for _, m := range v.monitors {
		v.placeOn(m, a, now)
	}
}

// fade removes an agent of which nothing was heard for a day. Without a heartbeat
// its newest result says.
func (v *Mesh) fade(a *agent, now time.Time) bool {
	since := v.tick(now.Add(-judge.Remembered))
	for _, s := range a.series {
		if len(s.samples) > 0 && s.heard >= since {
			return false
		}
	}
	v.remove(a)
	return true
}

// remove takes out an agent with all its series.
func (v *Mesh) remove(a *agent) {
	delete(v.agents, a.id)
	v.changes.Add(1)
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
		delete(v.kept, s)
	}
}

// Advance finds what time alone has changed: series that are silent, agents that
// are offline or forgotten. Whoever asks for a status or a snapshot need not.
func (v *Mesh) Advance(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.advance(now)
}

func (v *Mesh) advance(now time.Time) {
	for _, a := range v.agents {
		switch {
		case a.seen.IsZero():
			v.fade(a, now)
		case now.Sub(a.seen) > judge.Remembered:
			v.expire(a, now)
		default:
			v.checkPresence(a, now)
		}
	}
	v.checkContact(now)
	v.sweep(v.tick(now))
}

// sameNews says that a heartbeat says what the previous one said, but for counters
// that always run.
func sameNews(a, b *wire.Alive) bool {
	return a.Agent == b.Agent && a.Instance == b.Instance && a.Leaving == b.Leaving && a.Version == b.Version && a.Host == b.Host && a.Started.Equal(b.Started) &&
		a.Monitors == b.Monitors && a.Manual == b.Manual && a.Dropped == b.Dropped && a.Skipped == b.Skipped && maps.Equal(a.Labels, b.Labels) &&
		maps.Equal(a.Refused, b.Refused) && maps.Equal(a.Cannot, b.Cannot) && maps.Equal(a.Disabled, b.Disabled) && slices.Equal(a.Notes, b.Notes) && slices.Equal(a.Kinds, b.Kinds) && slices.Equal(a.Families, b.Families)
}

// checkPresence says whether the agent is offline, and judges its series when that changed.
func (v *Mesh) checkPresence(a *agent, now time.Time) {
	away := !a.seen.IsZero() && !a.Online(now.Sub(a.seen))
	if away == a.isAway {
		return
	}
	a.isAway = away
	v.changes.Add(1)
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

// sweep finds what has become unknown by silence, of monitors that nobody judges. A series that has had results
// goes back into the wheel: each is checked once in the time of its silence.
func (v *Mesh) sweep(now uint32) {
	due := func(list []*series) {
		for _, s := range list {
			s.inWheel = false
			if s.m == nil || s.m.saved != nil {
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
