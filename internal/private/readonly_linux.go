package private

import "golang.org/x/sys/unix"

// readOnly says that nobody in this mount namespace can write there.
func readOnly(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && s.Flags&unix.ST_RDONLY != 0
}
