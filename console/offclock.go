package console

import (
	"time"

	"netmon/wire"
)

// clockOff is from which difference on the clock of an agent counts as off. Less is
// no proof: a result says that it waited only from a second on.
const clockOff = 5 * time.Second

// offBy is how far the agent's clock was ahead of the broker's when it measured r,
// which was stored at stored by the broker's clock; 0 where it was right, as far as
// that can be said. What a result waited before it was stored, it says itself, by
// the agent's monotonic clock.
func offBy(r *wire.Result, stored time.Time) time.Duration {
	began := stored.Add(-r.Elapsed() - max(0, time.Duration(r.LateNS)))
	if d := r.Started.Sub(began); d.Abs() >= clockOff {
		return d
	}
	return 0
}

// OffText says which way a clock is off by d, such as "1h0m0s ahead".
func OffText(d time.Duration) string {
	if d < 0 {
		return d.Abs().Round(time.Second).String() + " behind"
	}
	return d.Round(time.Second).String() + " ahead"
}

// ClockOff is how far an agent's clock is ahead of this host's, by its last
// heartbeat; 0 where it is right, as far as that can be said.
func ClockOff(a Agent) time.Duration {
	if d := a.At.Sub(a.Seen); !a.At.IsZero() && d.Abs() >= clockOff {
		return d
	}
	return 0
}
