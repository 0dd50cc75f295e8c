package probes

import "time"

// LocalClock is what this host's kernel knows of its own clock: whether
// something keeps it to the time, and by how much it may be off at most. It
// asks nobody else. ok is false where the kernel does not tell.
func LocalClock() (synchronised bool, maxError time.Duration, ok bool) {
	c, ok := kernelClock()
	return c.synchronised, c.maxError, ok
}
