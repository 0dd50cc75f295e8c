package agent

import (
	"errors"
	"fmt"
	"path/filepath"

	"netmon/internal/filelock"
)

// lockDir keeps a second agent from using the same state, until unlock is called
// or the process ends.
func lockDir(dir string) (unlock func() error, err error) {
	f, err := filelock.Take(filepath.Join(dir, "lock"))
	if errors.Is(err, filelock.ErrTaken) {
		return nil, fmt.Errorf("another agent uses %s: give each its own state folder", dir)
	}
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}
