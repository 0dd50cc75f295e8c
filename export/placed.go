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
		m := &monitor{saved: saved, lifetime: lifetimeOf(saved.Monitor), measures: saved.Revision}
		old := was[saved.Name]
		if old != nil && old.measures <= saved.Revision && saved.SameMeasurement(old.saved.Monitor) {
			m.measures = old.measures
		}
		if old != nil && old.saved.Revision == saved.Revision && saved.Revision > 0 {
			m.labels, m.tags = old.labels, old.tags
		} else {
			m.tags = tagLabels(saved.Tags)
			m.labels = render(append(Labels{{"instance", saved.Target}, {"kind", saved.Kind}, {"monitor", saved.Name}}, m.tags...))
		}
		s.monitors[saved.Name] = m
	}
	s.countUnsaved()
}

// countUnsaved counts the series whose monitor is not saved.
func (s *Series) countUnsaved() {
	s.unsaved = 0
	clear(s.unsavedOf)
	for key := range s.states {
		if s.monitors[key.monitor] == nil {
			s.unsaved++
			s.unsavedOf[key.agent]++
		}
	}
}

// lifetimeOf is how long a result of a monitor counts, from the beginning of its run.
func lifetimeOf(m wire.Monitor) time.Duration {
	m = m.WithDefaults()
	return max(leastFresh, judge.Silence(max(m.Every, m.Timeout).Std(), m.Timeout.Std()))
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

// validity is what the last result of a series says of now.
type validity uint8

const (
	counts    validity = iota // it is how the target is
	unheard                   // there is none
	elsewhere                 // nobody measures that there, or nobody should
	offline                   // the agent is
	changed                   // it is from before the monitor's last change
	stale                     // it is too old
)

// validity finds what the last result of a series says of now, and its labels.
func (s *Series) validity(st *state, now time.Time) validity {
	if st.checked != s.changes {
		s.place(st)
	}
	if st.placed == counts && now.Sub(st.at) > st.lives() {
		return stale
	}
	return st.placed
}

// lives is how long a result of a series counts.
func (st *state) lives() time.Duration {
	if st.of != nil {
		return st.of.lifetime
	}
	return st.lifetime
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
	st.of, st.placed = m, counts
	a := s.agents[st.key.agent]
	switch {
	case s.agents != nil && !a.Online:
		st.placed = offline
	case m == nil && s.monitors != nil && st.revision > 0, m != nil && !m.saved.RunsOn(st.key.agent, a.Labels):
		st.placed = elsewhere
	case m != nil && (m.saved.Kind != st.kind || m.saved.Target != st.target || st.revision < m.measures):
		st.placed = changed
	}
}

// last is the last result of a monitor on an agent, in the words that are kept of it and in its
// numbers, and what it says of now.
func (s *Series) last(monitor, agent string, now time.Time) (*wire.Result, row, validity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.states[seriesKey{agent, monitor}]
	if st == nil {
		return nil, row{}, unheard
	}
	is := s.validity(st, now)
	r := &wire.Result{Agent: agent, Monitor: monitor, Kind: st.kind, Target: st.target, Started: st.at, Outcome: st.outcome, Failure: wire.Failure(st.failure),
		Summary: st.words.summary, Error: st.words.text, Address: st.words.address}
	if took := st.numbers[sharedDuration]; took == took { // it was measured
		r.ElapsedNS = int64(took)
	}
	if latency := st.numbers[sharedLatency]; latency == latency {
		ns := int64(latency)
		r.LatencyNS = &ns
	}
	return r, (&snapshot{}).row(st), is
}

// Evict forgets series that were silent for long. It looks once a minute.
func (s *Series) Evict(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evict(now)
}

func (s *Series) evict(now time.Time) {
	if now.Sub(s.evicted) < time.Minute && s.evicted.Before(now) {
		return
	}
	s.evicted = now
	for key, st := range s.states {
		keep := remembered
		if s.monitors != nil && s.monitors[key.monitor] == nil {
			keep = unsavedKept
		}
		if now.Sub(st.at) > max(keep, st.lives()) {
			delete(s.states, key)
			s.unsorted = true
		}
	}
	s.countUnsaved()
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
