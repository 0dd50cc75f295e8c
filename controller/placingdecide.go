package controller

import (
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// This file is about who decides which agents run a monitor, and who hears of it.

// placementFacts tells the judge what was chosen before: its checkpoint may be older.
func (c *Controller) placementFacts() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, s := range c.desired {
		if r, ok := c.placing.records[name]; ok && r.N > 0 && s.Agents.IsSome() {
			x := r.Placement
			c.feed.add(fact{at: x.At, placed: &x})
		}
	}
}

// placeLocked gives a monitor that runs on some of those that match its agents.
func (c *Controller) placeLocked(s *wire.Saved) {
	if c.placing == nil || !s.Agents.IsSome() {
		return
	}
	p := c.placing
	if now := p.now(); p.ready && !s.Paused && !now.IsZero() {
		next, changed := p.choose(s, now)
		if changed {
			p.records[s.Name] = next
			p.queue = append(p.queue, s.Name)
			p.wake()
		}
	}
	if r, ok := p.records[s.Name]; ok && r.N > 0 {
		s.Chosen = r.Agents
	}
}

// placeAll looks at all that may be placed otherwise by now, and returns what is to be
// stored of it.
func (c *Controller) placeAll(silent time.Duration) (list []placement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.placing
	now := p.now()
	if !p.ready || now.IsZero() {
		return nil
	}
	if silent > judgeDeaf || p.hearing.IsZero() {
		p.hearing = now
	}
	p.look(now)
	if !p.again.IsZero() && !now.Before(p.again) {
		p.again, p.all = time.Time{}, true
	}
	var names []string
	if begin := time.Now(); p.all && begin.Sub(p.looked) >= min(restFor*p.took, restMost) {
		p.all = false
		for name, s := range c.desired {
			if s.Agents.IsSome() {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		defer func() { p.looked, p.took = time.Now(), time.Since(begin) }()
	}
	for _, name := range names {
		s := c.desired[name]
		was, knew := s.Chosen, s.Chosen != nil
		c.placeLocked(&s)
		if knew && slices.Equal(was, s.Chosen) {
			continue
		}
		c.desired[name] = s
		if !s.Paused {
			c.log.Info("a monitor is placed", "monitor", name, "agents", strings.Join(s.Chosen, ","), "why", p.records[name].Why)
		}
		r := p.records[name].Placement
		c.feed.add(fact{at: now, placed: &r})
		for _, id := range slices.Concat(was, s.Chosen) {
			if f := c.agents[id]; f != nil {
				f.wake()
			}
		}
	}
	slices.Sort(p.queue)
	for _, name := range slices.Compact(p.queue) {
		list = append(list, p.records[name])
	}
	p.queue = nil
	return list
}
