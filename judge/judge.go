package judge

import (
	"slices"
	"time"

	"netmon/wire"
)

// OfResult is what one result says about its target. One that could not be
// measured says nothing.
func OfResult(r *wire.Result) State {
	switch {
	case r.Outcome == wire.OK:
		return Up
	case r.Outcome == wire.Failed && r.Failure == wire.FailSlow:
		return Degraded
	case r.Outcome == wire.Failed:
		return Down
	}
	return Unknown // broken, or an outcome of a newer agent
}

// Series is what is known about a monitor on one agent at one moment.
type Series struct {
	Paused  bool  // the monitor is saved so
	Offline bool  // the agent is not there
	Refused bool  // the agent cannot run it
	Heard   bool  // there is a result; what follows is about the newest one
	Last    State // see [OfResult]
	Stale   bool  // it was measured before the monitor was changed last
	Silent  bool  // it is older than [Silence]
}

// Reason is why the state of a series is unknown.
type Reason uint8

// The reasons, in the order in which they count.
const (
	NoReason Reason = iota // the state is known, or paused
	AgentOffline
	AgentRefused
	NothingHeard
	ChangedSince
	TooOld
	NotMeasured // the run was broken
)

// State evaluates a series.
func (s Series) State() (State, Reason) {
	switch {
	case s.Paused:
		return Paused, NoReason
	case s.Offline:
		return Unknown, AgentOffline
	case s.Refused:
		return Unknown, AgentRefused
	case !s.Heard:
		return Unknown, NothingHeard
	case s.Stale:
		return Unknown, ChangedSince
	case s.Silent:
		return Unknown, TooOld
	case s.Last == Unknown:
		return Unknown, NotMeasured
	}
	return s.Last, NoReason
}

// Silence is how old a result may be, counted from the start of its run, and
// still count for now: of two runs in a row one has to be heard.
func Silence(every, timeout time.Duration) time.Duration { return every*5/2 + timeout }

// OfMonitor is the state of a monitor from those of its series.
func OfMonitor(paused bool, n Counts) State {
	switch known := n[Down] + n[Degraded] + n[Up]; {
	case paused:
		return Paused
	case known == 0:
		return Unknown
	case n[Down] > 0 && n[Up]+n[Degraded] == 0:
		return Down
	case n[Down]+n[Degraded]+n[Unknown] > 0:
		return Degraded
	}
	return Up
}

// Agent is what is known about an agent that may run a monitor.
type Agent struct {
	ID       string
	Labels   map[string]string
	Left     bool   // it said goodbye
	Unheard  bool   // no heartbeat of it is known: neither are its labels
	Revision uint64 // of the monitor, in the agent's newest result of it; 0 where there is none
}

// Remembered is for how long an agent counts that nothing is heard of, not even
// that it left: as long as its last heartbeat is kept.
const Remembered = 24 * time.Hour

// Expected says whether an agent counts for a saved monitor that is not paused.
// One that was chosen by a label counts until it leaves, one that was named
// counts always. Where the labels are not known, a result of the present
// revision says that the agent runs it. Of a monitor that runs on some of those that
// match, the chosen agents count until they leave.
func Expected(m *wire.Saved, a Agent) bool {
	switch {
	case a.Unheard && a.Revision > 0 && a.Revision >= m.Revision && !m.Agents.IsSome(): // of some, it is known which
		return true
	case !m.IsPlacedOn(a.ID, a.Labels):
		return false
	}
	return !a.Left || slices.Contains(m.Agents, a.ID)
}
