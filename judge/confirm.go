package judge

import (
	"time"

	"netmon/wire"
)

// A series with enough bad runs is suspect. Whether it is down depends on the others.

const leastSpan = 2 * time.Second // between the first and the last bad run of what is down

// firmly is how many bad runs in a row make a series down against the word of others.
func firmly(r wire.Rule) int { return 2 * r.Down.Bad }

// panel is who can tell whether a monitor is down, and what they found.
type panel struct {
	j     *Judge
	m     *monitor
	able  []*series
	agree int    // of these, whose last runs and newest run are bad
	first moment // bad run of those that are not down yet, without a good one since by the same agent
	last  moment // bad run of anybody
	bads  int    // runs since first
	by    int    // so many agents
	good  moment // the newest good run of anybody
}

// reconcile finds which series are down. That is so for a series
//
//   - that is suspect, as another one is, and the newest run of both is bad,
//   - that is bad, when all who can tell find only bad runs since the first one, and
//     there are twice as many as the rule asks for,
//   - that is suspect and alone able, after one run more than the rule asks for,
//   - that is suspect while others find it good, after twice as many bad runs in a row,
//   - that is suspect, where nobody makes sure: it is not wanted, or not answered.
//
// In each case the first and the last of the bad runs began at least 2 s apart. And it
// is down when 5 of the last 12 runs of the schedule are bad. It says when to look again.
func (j *Judge) reconcile(m *monitor) (next moment) {
	p := panel{j: j, m: m}
	for _, s := range m.Series {
		if !s.Placed || !s.voice().able() && (s.voice() != waiting || len(s.Runs) == 0) {
			continue
		}
		p.able = append(p.able, s)
		switch n := s.newest(); {
		case n == bad:
			p.agree += count(s.Suspect || s.Status == isDown)
			p.last = max(p.last, s.newestAt())
			if s.Status != isDown {
				p.first = earliest(p.first, s.BadFrom)
				p.bads += s.trailing(bad)
				p.by++
			}
		case n == good || n == slow:
			p.good = max(p.good, s.newestAt())
		}
	}
	for _, s := range p.able {
		switch {
		case s.Status == isDown || s.newest() != bad && !s.Suspect:
			continue
		case s.Suspect && s.PartlyFrom != 0 && s.newestAt().sub(s.PartlyFrom) >= partialLong:
			s.Partial = true
		case !p.finds(s, &next):
			continue
		}
		first, _ := s.span()
		s.Status, s.Since = isDown, earliest(s.BadFrom, first)
	}
	return next
}

// finds says whether s is down, and when to ask again if it is not.
func (p *panel) finds(s *series, next *moment) bool {
	if s.newest() != bad {
		return false
	}
	rule, now := &p.m.rule, p.j.now
	spans := func(first moment) bool { return rule.Down.Bad == 1 || p.last.sub(first) >= leastSpan }
	switch {
	case p.agree > 1 && s.Suspect && spans(min(p.first, s.BadFrom)):
		return true
	case *rule.Crosscheck > 0 && p.by > 1 && p.good < p.first && spans(p.first) && p.bads >= firmly(*rule)-count(p.overdue(next)):
		return true
	case !s.Suspect:
		return false
	}
	first, _ := s.span()
	first = earliest(s.BadFrom, first)
	switch {
	case !spans(first):
		return false
	case *rule.Crosscheck == 0 || s.unanswered(now):
		return true
	case len(p.able) == 1:
		return s.trailing(bad) > rule.Down.Bad || p.overdue(next) || !p.j.outstanding(p.m)
	case p.good >= first:
		if due := s.patience(); s.Check.ID != "" && due > now {
			*next = earliest(*next, due)
		}
		if s.trailing(bad) < firmly(*rule) || s.Check.Asked > 0 && s.Check.Answered == 0 {
			return false
		}
		wait := s.a.growing(s.BadFrom)
		if now < wait {
			*next = earliest(*next, wait)
		}
		return now >= wait
	}
	return !p.j.outstanding(p.m)
}

// overdue says whether one run more cannot be there in time: the agents are busy with
// those that have not ended.
func (p *panel) overdue(next *moment) bool {
	c := p.m.Cross
	if c == nil || p.first != 0 && c.At < p.first {
		return false
	}
	due := c.At.add(p.m.Timeout.Std() + 2*onTheWay)
	if p.j.now < due {
		*next = earliest(*next, due)
		return false
	}
	return true
}

// earliest is the earlier of two moments, of which 0 is never.
func earliest(a, b moment) moment {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
