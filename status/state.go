package status

import (
	"netmon/judge"
	"netmon/wire"
)

// State is how a service is, as visitors read it. The zero value is not known.
type State uint8

// The states, from the best to the worst but for what is not known.
const (
	Unknown State = iota
	Running
	Maintenance
	Slow
	Disturbed // slow, or not reachable from everywhere
	Partly    // not reachable from everywhere
	Down
)

// stateDocs is how each is written: for people, in a sentence, for style sheets, in
// Statuspage's words, and its mark. Nothing depends on colour alone.
var stateDocs = [...]struct{ word, sentence, class, api, mark string }{
	Unknown:     {"Not known", "not known", "unk", "unknown", "?"},
	Running:     {"Running", "running", "up", "operational", "●"},
	Maintenance: {"Under maintenance", "under maintenance", "mnt", "under_maintenance", "◆"},
	Slow:        {"Slow", "slow", "deg", "degraded_performance", "▲"},
	Disturbed:   {"Slow or partly reachable", "slow or partly reachable", "deg", "degraded_performance", "▲"},
	Partly:      {"Partly reachable", "partly reachable", "deg", "partial_outage", "▲"},
	Down:        {"Down", "down", "down", "major_outage", "✕"},
}

// Word is the state for people.
func (s State) Word() string { return stateDocs[s].word }

// Said is the state within a sentence.
func (s State) Said() string { return stateDocs[s].sentence }

// Class is its class in the style sheet.
func (s State) Class() string { return stateDocs[s].class }

// API is the state in Statuspage's words; "unknown", which Statuspage does not have, where
// it is not known: it must not be taken for operational.
func (s State) API() string { return stateDocs[s].api }

// Mark is a character for it.
func (s State) Mark() string { return stateDocs[s].mark }

// Wrong says that people who use the service notice.
func (s State) Wrong() bool { return s >= Slow }

// stateOf is the state of a judged monitor. v is the verdict that holds, or nil.
func stateOf(s judge.State, v *wire.Verdict) State {
	switch s {
	case judge.Up:
		return Running
	case judge.Down:
		return Down
	case judge.Degraded:
		switch {
		case v == nil:
			return Disturbed
		case len(v.Quorum.Down) > 0:
			return Partly
		case len(v.Quorum.Slow) > 0:
			return Slow
		}
		return Disturbed
	}
	return Unknown
}

// stateIn is the state of a member of an incident.
func stateIn(m *wire.IncidentMember) (State, bool) {
	switch m.Severity {
	case wire.SeverityDown:
		return Down, true
	case wire.SeverityDegraded:
		if m.Blame != nil && (m.Blame.Class == wire.BlamePath || m.Blame.Class == wire.BlameRegion) {
			return Partly, true
		}
		return Disturbed, true
	}
	return Unknown, false
}
