package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"netmon/broker/access"
)

// restoringName is a file in a store that a restore has not finished.
const restoringName = "netmon.restoring"

// ErrNotWhole says that a restore into a store was stopped midway.
var ErrNotWhole = errors.New("is incomplete: a restore into it was interrupted")

// Whole is an error for a store into which a restore was not finished.
func Whole(store string) error {
	if store == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(store, restoringName)); err != nil {
		return nil
	}
	return fmt.Errorf("store %s %w: remove the folder, and restore again", store, ErrNotWhole)
}

// BeginRestore marks an empty store, which it makes where there is none, as one
// that is not whole. finish takes the mark away; undo makes the store empty again.
func BeginRestore(store string) (finish, undo func() error, err error) {
	_, err = os.Stat(store)
	made := errors.Is(err, os.ErrNotExist)
	if err := makeStore(store); err != nil {
		return nil, nil, err
	}
	if err := Whole(store); err != nil {
		return nil, nil, err
	}
	if err := emptyStore(store); err != nil {
		return nil, nil, err
	}
	lock, err := lockStore(store)
	if err != nil {
		return nil, nil, err
	}
	lock.release() // the server takes it for itself
	mark := filepath.Join(store, restoringName)
	f, err := os.OpenFile(mark, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // another restore may be as fast
	if err == nil {
		_, err = fmt.Fprintln(f, "netmon restore is running here, or was interrupted: this folder is incomplete")
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return nil, nil, fmt.Errorf("store %s: %w", store, err)
	}
	finish = func() error {
		if err := syncTree(store); err != nil {
			return fmt.Errorf("write the store to disk: %w", err)
		}
		return errors.Join(os.Remove(mark), syncFile(store))
	}
	undo = func() error {
		err := errors.Join(os.RemoveAll(filepath.Join(store, jetStreamFolder)), os.RemoveAll(access.FolderOf(store)), os.RemoveAll(HistoryFolder(store)), os.Remove(filepath.Join(store, "netmon.lock")), os.Remove(mark))
		os.Remove(filepath.Join(store, ballastName)) // it is rarely there
		if err == nil && made {
			return os.Remove(store)
		}
		return err
	}
	return finish, undo, nil
}

// jetStreamFolder is where nats-server keeps streams, below its store.
const jetStreamFolder = "jetstream"

// HistoryFolder is where in a store the controller of its broker keeps history.
func HistoryFolder(store string) string { return filepath.Join(store, "history") }

// emptyStore refuses a folder with something in it, and names that. What a broker
// leaves that never stored anything does not count.
func emptyStore(store string) error {
	list, err := os.ReadDir(store)
	if err != nil {
		return fmt.Errorf("store %s: %w", store, err)
	}
	for _, e := range list {
		what := e.Name()
		switch what {
		case "netmon.lock", ballastName, "lost+found":
			continue
		case jetStreamFolder:
			what = "streams (" + what + ")"
		case filepath.Base(access.FolderOf(store)):
			what = "the keys of a mesh (" + what + ")"
		}
		return fmt.Errorf("store %s has %s: a backup is restored into an empty folder only: give another store folder, or move this one away", store, what)
	}
	return nil
}

// Free is the room on the disk of a folder in bytes, where the system reports it. The
// folder may be missing yet.
func Free(dir string) (n uint64, known bool) {
	for at := dir; ; at = filepath.Dir(at) {
		if n, _, known = diskBytes(at); known || at == filepath.Dir(at) {
			return n, known
		}
	}
}

// syncTree writes all files below a folder to disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncFile(path)
	})
}
