package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
)

const (
	ballastName = "netmon.ballast"
	ballastMost = 64 << 20
)

// ballast is a file in the store that takes room. On a full disk a stream takes no
// results, no lower limit and no purge: the file goes then, and makes the room that
// a lower limit needs. It comes back once others have made room.
type ballast struct {
	path string
	size int64 // bytes: a tenth of the disk, or ballastMost; 0 where the disk is not known

	mu    sync.Mutex // guards the rest
	spent bool       // it was removed to make room, and is not back yet
}

func newBallast(store string) *ballast {
	b := &ballast{path: filepath.Join(store, ballastName)}
	if _, size, ok := diskBytes(store); ok {
		b.size = int64(min(size/10, ballastMost))
	}
	return b
}

// used says that it made room and is not back yet.
func (b *ballast) used() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// there says that it could make room.
func (b *ballast) there() bool {
	info, err := os.Stat(b.path)
	return err == nil && info.Size() > 0
}

// drop makes room; it returns whether there was something to drop.
func (b *ballast) drop() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.there() || os.Remove(b.path) != nil {
		return false
	}
	b.spent = true
	return true
}

// make writes it where it is missing and so much is spare, bytes. What a disk does
// not take is not left behind.
func (b *ballast) make(spare int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.size == 0:
		return nil
	case b.there():
		b.spent = false
		return nil
	case !b.spent && spare < b.size: // adjustLimit sees to it for one that was spent
		return nil
	}
	f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = allocate(f, b.size)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(b.path)
		return fmt.Errorf("write %s: %w", b.path, err)
	}
	b.spent = false
	return nil
}

// writeNoise writes so many bytes that no file system makes smaller.
func writeNoise(f *os.File, size int64) error {
	piece := make([]byte, 1<<20)
	noise := rand.NewChaCha8([32]byte{})
	for left := size; left > 0; left -= int64(len(piece)) {
		piece = piece[:min(left, int64(len(piece)))]
		noise.Read(piece)
		if _, err := f.Write(piece); err != nil {
			return err
		}
	}
	return f.Sync()
}
