//go:build !linux

package probes

// kernelClock is known on Linux only.
func kernelClock() (localClockState, bool) { return localClockState{}, false }
