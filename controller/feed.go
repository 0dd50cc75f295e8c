package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// fact is one thing that the judge is given. It is one of a result, a heartbeat, a
// saved monitor, the deletion of one or where one is placed.
type fact struct {
	at      time.Time // when it was stored, by the broker's clock
	number  uint64    // of a result in its stream, or of what is saved in its
	pending uint64    // results that were stored behind it when it was read

	result  *wire.Result
	alive   *wire.Alive
	saved   *wire.Saved
	deleted string
	placed  *wire.Placement
}

// feed is what the judge is given, on its way there: results come by themselves,
// heartbeats and saved monitors from who follows them for the agents.
type feed struct {
	results chan []fact   // in order
	ready   chan struct{} // closed when the heartbeats that were kept are among others
	woken   chan struct{} // has room for one: there is something among others

	share   func(Reading) // of what was read; nil is nobody
	created time.Time     // the life of the stream that last is of
	last    uint64        // sequence of the last result that was shared; 0 before the first

	reading atomic.Bool  // somebody waits for results
	heard   atomic.Int64 // when a result came last or was asked for, by our clock, nanoseconds

	mu     sync.Mutex // guards what follows
	others []fact     // heartbeats and what is saved
	clock  brokerClock
}

// feedChunk is how many results are handed over at once, at most.
const feedChunk = 512

func newFeed(share func(Reading)) *feed {
	return &feed{share: share, results: make(chan []fact, 4), ready: make(chan struct{}), woken: make(chan struct{}, 1)}
}

// add notes a heartbeat or what is saved. A nil feed leads nowhere.
func (f *feed) add(x fact) {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.others = append(f.others, x)
	f.clock.heard(x.at)
	f.mu.Unlock()
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// heardOf notes a moment by the broker's clock that is over.
func (f *feed) heardOf(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock.heard(at)
}

// takeFacts removes what was added, in the order in which it was stored.
func (f *feed) takeFacts() []fact {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.others
	f.others = nil
	slices.SortStableFunc(all, func(a, b fact) int { return a.at.Compare(b.at) })
	return all
}

// now is the time by the broker's clock.
func (f *feed) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock.time()
}

// read hands over results until ctx ends. What cannot be read as one is reported by
// refused.
func (f *feed) read(ctx context.Context, t *tail.Tail, refused func(error)) error {
	var chunk []fact
	var said time.Time
	for {
		if now := t.Stream().TimeStamp; !now.Equal(said) { // it was opened again
			said = now
			f.heardOf(said)
		}
		f.reading.Store(true)
		m, meta, err := t.Next()
		f.reading.Store(false)
		if err != nil {
			return err
		}
		f.heard.Store(time.Now().UnixNano())
		x := fact{at: meta.Timestamp, number: meta.Sequence.Stream, pending: meta.NumPending}
		if r, err := wire.DecodeResult(m.Subject, m.Data); err == nil {
			x.result = &r
		} else {
			refused(fmt.Errorf("result %d: %w", x.number, err)) // it is read anyway: the position is behind it
		}
		chunk = append(chunk, x)
		if len(chunk) < feedChunk && t.More() {
			continue
		}
		f.heardOf(x.at)
		f.shareRead(t.Stream().Created, chunk)
		select {
		case f.results <- chunk:
			f.heard.Store(time.Now().UnixNano())
		case <-ctx.Done():
			return ctx.Err()
		}
		chunk = nil
	}
}

// silent is for how long nothing was heard of the broker, while somebody waits for it.
func (f *feed) silent(t *tail.Tail) time.Duration {
	if !f.reading.Load() || len(f.results) > 0 {
		return 0
	}
	last := time.Unix(0, max(f.heard.Load(), t.Heard().UnixNano()))
	return max(0, time.Since(last))
}

// brokerClock is the broker's clock, as far as it was heard of: it lags by what the
// fastest message took. Each time that the broker says is a while ago; the newest of
// the last minutes counts, so that a clock that is set is followed.
type brokerClock struct {
	began, turned time.Time
	now, before   time.Duration // ahead of our clock: in this minute, and in the previous one
	known         bool
}

// heard notes what the broker said of the time.
func (c *brokerClock) heard(said time.Time) {
	if c.began.IsZero() {
		c.began = time.Now()
	}
	ahead := said.Sub(c.began) - time.Since(c.began)
	switch {
	case !c.known:
		c.now, c.before, c.turned, c.known = ahead, ahead, time.Now(), true
	case time.Since(c.turned) > time.Minute:
		c.before, c.now, c.turned = c.now, ahead, time.Now()
	default:
		c.now = max(c.now, ahead)
	}
}

// time is zero while it is not known.
func (c *brokerClock) time() time.Time {
	if !c.known {
		return time.Time{}
	}
	return c.began.Add(time.Since(c.began) + max(c.now, c.before))
}
