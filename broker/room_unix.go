//go:build linux || darwin

package broker

import "golang.org/x/sys/unix"

// freeBytes is how much the disk of dir still takes from us.
func freeBytes(dir string) (free uint64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
