//go:build linux || darwin

package broker

import "golang.org/x/sys/unix"

// diskBytes is how much the disk of dir still takes from us, and its size.
func diskBytes(dir string) (free, size uint64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), true
}
