package endpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"netmon/internal/filelock"
	"netmon/internal/userdirs"
)

// LockContexts keeps other commands from changing the file of contexts until
// unlock is called or the process ends.
func LockContexts() (unlock func() error, err error) {
	path := ContextsPath()
	if path == "" {
		return nil, userdirs.Homeless("")
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
