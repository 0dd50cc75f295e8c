package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"netmon/internal/filelock"
)

// storeLock keeps other brokers away from a store: two servers on one folder
// acknowledge what they then lose, and neither says so.
//
// The lock is the operating system's, on the file netmon.lock, and goes with
// the process however it ends. The number in the file is for people.
type storeLock struct{ file *os.File }

// lockStore makes the folder where it is missing, and locks it.
func lockStore(dir string) (*storeLock, error) {
	if err := makeStore(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "netmon.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w: give a store folder that you may write", dir, err)
	}
	taken, err := filelock.Try(f)
	switch {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("store %s: lock %s: %w", dir, path, err)
	case taken:
		defer f.Close()
		return nil, fmt.Errorf("store %s is in use by another broker%s: connect to that one, stop it, or give another store folder", dir, holder(f))
	}
	// On a full disk the number cannot be written; the lock holds anyway.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &storeLock{f}, nil
}

// holder names the process in a lock file.
func holder(f *os.File) string {
	buf := make([]byte, 32)
	n, _ := f.ReadAt(buf, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// release frees the store. The file stays: removing it would let two brokers
// lock two files of one name.
func (l *storeLock) release() {
	if l == nil {
		return
	}
	_ = l.file.Truncate(0)
	_ = l.file.Close()
}
