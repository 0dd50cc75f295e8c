package judge

import "fmt"

// State is what is known about a monitor, a monitor on one agent, or one run.
type State uint8

// The states, the worst first: lists are sorted by them.
const (
	Down     State = iota // the target does not do what it should
	Degraded              // slow, or not well from every agent
	Unknown               // nothing is known: silence, a gap, an agent that is offline or cannot measure
	Up
	Paused // saved, and runs nowhere
	states = iota
)

// States lists every state, the worst first.
var States = [states]State{Down, Degraded, Unknown, Up, Paused}

// Counts is how many there are in each state, by State.
type Counts [states]int

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

// Mark is the sign for s: states are shown by sign and word, colour only helps.
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

// MarshalText is the word for s, in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word for a state.
func (s *State) UnmarshalText(text []byte) error {
	for _, x := range States {
		if x.String() == string(text) {
			*s = x
			return nil
		}
	}
	return fmt.Errorf("state: want one of %v, got %.40q", States, text)
}
