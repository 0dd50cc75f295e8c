package judge

import (
	"fmt"
	"slices"

	"netmon/wire"
)

// linkParents notes for each monitor who depends on it.
func (j *Judge) linkParents() {
	clear(j.children)
	for _, m := range j.sorted() {
		for _, p := range m.DependsOn {
			j.children[p] = append(j.children[p], m.Name)
		}
	}
}

func (j *Judge) markChildren(name string) {
	for _, c := range j.children[name] {
		if m := j.monitors[c]; m != nil {
			j.mark(m)
		}
	}
}

// heedParents finds for which agents a parent is down: what these find does not count,
// and what they found is not held against the monitor when the parent is good again.
func (j *Judge) heedParents(m *monitor) {
	if len(m.DependsOn) == 0 && !m.heeds() {
		return
	}
	for _, s := range m.Series {
		was := s.Parent
		s.Parent = ""
		if s.Placed {
			s.Parent = j.downParent(m, s.a)
		}
		if was != "" && s.Parent == "" && !s.a.aside() {
			s.discard(j.now)
			j.armSilence(s)
			j.compare(m)
		}
	}
}

func (m *monitor) heeds() bool {
	return slices.ContainsFunc(m.Series, func(s *series) bool { return s.Parent != "" })
}

// downParent is the monitor that m depends on, over others too, and that is down for
// the agent. "" is none.
func (j *Judge) downParent(m *monitor, a *agent) string {
	for _, p := range j.parents(m) {
		if p.downOn(a) {
			return p.Name
		}
		if s := p.of(a.id); s != nil && s.Parent != "" {
			if root := j.monitors[s.Parent]; root != nil && root != m && root.downOn(a) {
				return root.Name
			}
		}
	}
	return ""
}

// downOn says whether the monitor is down for the agent; where it is not placed there,
// its verdict counts.
func (m *monitor) downOn(a *agent) bool {
	s := m.of(a.id)
	if s == nil || !s.Placed {
		return m.Holds.State == wire.VerdictDown
	}
	return s.Status == isDown && s.voice().able()
}

// parents are the monitors that m depends on and that are measured.
func (j *Judge) parents(m *monitor) []*monitor {
	var out []*monitor
	for _, name := range m.DependsOn {
		if p := j.monitors[name]; p != nil && !p.Deleted && !p.Paused {
			out = append(out, p)
		}
	}
	return out
}

// uncertainParent is the series of a parent that can tell the agent whether it is down, nil
// where it is known to be, or nobody measures it there.
func (p *monitor) uncertainParent(a *agent) *series {
	s := p.of(a.id)
	if s == nil || !s.Placed || !s.voice().able() || s.Status == isDown {
		return nil
	}
	return s
}

// askParents has the agent measure what the monitor depends on, when it turns bad.
func (j *Judge) askParents(s *series) {
	m := s.m
	for _, p := range j.parents(m) {
		if p.uncertainParent(s.a) == nil {
			continue
		}
		if until := j.now.add(2*p.Timeout.Std() + 3*onTheWay); m.Waits < until {
			m.Waits = until
		}
		if j.budget.spend(j.now, 1) {
			id := fmt.Sprintf("%016x-p", hash(p.Name, s.a.id, s.Last.Epoch, s.Last.Seq))
			j.asks = append(j.asks, Ask{Agent: s.a.id, Monitor: p.Name, ID: id, At: j.now.time()})
		}
	}
}

// parentsPending says whether a parent has still to answer for what the monitor's
// agents find.
func (j *Judge) parentsPending(m *monitor) bool {
	if j.now >= m.Waits {
		return false
	}
	for _, s := range m.Series {
		if s.BadFrom == 0 || !s.Placed || !s.voice().able() {
			continue
		}
		for _, p := range j.parents(m) {
			ps := p.uncertainParent(s.a)
			if ps == nil {
				continue
			}
			if n := ps.newest(); n == bad || n == none || ps.newestAt() < s.BadFrom {
				return true
			}
		}
	}
	return false
}
