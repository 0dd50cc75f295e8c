package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"netmon/internal/filelock"
)

// lockContexts keeps other commands from changing the file of contexts until
// unlock is called or the process ends.
func lockContexts() (unlock func() error, err error) {
	path := contextsPath()
	if path == "" {
		return nil, errHomeless("")
	}
	path += ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		f, err := filelock.Take(path)
		switch {
		case err == nil:
			return f.Close, nil
		case !errors.Is(err, filelock.ErrTaken):
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case time.Now().After(end):
			return nil, fmt.Errorf("lock %s: %w: another netmon context command holds it", path, err)
		}
	}
}
