package judge

import (
	"time"

	"netmon/wire"
)

const (
	flapMoves  = 4                // changes of the state
	flapWithin = 30 * time.Minute // that make a verdict flapping
	leastCalm  = 10 * time.Minute // without one that end it
)

// flap finds whether the verdict changes too often to report each change.
func (j *Judge) flap(m *monitor, v *wire.Verdict) {
	old := &m.Holds
	moved := v.State != old.State
	switch {
	case v.State == wire.VerdictPaused:
		m.Calm, m.Moves = 0, nil
	case moved && old.State != "" && old.State != wire.VerdictPaused && (old.State != wire.VerdictUnknown || old.Incident != ""):
		m.Moves = append(m.Moves, j.now)
		if len(m.Moves) > flapMoves {
			m.Moves = m.Moves[1:]
		}
		if m.Calm != 0 || len(m.Moves) == flapMoves && j.now.sub(m.Moves[0]) <= flapWithin {
			m.Calm = j.now.add(max(leastCalm, 10*m.Every.Std()))
		}
	case m.Calm != 0 && j.now >= m.Calm:
		m.Calm, m.Moves = 0, nil
	}
	v.Flapping = m.Calm != 0
}
