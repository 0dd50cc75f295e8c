package judge

import (
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

const (
	fewestHosts = 3                // that an agent measures for its uplink to be judged
	mostWait    = 5 * time.Second  // of a result that is about now
	latest      = 60 * time.Second // a result that waited longer is late
	mostSkew    = 5 * time.Second  // a clock that is off by more is named
)

// agent is what is known about an agent, and how much its word counts.
type agent struct {
	id      string
	Labels  map[string]string `json:"labels,omitempty"`
	Known   bool              `json:"known,omitempty"`   // a heartbeat was heard
	Spoke   bool              `json:"spoke,omitempty"`   // it was heard at all
	Leaving bool              `json:"leaving,omitempty"` // the newest heartbeat is a goodbye
	Gone    bool              `json:"gone,omitempty"`    // there is no such agent any more
	Left    bool              `json:"left,omitempty"`    // it no longer counts where it is not named
	Heard   moment            `json:"heard,omitzero"`    // the newest word of it
	OnTime  moment            `json:"on_time,omitzero"`  // the newest result that was not late

	Failed  []moment `json:"failed,omitempty"`  // when the last hosts began to fail, the oldest first
	Back    moment   `json:"back,omitzero"`     // when it was heard again: what it found before comes late
	Away    bool     `json:"away,omitempty"`    // nothing is heard of it
	Lagging bool     `json:"lagging,omitempty"` // its results come late
	Trouble trouble  `json:"trouble,omitempty"` // its own, by which monitors are judged

	Skew    time.Duration     `json:"skew_ns,omitempty"` // of its clock
	Skewed  int               `json:"skewed,omitempty"`  // heartbeats in a row that say so
	Refused map[string]string `json:"refused,omitempty"` // monitors that it cannot run
	Cannot  map[string]string `json:"cannot,omitempty"`  // kinds that it cannot run

	Holds wire.AgentVerdict `json:"verdict,omitzero"` // that holds
	Armed moment            `json:"armed,omitzero"`   // its timer; 0 when there is none

	hosts   map[string]*hostView
	reached int  // hosts that it measures, and that can be reached
	failing int  // of these, which it does not reach
	dark    int  // hosts that neither it nor anybody else reaches
	dirty   bool // it is to be judged
}

// online says whether the agent should be heard.
func (a *agent) online() bool { return a.Known && !a.Away && !a.Leaving && !a.Gone }

// trouble is an agent's own.
type trouble uint8

var troubles = []string{"", "away", "uplink", "late"}

func (t trouble) MarshalText() ([]byte, error)  { return word(troubles, t) }
func (t *trouble) UnmarshalText(b []byte) error { return ofWord(troubles, b, t) }

const (
	noTrouble trouble = iota
	isAway            // nothing is heard of it
	noUplink          // it fails where others do not
	isLate            // its results come late
)

// aside says whether the agent's word does not count.
func (a *agent) aside() bool { return a.Trouble != noTrouble }

// hear notes a word of an agent that is there. Where it could not be heard before, what
// it found until now was found in circumstances that nobody knows.
func (j *Judge) hear(a *agent) {
	if a.Spoke && j.now.sub(max(a.Heard, j.mesh.Thawed)) > quietAfter {
		a.Back = j.now
	}
	a.Heard, a.Spoke = j.now, true
	if a.Away {
		a.Away, a.OnTime = false, j.now // it has a while to send what it kept
		j.markAgent(a)
	}
	j.arm(&a.Armed, timer{at: a.deadline(j.mesh.Thawed), a: a})
}

// deadline is when an agent is offline if nothing is heard of it until then. One that
// says goodbye has the same time to come back: it is restarted more often than stopped.
func (a *agent) deadline(thawed moment) moment {
	return max(a.Heard, thawed).add(wire.OfflineAfter) + 1
}

// checkAgent looks at an agent whose timer is due.
func (j *Judge) checkAgent(a *agent) {
	if j.mesh.Quiet && !a.Away {
		return // nobody is heard: it is asked again when somebody is
	}
	if forgotten := a.Heard.add(Remembered); a.Away && !a.Left && j.now >= forgotten {
		a.Left = true
		j.placeOn(a)
	}
	j.markAgent(a)
}

// judgeAgent finds how much the word of an agent counts now.
func (j *Judge) judgeAgent(a *agent) {
	limit := a.deadline(j.mesh.Thawed)
	a.Away = a.Away || a.Gone || !j.mesh.Quiet && j.now >= limit
	if left := a.Gone || a.Away && a.Leaving; left != a.Left && (left || !a.Away) {
		a.Left = left
		j.placeOn(a)
	}
	if now := a.findTrouble(); now != a.Trouble {
		was := a.Trouble
		a.Trouble = now
		j.setAside(a, was)
	}
	switch {
	case !a.Away:
		j.arm(&a.Armed, timer{at: max(j.now+1, limit), a: a})
	case !a.Left:
		j.arm(&a.Armed, timer{at: max(j.now+1, a.Heard.add(Remembered)), a: a})
	}
	j.publishAgent(a)
}

// findTrouble says what is wrong with the agent. It is set aside for its uplink when it
// fails on half of the hosts, and comes back when it fails on a third at most.
func (a *agent) findTrouble() trouble {
	switch {
	case a.Away:
		return isAway
	case a.Trouble == noUplink && 3*a.failing > a.reached:
		return noUplink
	case a.Trouble != noUplink && a.reached >= fewestHosts && 2*a.failing >= a.reached:
		return noUplink
	case a.Lagging:
		return isLate
	}
	return noTrouble
}

// setAside has the monitors of an agent judged without it, or with it again. What it
// found bad while it had no uplink is not held against the targets.
func (j *Judge) setAside(a *agent, was trouble) {
	for _, m := range j.sorted() {
		s := m.of(a.id)
		if s == nil {
			continue
		}
		switch {
		case a.aside():
		case was == noUplink:
			s.discard(j.now)
			j.compare(m)
			j.armSilence(s)
		default:
			s.Instructed, s.Silent = j.now, false
			j.armSilence(s)
		}
		j.mark(m)
	}
}

// lag notes how late a result of the agent came.
func (j *Judge) lag(a *agent, late time.Duration) {
	was := a.Lagging
	switch {
	case late <= latest:
		a.OnTime, a.Lagging = j.now, false
	case j.now.sub(a.OnTime) > latest:
		a.Lagging = true
	}
	if a.Lagging != was {
		j.markAgent(a)
	}
}

// sorted lists the monitors by name.
func (j *Judge) sorted() []*monitor {
	out := make([]*monitor, 0, len(j.monitors))
	for _, name := range slices.Sorted(maps.Keys(j.monitors)) {
		if m := j.monitors[name]; !m.Deleted {
			out = append(out, m)
		}
	}
	return out
}
