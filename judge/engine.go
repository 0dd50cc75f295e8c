package judge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Judge is given facts in order and asked what follows. It is for one goroutine. Live
// evaluation, a restart, a replay and a back-test drive the same methods.
//
// All times are the broker's: when a message was stored, less what it had waited. So
// an agent's clock changes no verdict, and the same facts give the same verdicts,
// however late or in whatever portions they are read. Timers fire at their own time,
// not at that of the call that finds them due.
//
// Facts are given in the order in which they were stored. One that comes after a later
// one counts as if it came with that one. So Advance is called only for times up to
// which all facts are given.
type Judge struct {
	now      moment
	monitors map[string]*monitor
	agents   map[string]*agent
	children map[string][]string // of a monitor, those that depend on it
	mesh     mesh
	budget   budget
	timers   timers

	dirtyAgents   []*agent
	dirtyMonitors []*monitor

	changes   []Change
	asks      []Ask
	restoring bool             // what is counted now was counted before
	touched   [Shards + 1]bool // parts of the checkpoint, since it was asked for last
}

// New is a judge that knows nothing.
func New() *Judge {
	return &Judge{monitors: map[string]*monitor{}, agents: map[string]*agent{}, children: map[string][]string{}}
}

// Monitor takes a saved monitor as it is from then on. It is called before agents are,
// so that their first results count.
func (j *Judge) Monitor(saved wire.Saved, at time.Time) {
	j.advance(momentOf(at))
	m := j.monitors[saved.Name]
	anew := m == nil || m.Deleted
	if m == nil {
		m = newMonitor(saved.Name)
		j.monitors[m.Name] = m
	}
	for _, s := range m.Series {
		j.setReach(s, noReach) // it counts for a host that may be another one now
	}
	paused, parents := m.Paused, m.DependsOn
	if saved.Chosen == nil { // who saves does not know
		saved.Chosen = m.Chosen
	}
	m.Deleted = false
	anew = m.set(saved, anew)
	for _, s := range m.Series {
		switch {
		case anew && s.Revision >= m.Revision && s.Revision > 0 && s.Last.At == s.newestAt(): // it was faster than we
			last := s.Runs[max(0, len(s.Runs)-1):]
			s.reset()
			s.Runs = append(s.Runs, last...)
			s.weigh()
		case anew || m.Paused:
			s.reset()
			s.Last, s.From = brief{}, j.now
		}
		if anew || paused != m.Paused {
			s.Instructed, s.Silent = j.now, false
		}
		if extra := len(s.Runs) - m.window(); extra > 0 {
			s.Runs = slices.Delete(s.Runs, 0, extra)
		}
	}
	if anew || m.Paused {
		m.Cross, m.Waits = nil, 0
	}
	if !slices.Equal(parents, m.DependsOn) {
		j.linkParents()
		j.markAll()
	}
	j.updatePlacement(m)
	j.compare(m)
	j.mark(m)
	j.end()
}

// Place takes which agents run a monitor that is saved to run on some of those that match,
// from then on.
func (j *Judge) Place(monitor string, agents []string, at time.Time) {
	j.advance(momentOf(at))
	if m := j.monitors[monitor]; m != nil && !m.Deleted && !slices.Equal(m.Chosen, agents) {
		m.Chosen = slices.Clone(agents)
		j.updatePlacement(m)
		j.compare(m)
		j.mark(m)
	}
	j.end()
}

// Delete takes that a monitor is no longer saved.
func (j *Judge) Delete(name string, at time.Time) {
	j.advance(momentOf(at))
	if m := j.monitors[name]; m != nil && !m.Deleted {
		for _, s := range m.Series {
			j.setReach(s, noReach)
		}
		gone := newMonitor(name)
		gone.Deleted, gone.Holds.N = true, m.Holds.N
		j.monitors[name] = gone
		j.touch(gone)
		j.linkParents()
		j.markChildren(name)
	}
	j.end()
}

// Presence takes a heartbeat, stored then. Its labels are those that count.
func (j *Judge) Presence(alive wire.Alive, at time.Time) {
	j.advance(momentOf(at))
	a, isNew := j.agent(alive.Agent)
	moved := isNew || !a.Known || !sameStrings(a.Labels, alive.Labels)
	unable := alive.Unable()
	barred := !sameStrings(a.Refused, alive.Refused) || !sameStrings(a.Cannot, unable)
	a.Known, a.Leaving, a.Gone = true, alive.Leaving, alive.Gone
	j.touchMesh()
	if !a.Gone {
		j.hearMesh()
		a.Labels, a.Refused, a.Cannot = alive.Labels, alive.Refused, unable
		j.hear(a)
		a.tick(momentOf(alive.At).sub(j.now))
	}
	if moved {
		j.placeOn(a)
	}
	if barred {
		j.refuse(a)
	}
	j.markAgent(a)
	j.end()
}

// tick compares the agent's clock with ours. A heartbeat may come late once.
func (a *agent) tick(skew time.Duration) {
	if skew.Abs() <= mostSkew {
		a.Skew, a.Skewed = 0, 0
		return
	}
	a.Skew, a.Skewed = skew, min(a.Skewed+1, 2)
}

// Result takes a result: when its run began, by the broker's clock, and when it
// was stored. One that came before changes nothing.
func (j *Judge) Result(r *wire.Result, measured, stored time.Time) {
	again := momentOf(stored) < j.now
	j.advance(momentOf(stored))
	if m := j.monitors[r.Monitor]; m != nil && !m.Deleted && r.Revision > 0 {
		j.result(m, r, min(momentOf(measured), j.now))
	} else if a := j.agents[r.Agent]; a != nil && !again { // it may have come before
		j.heardResult(a, r)
	}
	j.end()
}

func (j *Judge) heardResult(a *agent, r *wire.Result) {
	j.hearMesh()
	if !a.Leaving && !a.Gone {
		j.hear(a)
		j.lag(a, time.Duration(r.LateNS))
	}
}

func (j *Judge) result(m *monitor, r *wire.Result, at moment) {
	a, isNew := j.agent(r.Agent)
	s := m.on(a)
	j.touch(m)
	if !s.Seen.Accept(r, at > s.Last.At) {
		return // it came before: it is not a sign of life either
	}
	j.heardResult(a, r)
	newer := r.Revision > s.Revision
	s.Revision = max(s.Revision, r.Revision)
	if isNew || newer && !a.Known {
		j.placeOne(m, a)
	}
	if r.Revision < m.Changed || m.Paused || !s.Placed {
		return
	}
	before, c := s.face(), classOf(r)
	b := brief{At: at, Class: c, Failure: r.Failure, Text: textOf(r), Epoch: r.Epoch, Seq: r.Seq, Asked: r.Asked != ""}
	if at < a.Back || j.now.sub(at)-r.Elapsed() > mostWait {
		s.Missed = max(s.Missed, at)
		return // it comes late, and says nothing about now
	}
	if !s.add(at, c, r.Covers, b) {
		return
	}
	s.Silent = false
	j.armSilence(s)
	j.answered(s, r, c, at)
	after := s.face()
	if after != before || m.uncertain && c != broken || c == bad && !s.Alone {
		j.compare(m)
	}
	j.turned(s, before)
	if after != before || s.newest() == bad && s.Status != isDown || s.Suspect && s.Status != isDown {
		j.mark(m)
	}
}

// textOf is what a result says for people, in short.
func textOf(r *wire.Result) string {
	text := r.Error
	if text == "" {
		text = r.Summary
	}
	return wire.Clip(text, mostBrief)
}

// Advance sets the time to now: what is silent, offline or waited for by then is.
// Every fact advances to its own time, too.
func (j *Judge) Advance(now time.Time) {
	j.advance(momentOf(now))
}

// Gap says that nothing could be heard from then until then, by whoever gives the
// facts: silence in it counts for nobody. Timers of silence and of presence that had not
// fired by from begin again at to. It is called before facts that were stored after to.
func (j *Judge) Gap(from, to time.Time) {
	j.advance(momentOf(from))
	j.now = max(j.now, momentOf(to))
	if !j.mesh.Quiet {
		j.mesh.Heard = j.now
		j.thaw()
		j.arm(&j.mesh.Armed, timer{at: j.now.add(quietAfter)})
		j.touchMesh()
	}
	j.end()
}

// Next is when Advance may have something to do, and zero when never.
func (j *Judge) Next() time.Time {
	if len(j.timers) == 0 {
		return time.Time{}
	}
	return j.timers[0].at.time()
}

// end judges what the fact concerns, and what is due by now because of it.
func (j *Judge) end() {
	j.flush()
	j.advance(j.now)
}

// flush judges the agents and monitors that a fact concerns, in order of their names.
// What follows for others is judged next. Monitors that depend on each other in a
// circle are judged in so many rounds, and then left.
func (j *Judge) flush() {
	for range 2 * wire.MaxParents {
		agents, monitors := j.dirtyAgents, j.dirtyMonitors
		if len(agents)+len(monitors) == 0 {
			return
		}
		if len(agents) > 0 {
			j.dirtyAgents = nil
			slices.SortFunc(agents, func(a, b *agent) int { return strings.Compare(a.id, b.id) })
			for _, a := range agents {
				a.dirty = false
				j.judgeAgent(a)
			}
			continue // with the monitors that it concerns
		}
		j.dirtyMonitors = nil
		slices.SortFunc(monitors, func(a, b *monitor) int { return cmp.Compare(a.Name, b.Name) })
		for _, m := range monitors {
			m.dirty = false
			j.judge(m)
		}
	}
	for _, m := range j.dirtyMonitors {
		m.dirty = false
	}
	for _, a := range j.dirtyAgents {
		a.dirty = false
	}
	j.dirtyMonitors, j.dirtyAgents = nil, nil
}

func (j *Judge) mark(m *monitor) {
	if !m.dirty && !m.Deleted {
		m.dirty = true
		j.dirtyMonitors = append(j.dirtyMonitors, m)
		j.touch(m)
	}
}

func (j *Judge) markAgent(a *agent) {
	if !a.dirty {
		a.dirty = true
		j.dirtyAgents = append(j.dirtyAgents, a)
		j.touchMesh()
	}
}

func (j *Judge) markAll() {
	for _, m := range j.monitors {
		j.mark(m)
	}
}

// agent is the agent of that name, made when it is not known.
func (j *Judge) agent(id string) (a *agent, isNew bool) {
	if a = j.agents[id]; a == nil {
		a, isNew = &agent{id: id, Heard: j.now, OnTime: j.now}, true
		j.agents[id] = a
		j.touchMesh()
		j.markAgent(a)
	}
	return a, isNew
}
