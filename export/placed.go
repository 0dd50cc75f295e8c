package export

import (
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Monitors takes the saved monitors, all of them. The list is kept, and nobody changes it afterwards.
func (s *Series) Monitors(list []wire.Saved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.monitors != nil && len(list) == len(s.list) && (len(list) == 0 || &list[0] == &s.list[0]) {
		return // the same one
	}
	s.list = list
	was := s.monitors
	s.monitors = make(map[string]*monitor, len(list))
	s.changes++
	for i := range list {
		saved := &list[i]
		def := saved.WithDefaults()
		m := &monitor{saved: saved, lifetime: max(leastFresh, judge.Silence(def.Every.Std(), def.Timeout.Std()))}
		if old := was[saved.Name]; old != nil && old.saved.Revision == saved.Revision && saved.Revision > 0 {
			m.labels, m.tags = old.labels, old.tags
		} else {
			m.tags = tagLabels(saved.Tags)
			m.labels = render(append(Labels{{"instance", saved.Target}, {"kind", saved.Kind}, {"monitor", saved.Name}}, m.tags...))
		}
		s.monitors[saved.Name] = m
	}
	s.unsaved = 0
	for key := range s.states {
		if s.monitors[key.monitor] == nil {
			s.unsaved++
		}
	}
}

// Agents takes who is there, all of them.
func (s *Series) Agents(list []Present) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := s.agents != nil && len(list) == len(s.agents)
	for _, a := range list {
		was, there := s.agents[a.ID]
		same = same && there && was.Online == a.Online && maps.Equal(was.Labels, a.Labels)
	}
	if same {
		return
	}
	s.agents = make(map[string]Present, len(list))
	s.changes++
	for _, a := range list {
		s.agents[a.ID] = a
	}
}

// current says whether the last result of a series counts now, and finds its labels.
func (s *Series) current(st *state, now time.Time) bool {
	if st.labels == nil || st.checked != s.changes {
		s.place(st)
	}
	if !st.placed {
		return false
	}
	lifetime := leastFresh + 15*time.Second // of a monitor started by hand: its schedule is not known
	if st.of != nil {
		lifetime = st.of.lifetime
	}
	return now.Sub(st.at) <= lifetime
}

// place finds whether a series should be there, and its labels.
func (s *Series) place(st *state) {
	st.checked = s.changes
	m := s.monitors[st.key.monitor]
	if st.labels == nil || st.of != m && (st.of == nil || m == nil || st.of.labels != m.labels) {
		l := LabelsOf(st.key.agent, st.key.monitor, st.kind, st.target, nil)
		if m != nil {
			l = append(l, m.tags...)
		}
		st.labels = render(l)
	}
	st.of = m
	a, heard := s.agents[st.key.agent]
	switch {
	case s.agents != nil && (!heard || !a.Online):
		st.placed = false
	case m != nil:
		st.placed = m.saved.RunsOn(st.key.agent, a.Labels) && m.saved.Kind == st.kind && m.saved.Target == st.target
	default:
		st.placed = s.monitors == nil || !st.managed
	}
}

// evict forgets series that were silent for long. It looks once a minute.
func (s *Series) evict(now time.Time) {
	if now.Sub(s.evicted) < time.Minute && s.evicted.Before(now) {
		return
	}
	s.evicted = now
	for key, st := range s.states {
		silent := now.Sub(st.at)
		if silent > remembered || silent > unsavedKept && s.monitors != nil && s.monitors[key.monitor] == nil {
			delete(s.states, key)
			s.unsorted = true
		}
	}
}

// sorted are all series, in order.
func (s *Series) sorted() []*state {
	if s.unsorted {
		s.order = make([]*state, 0, len(s.states)) // somebody may still read the last one
		for _, st := range s.states {
			s.order = append(s.order, st)
		}
		slices.SortFunc(s.order, func(a, b *state) int {
			if a.table != b.table {
				return a.table.number - b.table.number
			}
			if n := strings.Compare(a.key.monitor, b.key.monitor); n != 0 {
				return n
			}
			return strings.Compare(a.key.agent, b.key.agent)
		})
		s.unsorted = false
	}
	return s.order
}
