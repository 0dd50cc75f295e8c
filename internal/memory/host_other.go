//go:build !linux && !darwin

package memory

// hostMemory is not known on this system.
func hostMemory() int64 { return 0 }
