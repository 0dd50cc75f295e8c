package agent

import (
	"slices"
	"time"

	"netmon/agent/policy"
	"netmon/probes"
)

// enforce makes every probe of the agent ask the policy.
func enforce(p *policy.Policy) *probes.Env {
	return &probes.Env{Allow: p.Allow, AllowSecrets: p.AllowSecrets, Secret: p.Secret, Program: p.Program, Programs: p.MaxPrograms()}
}

// candidate is a monitor's probe that may run, and what it does to the network.
type candidate struct {
	probe     prober
	footprint probes.Footprint
}

// admit says why there is no room for a monitor beside those that run, other
// than old, which it would replace.
func (s *set) admit(e *entry, f probes.Footprint, old *entry) error {
	e.load = policy.LoadOf(e.monitor, f)
	if old != nil && old.task != nil {
		s.tally.Remove(old.load)
		defer s.tally.Add(old.load)
	}
	err := s.policy.Fits(&s.tally, e.load)
	e.overLimit = err != nil
	return err
}

// begin starts a monitor; from is as in [runner.start].
func (s *set) begin(e *entry, probe prober, from time.Time) {
	e.refused, e.overLimit = nil, false
	s.tally.Add(e.load)
	e.task = s.runner.start(s.ctx, e.monitor, probe, from)
}

// end stops a monitor; from is as in [runner.stop].
func (s *set) end(e *entry) (from time.Time) {
	s.tally.Remove(e.load)
	return s.runner.stop(e.task)
}

// startFitting starts managed monitors that were refused only for lack of room, now
// that there may be some, in the order of names.
func (s *set) startFitting() {
	var fit []string
	for name, e := range s.entries {
		if e.overLimit && s.policy.Fits(&s.tally, e.load) == nil {
			fit = append(fit, name)
		}
	}
	slices.Sort(fit)
	for _, name := range fit {
		e := s.entries[name]
		if s.policy.Fits(&s.tally, e.load) != nil {
			continue // the previous one took the room
		}
		if c, err := s.check(e.monitor); err == nil {
			s.began(e)
			s.begin(e, c.probe, time.Time{})
		}
	}
}
