package memory

import "golang.org/x/sys/unix"

// hostMemory is what this host has, bytes; 0 is not known.
func hostMemory() int64 {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return 0
	}
	return int64(s.Totalram) * int64(s.Unit)
}
