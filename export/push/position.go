package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"netmon/internal/atomicfile"
	"netmon/internal/filelock"
)

// Place is how far one stream was sent.
type Place struct {
	Life     time.Time `json:"life"`              // when the stream was created: a recreated one begins its numbers again
	Sequence uint64    `json:"sequence"`          // of the last message that was acknowledged
	Sending  uint64    `json:"sending,omitempty"` // of the last message of the batch that may be under way
}

// same says that both are behind the same message.
func (p Place) same(q Place) bool { return p.Life.Equal(q.Life) && p.Sequence == q.Sequence }

// Position is how far a destination is.
type Position struct {
	Results  Place `json:"results"`
	Verdicts Place `json:"verdicts"`

	Minute        int64 `json:"minute,omitempty"`         // up to which states are repeated, in minutes since 1970
	SendingMinute int64 `json:"sending_minute,omitempty"` // that of the batch that may be under way

	Length int64  `json:"length,omitempty"` // of a file: what follows was not acknowledged
	Tail   string `json:"tail,omitempty"`   // a sum of what is before that: it is the file that we wrote
}

// store is the file of one position. It is locked until close.
type store struct {
	path string
	lock *os.File
}

// errHeld says that somebody else exports to the same destination.
var errHeld = errors.New("another netmon export sends there and keeps its position in the same folder: stop it, or give another --state FOLDER")

// openStore takes the position of a destination, a name that fits a file, in a folder. found is false where
// nothing was sent yet.
func openStore(folder, name string) (s *store, at Position, found bool, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, at, false, err
	}
	s = &store{path: filepath.Join(folder, name+".json")}
	if s.lock, err = filelock.Take(filepath.Join(folder, name+".lock")); err != nil {
		if errors.Is(err, filelock.ErrTaken) {
			err = errHeld
		}
		return nil, at, false, err
	}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, at, false, nil
	}
	if err == nil {
		if err = json.Unmarshal(data, &at); err != nil {
			err = fmt.Errorf("read the position in %s: %w: remove the file to begin with what comes next", s.path, err)
		}
	}
	if err != nil {
		s.close()
		return nil, at, false, err
	}
	return s, at, true, nil
}

func (s *store) write(at Position) error {
	if s == nil {
		return nil
	}
	data, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return atomicfile.Write(s.path, append(data, '\n'))
}

func (s *store) close() {
	if s != nil {
		s.lock.Close()
	}
}
