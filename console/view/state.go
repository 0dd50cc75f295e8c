package view

// State is what is known of a monitor, of a monitor on one agent, or of one run.
type State uint8

// The states, the worst first: rows are sorted by them.
const (
	Down     State = iota // the target does not do what it should
	Degraded              // slow, or not well from every agent
	Unknown               // nothing is known: silence, a gap, an agent that is away or cannot measure
	Up
	Paused // saved, and runs nowhere
	states = iota
)

// States lists every state, the worst first.
var States = [states]State{Down, Degraded, Unknown, Up, Paused}

// String is the word for s.
func (s State) String() string {
	switch s {
	case Down:
		return "down"
	case Degraded:
		return "degraded"
	case Up:
		return "up"
	case Paused:
		return "paused"
	}
	return "unknown"
}

// Mark is the sign for s: states are told by sign and word, colour only helps.
func (s State) Mark() string {
	switch s {
	case Down:
		return "✕"
	case Degraded:
		return "▲"
	case Up:
		return "●"
	case Paused:
		return "○"
	}
	return "?"
}

// overall is the state of a monitor by those of its agents.
func overall(paused bool, n [states]int) State {
	known := n[Down] + n[Degraded] + n[Up]
	switch {
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

// together is one place of a monitor's strip, of the runs of its agents there.
func together(n [states]int) State {
	switch {
	case n[Down] > 0 && n[Up]+n[Degraded] > 0:
		return Degraded
	case n[Down] > 0:
		return Down
	case n[Unknown] > 0:
		return Unknown
	case n[Degraded] > 0:
		return Degraded
	case n[Up] > 0:
		return Up
	}
	return Unknown
}
