package hostclock

import (
	"time"
)

// LocalClock is what this host's kernel knows of its own clock: whether
// something keeps it to the time, and by how much it may be off at most. It
// asks nobody else. ok is false where the kernel does not say.
func LocalClock() (synchronised bool, maxError time.Duration, ok bool) {
	c, ok := KernelClock()
	return c.Synchronised, c.MaxError, ok
}

// localClockState is what the kernel says of its own clock.
type localClockState struct {
	Synchronised       bool
	MaxError, EstError time.Duration
}
