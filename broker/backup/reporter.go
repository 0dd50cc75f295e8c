package backup

import (
	"sync/atomic"
	"time"
)

// reportEvery is how often progress is reported.
const reportEvery = time.Second

// reporter reports the progress of a stream. It counts the bytes that are written
// to it.
type reporter struct {
	stream string
	report func(Progress)
	all    uint64
	last   time.Time
	bytes  atomic.Int64
	seen   atomic.Uint64 // messages
}

func newReporter(stream string, tell func(Progress)) *reporter {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &reporter{stream: stream, report: tell, last: time.Now()}
}

func (t *reporter) Write(p []byte) (int, error) {
	n := t.bytes.Add(int64(len(p)))
	if now := time.Now(); now.Sub(t.last) >= reportEvery {
		t.last = now
		t.report(Progress{t.stream, n, t.seen.Load(), t.all, false})
	}
	return len(p), nil
}

func (t *reporter) messages(n uint64) { t.seen.Store(n) }

func (t *reporter) done(messages uint64) {
	t.report(Progress{t.stream, t.bytes.Load(), messages, t.all, true})
}
