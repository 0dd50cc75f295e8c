package view

import (
	"math"
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Result takes one result, new or late. How old it is, is measured by its agent's
// clock, as far as heartbeats say how that runs.
func (v *Mesh) Result(r wire.Result, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.applyResult(&r, r.Started.Add(v.skew(r.Agent)), now)
}

func (v *Mesh) skew(agent string) time.Duration {
	if a := v.agents[agent]; a != nil {
		return a.skew
	}
	return 0
}

// ResultAt is [Mesh.Result] for who knows when it was measured by the clock that
// now is of: no agent's clock decides then whether it is about now.
func (v *Mesh) ResultAt(r wire.Result, measured, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.applyResult(&r, measured, now)
}

func (v *Mesh) applyResult(r *wire.Result, measured, now time.Time) {
	if v.bare || v.gone[r.Agent] {
		return // it is from before
	}
	a := v.agents[r.Agent]
	if a == nil {
		if now.Sub(measured) > judge.Remembered {
			return // of an agent that is forgotten
		}
		a = v.agent(r.Agent)
	}
	s := a.series[r.Monitor]
	if s == nil {
		if s = v.meet(r, a, measured, now); s == nil {
			return
		}
	}
	m, at, present := s.m, v.tick(r.Started.Add(a.skew)), v.tick(now)
	newest, added := s.add(r, at)
	if !added {
		return
	}
	v.results++
	v.keepLog(r)
	if r.Outcome != wire.OK {
		s.fail(r, v.time(at))
	}
	if !newest {
		return
	}
	if m.saved == nil {
		v.learn(s, r, now)
	}
	s.heard = v.tick(measured)
	s.keepLast(r)
	if v.kept != nil {
		last := *r
		v.kept[s] = &last
	}
	if a.seen.IsZero() {
		v.placeOn(m, a, now) // that it runs there is known from its results
	}
	if m.latest == nil || m.latest == s || at >= m.latest.samples[len(m.latest.samples)-1].at {
		m.latest = s
	}
	v.judge(s, present)
	if m.saved == nil && !s.inWheel {
		v.watch(s)
	}
}

// meet makes the series of a result that is the first of its kind, where there
// should be one.
func (v *Mesh) meet(r *wire.Result, a *agent, measured, now time.Time) *series {
	m := v.monitors[r.Monitor]
	if m == nil && r.Revision != 0 {
		// Of a monitor that was deleted, or that we get in a moment.
		v.hold(r, measured)
		return nil
	}
	if m == nil {
		if now.Sub(measured) > forgotten || len(v.monitors) >= knownMost {
			return nil
		}
		m = v.newMonitor(r.Monitor)
	}
	if m.kind == "" {
		m.kind, m.target = r.Kind, r.Target
	}
	s := v.newSeries(m, a)
	v.placeOn(m, a, now)
	return s
}

// hold keeps a result until its monitor is known, the newest of each agent.
func (v *Mesh) hold(r *wire.Result, measured time.Time) {
	waiting := v.held[r.Monitor]
	if _, ok := waiting[r.Agent]; !ok {
		if v.waiting >= heldMost {
			return
		}
		v.waiting++
	}
	if waiting == nil {
		waiting = map[string]held{}
		v.held[r.Monitor] = waiting
	}
	waiting[r.Agent] = held{*r, measured}
}

// learn takes the interval of a monitor that nobody saved from when its runs were due.
func (v *Mesh) learn(s *series, r *wire.Result, now time.Time) {
	prev := s.last.due
	if r.Asked != "" {
		return
	}
	if !prev.IsZero() && r.Due.After(prev) && len(s.samples) > 1 {
		if w := s.samples[len(s.samples)-2:]; w[1].run == w[0].run+1 {
			// What another client says may be any number.
			between := s.last.covers + r.Skipped - r.Covers + r.Missed
			every := min(r.Due.Sub(prev)/time.Duration(min(between, math.MaxInt32)+1), wire.MaxEvery)
			if ticks(every) != s.m.every {
				v.schedule(s.m, every, wire.Monitor{Every: wire.Duration(every)}.WithDefaults().Timeout.Std(), now)
			}
		}
	}
}

func (s *series) keepLast(r *wire.Result) {
	s.last = last{summary: r.Summary, address: r.Address, failure: r.Failure, err: r.Error, due: r.Due, covers: r.Covers, certExpires: s.last.certExpires}
	if r.Asked != "" {
		s.last.due = time.Time{} // it was due at no tick
	}
	if r.CertExpires != nil {
		s.last.certExpires = *r.CertExpires
	}
	if len(r.Details) <= keptDetails {
		s.last.details = r.Details
	}
}

func (s *series) fail(r *wire.Result, at time.Time) {
	f := Failure{At: at, Agent: r.Agent, State: judge.OfResult(r), Reason: r.Failure, Error: r.Error}
	i := len(s.fails)
	for i > 0 && s.fails[i-1].At.After(at) {
		i--
	}
	if i == 0 && len(s.fails) == keptFails {
		return
	}
	s.fails = slices.Insert(s.fails, i, f)
	if len(s.fails) > keptFails {
		s.fails = slices.Delete(s.fails, 0, 1)
	}
}

func (v *Mesh) keepLog(r *wire.Result) {
	if v.log == nil {
		v.log = make([]wire.Result, logLength)
	}
	x := &v.log[v.logged%logLength]
	*x = *r
	x.Details = nil
	v.logged++
}
