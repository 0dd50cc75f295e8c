// Package replay judges stored results again, under rules that somebody wants to try.
// It drives [judge.Judge], which judges live, and decides nothing itself.
//
// It knows no NATS and no clock: facts come in the order in which they were stored.
// Two things it has to make up, since they are not stored. Heartbeats: an agent counts
// as online while its results come ([presence]). And cross-checks that these rules
// would have requested: they were not measured, and are missing.
package replay

import (
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Fact is one thing that was stored: a result, a saved monitor, the deletion of one, or
// which agents run one that runs on some of those that match.
// It is not changed, and may be given to several replays at the same time.
type Fact struct {
	At      time.Time // when it was stored, by the broker's clock
	Result  *wire.Result
	Saved   *wire.Saved // with its revision
	Deleted string
	Placed  *wire.Placement
}

// Rule is how one monitor is judged.
type Rule struct {
	Verdict   *wire.Rule
	DependsOn []string
}

// Options are the rules and limits of a replay.
type Options struct {
	From, To time.Time         // what is reported; earlier facts say how it was then
	Rules    map[string]Rule   // by monitor; what has none is not judged
	Labels   map[string]Labels // of the agents that are known, by id
	Keep     bool              // so that Changes has all that was decided
}

// Labels are an agent's.
type Labels map[string]string

// Replay is one judge under one set of rules. It is for one goroutine.
type Replay struct {
	o        Options
	j        *judge.Judge
	saved    map[string]*wire.Saved // as they are judged now
	agents   presence
	lines    map[string]*Timeline
	silenced map[string]bool // runs that were asked for do not count: these rules ask for none

	Results int // that were given
	Asked   int // runs that these rules would have asked for, in the time that is reported

	Changes []judge.Change // all that was decided, in order, where Options.Keep asks for it
}

// New is a replay that was given nothing.
func New(o Options) *Replay {
	p := &Replay{o: o, j: judge.New(), saved: map[string]*wire.Saved{}, lines: map[string]*Timeline{}, silenced: map[string]bool{}}
	p.agents = presence{labels: o.Labels, agents: map[string]*agent{}}
	parents := map[string]bool{}
	for _, r := range o.Rules {
		for _, name := range r.DependsOn {
			parents[name] = true
		}
	}
	for name, r := range o.Rules {
		off := r.Verdict != nil && r.Verdict.Crosscheck != nil && *r.Verdict.Crosscheck == 0
		p.silenced[name] = off && !parents[name] // a parent is asked for its children
	}
	return p
}

// Apply takes a fact that was stored after all others.
func (p *Replay) Apply(f Fact) {
	for at := range p.agents.beatsUntil(f.At) {
		p.beat(at)
	}
	switch {
	case f.Saved != nil:
		p.save(*f.Saved, f.At)
	case f.Deleted != "":
		p.j.Delete(f.Deleted, f.At)
		delete(p.saved, f.Deleted)
		p.agents.changed(f.Deleted)
		if line := p.lines[f.Deleted]; line != nil {
			line.end(f.At)
		}
	case f.Placed != nil:
		p.place(f.Placed, f.At)
	default:
		p.result(f.Result, f.At)
	}
	p.collect(f.At)
}

func (p *Replay) save(m wire.Saved, at time.Time) {
	rule, judged := p.o.Rules[m.Name]
	if !judged {
		return
	}
	m.Verdict, m.DependsOn = rule.Verdict, rule.DependsOn
	if was := p.saved[m.Name]; was != nil && m.Agents.IsSome() {
		m.Chosen = was.Chosen
	}
	p.saved[m.Name] = &m
	p.agents.changed(m.Name)
	p.j.Monitor(m, at)
}

func (p *Replay) place(x *wire.Placement, at time.Time) {
	m := p.saved[x.Monitor]
	if m == nil || !m.Agents.IsSome() {
		return
	}
	m.Chosen = x.Agents
	p.agents.changed(x.Monitor)
	p.j.Place(x.Monitor, x.Agents, at)
}

func (p *Replay) result(r *wire.Result, at time.Time) {
	if r.Asked != "" && p.silenced[r.Monitor] {
		return
	}
	p.Results++
	if alive, isNews := p.agents.heard(r, p.saved[r.Monitor], at); isNews {
		p.j.Presence(alive, at)
	}
	p.j.Result(r, judge.Began(r, at), at)
}

// beat gives heartbeats of the agents that are taken as online.
func (p *Replay) beat(at time.Time) {
	for alive := range p.agents.there(at, p.saved) {
		p.j.Presence(alive, at)
	}
	p.collect(at)
}

// collect takes what follows from what was given.
func (p *Replay) collect(at time.Time) {
	for _, c := range p.j.Changes() {
		if p.o.Keep {
			p.Changes = append(p.Changes, c)
		}
		if v := c.Monitor; v != nil {
			line := p.lines[v.Monitor]
			if line == nil {
				line = &Timeline{Monitor: v.Monitor}
				p.lines[v.Monitor] = line
			}
			line.add(v)
		}
	}
	for range p.j.Asks() {
		if !at.Before(p.o.From) {
			p.Asked++
		}
	}
}

// End lets time pass until To, and returns what became of each monitor, by name.
func (p *Replay) End() map[string]*Timeline {
	for at := range p.agents.beatsUntil(p.o.To) {
		p.beat(at)
	}
	p.j.Advance(p.o.To)
	p.collect(p.o.To)
	for _, line := range p.lines {
		line.end(p.o.To)
		line.cut(p.o.From, p.o.To)
	}
	return p.lines
}
