package backup

import (
	"sync/atomic"
	"time"
)

// tellEvery is how often progress is told.
const tellEvery = time.Second

// teller tells of the progress of a stream. It counts the bytes that are written
// to it.
type teller struct {
	stream string
	tell   func(Progress)
	all    uint64
	last   time.Time
	bytes  atomic.Int64
	seen   atomic.Uint64 // messages
}

func newTeller(stream string, tell func(Progress)) *teller {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &teller{stream: stream, tell: tell, last: time.Now()}
}

func (t *teller) Write(p []byte) (int, error) {
	n := t.bytes.Add(int64(len(p)))
	if now := time.Now(); now.Sub(t.last) >= tellEvery {
		t.last = now
		t.tell(Progress{t.stream, n, t.seen.Load(), t.all, false})
	}
	return len(p), nil
}

func (t *teller) messages(n uint64) { t.seen.Store(n) }

func (t *teller) done(messages uint64) {
	t.tell(Progress{t.stream, t.bytes.Load(), messages, t.all, true})
}
