package judge

import (
	"fmt"
	"time"

	"netmon/wire"
)

// publishAgent makes a verdict on the agent when it is another one than before.
func (j *Judge) publishAgent(a *agent) {
	v := wire.AgentVerdict{Agent: a.id, Status: wire.AgentAble, Gone: a.Gone}
	switch blame := func(class wire.BlameClass, sure bool) {
		v.Blame = &wire.Blame{Class: class, Names: []string{a.id}, Sure: sure, Why: v.Why}
	}; {
	case a.Gone:
		v.Status, v.Why = wire.AgentAway, a.id+" is gone for good"
		blame(wire.BlameUplink, true)
	case a.Away && a.Leaving:
		v.Status, v.Why = wire.AgentAway, a.id+" was stopped"
		blame(wire.BlameUplink, true)
	case a.Away && !a.Spoke:
		v.Status, v.Why = wire.AgentAway, a.id+" was never heard from"
		blame(wire.BlameUplink, false)
	case a.Away:
		v.Status, v.Why = wire.AgentAway, "nothing is heard from "+a.id
		blame(wire.BlameUplink, false) // its line, its host or its process: nobody can tell
	case a.Trouble == noUplink:
		v.Status = wire.AgentAside
		v.Why = fmt.Sprintf("%s has lost its uplink: it fails on %d of %d hosts that can be reached", a.id, a.failing, a.reached)
		blame(wire.BlameUplink, true)
	case a.Trouble == isLate:
		v.Status, v.Why = wire.AgentAside, fmt.Sprintf("results of %s arrive more than %d s late", a.id, int(latest.Seconds()))
		blame(wire.BlameUplink, true)
	case a.Skewed > 1:
		ahead := "ahead of"
		if a.Skew < 0 {
			ahead = "behind"
		}
		v.Why = fmt.Sprintf("%s's clock is %v %s the broker's", a.id, a.Skew.Abs().Round(time.Second), ahead)
		blame(wire.BlameClock, true)
	}
	old := &a.Holds
	if old.Status == "" {
		old.Agent, old.Status, old.Since, old.At = a.id, wire.AgentAble, j.now.time(), j.now.time()
	}
	if v.Status == old.Status && classOfBlame(v.Blame) == classOfBlame(old.Blame) && a.Gone == (old.Why == a.id+" is gone for good") {
		return
	}
	v.N, v.At, v.Since = old.N+1, j.now.time(), j.now.time()
	if v.Status == old.Status {
		v.Since = old.Since
	}
	if v.Status != wire.AgentAble {
		if v.Incident = old.Incident; v.Incident == "" {
			v.Incident = incidentOf(a.id, fmt.Sprintf("agent %s %d", a.id, j.now))
		}
	}
	v.Monitors = j.monitorsOn(a)
	a.Holds = v
	j.touchMesh()
	told := v
	if v.Blame != nil {
		b := *v.Blame
		told.Blame = &b
	}
	j.changes = append(j.changes, Change{Agent: &told})
}

func classOfBlame(b *wire.Blame) wire.BlameClass {
	if b == nil {
		return ""
	}
	return b.Class
}

// monitorsOn counts the monitors that are placed on the agent.
func (j *Judge) monitorsOn(a *agent) int {
	n := 0
	for _, m := range j.monitors {
		if s := m.of(a.id); s != nil && s.Placed && !m.Deleted && !m.Paused {
			n++
		}
	}
	return n
}
