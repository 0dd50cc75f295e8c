//go:build !linux && !darwin && !windows

package broker

// diskBytes is not known on this system.
func diskBytes(string) (free, size uint64, ok bool) { return 0, 0, false }
