//go:build !linux

package hostclock

// KernelClock is known on Linux only.
func KernelClock() (localClockState, bool) { return localClockState{}, false }
