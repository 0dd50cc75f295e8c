package judge

import (
	"time"

	"netmon/wire"
)

// Change is one verdict that is new: one of the three is not nil.
type Change struct {
	Monitor *wire.Verdict
	Agent   *wire.AgentVerdict
	Mesh    *wire.MeshVerdict
}

// Changes are the verdicts that changed since they were asked for last, in order.
func (j *Judge) Changes() []Change {
	out := j.changes
	j.changes = nil
	return out
}

// Ask is a run that is wanted to make sure: the agent should run the monitor once
// more, at that time. One that is long past is not worth asking for.
type Ask struct {
	Agent, Monitor string
	ID             string // a token, that the result carries as asked
	At             time.Time
}

// Asks are the runs wanted since they were asked for last.
func (j *Judge) Asks() []Ask {
	out := j.asks
	j.asks = nil
	return out
}

// Verdict is the verdict on a saved monitor that holds now.
func (j *Judge) Verdict(monitor string) (wire.Verdict, bool) {
	m := j.monitors[monitor]
	if m == nil || m.Deleted || m.Holds.State == "" {
		return wire.Verdict{}, false
	}
	v := clone(m.Holds)
	v.Frozen = j.mesh.Holds.Frozen
	return v, true
}

// AgentVerdict is the verdict on an agent that holds now. N is 0 where there was none.
func (j *Judge) AgentVerdict(agent string) (wire.AgentVerdict, bool) {
	a := j.agents[agent]
	if a == nil {
		return wire.AgentVerdict{}, false
	}
	v := a.Holds
	if v.Blame != nil {
		b := *v.Blame
		v.Blame = &b
	}
	return v, true
}

// MeshVerdict is the verdict on the mesh that holds now, and whether there was one.
func (j *Judge) MeshVerdict() (wire.MeshVerdict, bool) { return j.mesh.Holds, j.mesh.Holds.N > 0 }
