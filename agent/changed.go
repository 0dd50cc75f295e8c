package agent

import (
	"slices"

	"netmon/wire"
)

// changed says that a command did something: a monitor runs, ended or measures
// otherwise, the key is another one, a probe was made, a run was
// asked for. A start of what runs
// already, a stop of what does not run, and what was refused did nothing.
func changed(c wire.Command, r wire.Reply) bool {
	switch c.Op {
	case wire.OpStart, wire.OpStop, wire.OpRun:
		return slices.ContainsFunc(r.Monitors, func(m wire.MonitorReply) bool {
			return m.State == wire.Started || m.State == wire.Updated || m.State == wire.Stopped || m.State == wire.Asked
		})
	}
	return r.OK
}
