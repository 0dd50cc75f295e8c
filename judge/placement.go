package judge

import (
	"maps"
	"slices"
)

// updatePlacement finds on which agents the monitor is placed.
func (j *Judge) updatePlacement(m *monitor) {
	for _, id := range m.Agents.IDs() {
		j.agent(id)
	}
	for _, id := range slices.Sorted(maps.Keys(j.agents)) {
		j.placeOne(m, j.agents[id])
	}
}

// placeOn finds which monitors are placed on the agent.
func (j *Judge) placeOn(a *agent) {
	for _, m := range j.sorted() {
		j.placeOne(m, a)
	}
}

// placeOne finds whether the monitor is placed on the agent.
func (j *Judge) placeOne(m *monitor, a *agent) {
	s := m.of(a.id)
	revision := uint64(0)
	if s != nil {
		revision = s.Revision
	}
	placed := Expected(&m.Saved, Agent{ID: a.id, Labels: a.Labels, Left: a.Left, Unheard: !a.Known, Revision: revision})
	switch {
	case s == nil && !placed:
		return
	case s == nil:
		s = m.on(a)
	case s.Placed == placed:
		j.armSilence(s)
		return
	}
	s.Placed, s.Instructed, s.Silent = placed, j.now, false
	s.Refused = a.refuses(m)
	j.armSilence(s)
	j.compare(m)
	if !placed && (a.Gone || !a.Away) { // it has to stop
		s.reset()
	}
	j.mark(m)
}

// refuse finds which monitors the agent says that it cannot run.
func (j *Judge) refuse(a *agent) {
	for _, m := range j.sorted() {
		if s := m.of(a.id); s != nil && s.Refused != a.refuses(m) {
			s.Refused = !s.Refused
			j.mark(m)
		}
	}
}

func (a *agent) refuses(m *monitor) bool {
	_, refused := a.Refused[m.Name]
	_, cannot := a.Cannot[m.Kind]
	return refused || cannot
}

func sameStrings(a, b map[string]string) bool { return maps.Equal(a, b) }

// armSilence makes sure that the series is checked when it is silent.
func (j *Judge) armSilence(s *series) {
	if s.Placed && !s.Silent && !s.m.Paused && !s.m.Deleted {
		j.touch(s.m)
		j.arm(&s.Armed, timer{at: s.deadline(j.mesh.Thawed), m: s.m, a: s.a})
	}
}

// checkSilence checks whether the series is silent. Where nothing at all is heard of the
// agent, it is most likely away: that is reported first, and once.
func (j *Judge) checkSilence(s *series) {
	if j.monitors[s.m.Name] != s.m || !s.Placed || s.Silent || s.m.Paused || j.mesh.Quiet {
		return
	}
	due := s.deadline(j.mesh.Thawed)
	if !s.a.Away && s.a.Heard.add(quietAfter) < j.now {
		due = max(due, s.a.deadline(j.mesh.Thawed))
	}
	if j.now < due {
		j.arm(&s.Armed, timer{at: due, m: s.m, a: s.a})
		return
	}
	s.Silent = true
	s.reset()
	j.compare(s.m)
	j.mark(s.m)
}
