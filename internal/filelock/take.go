package filelock

import (
	"errors"
	"os"
)

// ErrTaken says that another process, or another part of this one, has the lock.
var ErrTaken = errors.New("it is locked by another process")

// Take makes the file of this path where there is none, and takes its lock, which
// is let go when the file is closed.
func Take(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := Try(f)
	if taken {
		err = ErrTaken
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
