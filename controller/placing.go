package controller

import (
	"maps"
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// patience is for how long an agent may be away before others take over what it runs.
type patience struct {
	offline time.Duration // silent, without a goodbye
	left    time.Duration // shut down: a restart takes less
	back    time.Duration // online again before it takes something over from others
	heard   time.Duration // the leader, or the broker, was away: agents have that long to be heard
	look    time.Duration // how often it is looked at
}

// usualPatience: nobody is moved by a restart, an update or a moment without a link.
var usualPatience = patience{offline: 3 * time.Minute, left: 30 * time.Second, back: 3 * time.Minute, heard: time.Minute, look: time.Second}

// hearLocked notes a heartbeat for the placement of monitors.
func (c *Controller) hearLocked(a wire.Alive, at time.Time) {
	if c.placing != nil {
		c.placing.hear(a, at)
	}
}

// heardBefore notes a heartbeat that was stored before this controller led.
func (c *Controller) heardBefore(a wire.Alive, at time.Time) {
	if a.Gone || a.Leaving { // others may have said so
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.placing.stored(at)
}

// refused notes that an agent answered that it cannot run a revision of a monitor.
func (c *Controller) refused(agent string, m wire.MonitorReply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placing == nil {
		return
	}
	a, r := c.placing.agents[agent], c.placing.records[m.Name]
	if a != nil && m.Revision == r.Revision && c.placing.refuses(&a.Alive, r, m.Errors[0].Error()) {
		c.placing.all = true
		c.placing.wake()
	}
}

// placeFromNow has monitors placed: all agents are known that were heard before.
func (c *Controller) placeFromNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placing.now().Sub(c.placing.beat) > wire.OfflineAfter {
		c.placing.hearing = time.Time{}
	}
	c.placing.ready, c.placing.all = true, true
	c.placing.wake()
}

// mostRefusals is how many agents a placement lists that refuse the monitor.
const mostRefusals = 20

// placing chooses agents for the monitors that run on some of those that match. It is
// guarded by the mutex of its controller.
type placing struct {
	p       patience
	now     func() time.Time // by the broker's clock; zero while it is not known
	ready   bool             // all agents are known that were heard before
	hearing time.Time        // since then agents can be heard; zero: not yet
	beat    time.Time        // when the last heartbeat was stored before this controller led
	agents  map[string]*placed
	records map[string]placement               // by monitor
	refused map[string]map[string]wire.Refusal // by monitor and agent, of the agents' present lives
	all     bool                               // all monitors are to be looked at
	again   time.Time                          // then they are to be looked at again; zero: never
	looked  time.Time                          // when that was done last, by our clock
	took    time.Duration                      // for how long
	queue   []string                           // monitors whose placement is to be stored
	woken   chan struct{}                      // has room for one
}

// placed is an agent on which monitors may be placed.
type placed struct {
	wire.Alive           // its newest heartbeat
	heard      time.Time // when that was stored
	since      time.Time // since then it is there, but for moments
	is         presence  // when it was last looked at
}

// placement is the newest of a monitor.
type placement struct {
	wire.Placement
	at uint64 // its number in the stream; 0 where it is not stored yet

	moves int       // because of what agents say of themselves, since from
	from  time.Time // of movesWithin
}

func newPlacing(p patience, now func() time.Time) *placing {
	return &placing{p: p, now: now, agents: map[string]*placed{}, records: map[string]placement{}, refused: map[string]map[string]wire.Refusal{}, woken: make(chan struct{}, 1)}
}

func (p *placing) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// stored notes when a heartbeat was stored before this controller led, in that order: who
// leads next knows since when agents can be heard, and replaces the same ones as soon.
func (p *placing) stored(at time.Time) {
	if at.Sub(p.beat) > wire.OfflineAfter {
		p.hearing = at
	}
	p.beat = at
}

// hear takes a heartbeat that was stored at a moment.
func (p *placing) hear(a wire.Alive, at time.Time) {
	was := p.agents[a.Agent]
	switch {
	case a.Gone:
		if was != nil {
			delete(p.agents, a.Agent)
			p.all = true
			p.wake()
		}
		return
	case was == nil:
		p.agents[a.Agent] = &placed{Alive: a, heard: at, since: at, is: lost}
	default:
		if was.is == lost && !a.Leaving {
			was.since = at
		}
		other := otherwise(&was.Alive, &a)
		if other && !a.Leaving { // what it gave up it gets back as one that just came
			was.since, was.is = at, max(was.is, fresh)
		}
		moved := other || !maps.Equal(was.Labels, a.Labels)
		if a.Leaving && len(a.Labels) == 0 { // by who ends it, without what it knew
			a.Labels = was.Labels
		}
		was.Alive, was.heard = a, at
		if news := p.refusals(&a, at); !news && !moved && !a.Leaving && was.is <= fresh {
			return
		}
	}
	p.all = true
	p.wake()
}

// refusals notes which monitors the agent refuses by its heartbeat, and says whether that
// is news. Shortly after a change it may still speak of what it had before.
func (p *placing) refusals(a *wire.Alive, at time.Time) (news bool) {
	for name, why := range a.Refused {
		if r, ok := p.records[name]; ok && at.Sub(r.At) > 2*wire.AliveEvery {
			news = p.refuses(a, r, why) || news
		}
	}
	return news
}

// refuses notes that an agent refuses what is placed there, and says whether that is news.
func (p *placing) refuses(a *wire.Alive, r placement, why string) (news bool) {
	of := p.refused[r.Monitor]
	if !slices.Contains(r.Agents, a.Agent) || of[a.Agent].Life == lifeOf(a) || len(of) >= mostRefusals {
		return false
	}
	if of == nil {
		of = map[string]wire.Refusal{}
		p.refused[r.Monitor] = of
	}
	of[a.Agent] = wire.Refusal{Why: wire.Clip(why, wire.MaxReason), Life: lifeOf(a)}
	return true
}

// lifeOf changes where an agent that refused a monitor may take it.
func lifeOf(a *wire.Alive) string {
	life := a.Instance
	if a.Policy != nil {
		life += " " + a.Policy.Digest
	}
	return wire.Clip(life, 2*wire.MaxToken)
}

// otherwise says whether an agent may take what it refused, or the other way round.
func otherwise(was, is *wire.Alive) bool {
	kinds := func(a *wire.Alive) (of []string) {
		if a.Policy != nil {
			of = a.Policy.Kinds
		}
		return of
	}
	return lifeOf(was) != lifeOf(is) || !maps.Equal(was.Cannot, is.Cannot) || !slices.Equal(was.Kinds, is.Kinds) || !slices.Equal(kinds(was), kinds(is))
}

// presence says whether an agent is there.
func (p *placing) presence(a *placed, now time.Time) presence {
	silent := now.Sub(a.heard)
	switch {
	case a.Leaving && silent >= p.p.left:
		return lost
	case a.Leaving:
		return missing
	case silent <= min(wire.OfflineAfter, p.p.offline) && now.Sub(a.since) >= p.p.back:
		return steady
	case silent <= min(wire.OfflineAfter, p.p.offline):
		return fresh
	case silent > p.p.offline && !p.hearing.IsZero() && now.Sub(p.hearing) >= p.p.heard:
		return lost
	}
	return missing
}

// look finds who came and went.
func (p *placing) look(now time.Time) {
	online := false
	for id, a := range p.agents {
		is := p.presence(a, now)
		if now.Sub(a.heard) > judge.Remembered {
			delete(p.agents, id)
			p.all = true
			continue
		}
		p.all = p.all || is != a.is
		a.is = is
		online = online || is <= fresh
	}
	if !online { // nobody is heard: that is not the fault of each of them
		p.hearing = now
	}
}

// choose finds the agents of a monitor. changed says that its placement is another one.
func (p *placing) choose(s *wire.Saved, now time.Time) (next placement, changed bool) {
	n, of := s.Agents.Some()
	last := p.records[s.Name]
	if last.Revision != s.Revision { // it may be another one that they do not refuse
		delete(p.refused, s.Name)
	}
	var all []candidate
	refused := map[string]wire.Refusal{}
	for id, a := range p.agents {
		if !of.Match(id, a.Labels) || s.Except.Match(id, a.Labels) {
			continue
		}
		c := candidate{id: id, is: a.is, refuses: cannot(a, s.Kind)}
		if r, ok := p.refused[s.Name][id]; ok && r.Life == lifeOf(&a.Alive) {
			refused[id], c.refuses = r, true
		}
		all = append(all, c)
	}
	p.refused[s.Name] = refused
	chosen := place(s.Name, n, all, last.Agents)
	if last.N > 0 && last.Revision == s.Revision && last.Want == n {
		if wavering(all, last.Agents, chosen) {
			if now.Sub(last.from) >= movesWithin {
				last.moves, last.from = 0, now
			}
			if last.moves < mostMoves || p.due(last.from.Add(movesWithin), now) {
				last.moves++
			} else {
				chosen = last.Agents
			}
		}
		if slices.Equal(last.Agents, chosen) && (maps.Equal(last.Refused, refused) || !refusesAnew(last.Refused, refused) && !p.due(last.At.Add(restateEvery), now)) {
			return last, false
		}
	}
	next = placement{at: last.at, moves: last.moves, from: last.from, Placement: wire.Placement{Monitor: s.Name, Revision: s.Revision, Want: n, Agents: chosen, At: now.UTC(), N: last.N + 1}}
	if len(refused) > 0 {
		next.Refused = maps.Clone(refused)
	}
	next.Why = wire.Clip(p.why(&last.Placement, &next.Placement, all, now), wire.MaxReason)
	return next, true
}

// cannot says whether an agent cannot run a kind.
func cannot(a *placed, kind string) bool {
	_, cannot := a.Cannot[kind]
	return cannot || len(a.Kinds) > 0 && !slices.Contains(a.Kinds, kind) || a.Policy != nil && len(a.Policy.Kinds) > 0 && !slices.Contains(a.Policy.Kinds, kind)
}
