package memory

import "golang.org/x/sys/unix"

// hostMemory is what this host has, bytes; 0 is not known.
func hostMemory() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n)
}
