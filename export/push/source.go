package push

import (
	"context"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

const (
	// aheadMost is how much the source reads before the fastest destination took it,
	// and windowMost what it keeps for those that are a little slower, bytes of memory.
	aheadMost  = 8 << 20
	windowMost = 32 << 20
	chunkMost  = 250 // results that are handed over at once
)

// source reads the stream of results once for all destinations. It keeps the newest of
// them in a window; a destination that is further behind reads the stream by itself until
// it is there.
type source struct {
	js   jetstream.JetStream
	log  *slog.Logger
	most bounds

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	window  []*Result
	first   uint64 // index of window[0]; indexes count what the source read
	size    int    // bytes of the window
	gone    Place  // of the last that left the window
	cursors map[*cursor]bool
	pending uint64 // messages at the broker behind the window
}

// bounds are how much a source reads ahead and keeps, bytes of memory.
type bounds struct{ ahead, window int }

func newSource(js jetstream.JetStream, log *slog.Logger, most bounds) *source {
	return &source{js: js, log: log, most: most, changed: make(chan struct{}), cursors: map[*cursor]bool{}}
}

// wakeLocked lets everybody look again.
func (s *source) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// run reads from a place on until ctx ends.
func (s *source) run(ctx context.Context, from Place) error {
	t, err := openAt(ctx, s.js, wire.ResultsStream, from, tail.From{Gather: gatherMost}, s.log)
	if err != nil {
		return err
	}
	defer t.Stop()
	for {
		if err := s.room(ctx); err != nil {
			return err
		}
		chunk, pending, err := readChunk(t, s.log)
		if err != nil {
			return err
		}
		s.add(chunk, pending)
	}
}

// room waits until somebody needs more.
func (s *source) room(ctx context.Context) error {
	for {
		s.mu.Lock()
		end := s.first + uint64(len(s.window))
		enough, changed := true, s.changed
		for c := range s.cursors {
			if c.attached {
				ahead := 0
				for i := max(c.next, s.first); i < end && ahead < s.most.ahead; i++ {
					ahead += s.window[i-s.first].size()
				}
				enough = enough && ahead >= s.most.ahead
			}
		}
		s.mu.Unlock()
		if !enough {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add appends to the window, and drops what is too old for it.
func (s *source) add(chunk []*Result, pending uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range chunk {
		s.size += r.size()
	}
	s.window, s.pending = append(s.window, chunk...), pending
	least := s.first + uint64(len(s.window))
	for c := range s.cursors {
		if c.attached {
			least = min(least, c.next)
		}
	}
	drop := 0
	for drop < len(s.window)-1 && (s.size > s.most.window || s.first+uint64(drop) < least && len(s.window)-drop > chunkMost) {
		s.size -= s.window[drop].size()
		drop++
	}
	if drop > 0 {
		last := s.window[drop-1]
		s.gone = Place{Life: last.life, Sequence: last.Sequence}
		s.window = append(s.window[:0:0], s.window[drop:]...)
		s.first += uint64(drop)
	}
	for c := range s.cursors {
		if c.attached && c.next < s.first {
			c.attached = false // it reads by itself, from where it is
		}
	}
	s.wakeLocked()
}

// cursor is where one destination reads. It is for one goroutine.
type cursor struct {
	s    *source
	at   Place
	next uint64 // index in the window, while attached

	attached bool // guarded by s.mu
	own      *tail.Tail
	behind   uint64 // messages at the broker behind what it read last
}

// open adds a reader that begins after at. It reads from the window where the source
// begins there, too.
func (s *source) open(at Place, attached bool) *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &cursor{s: s, at: at, attached: attached}
	s.cursors[c] = true
	return c
}

func (c *cursor) close() {
	if c.own != nil {
		c.own.Stop()
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.cursors, c)
	c.s.wakeLocked()
}

// read waits for the results that follow, and returns some of them.
func (c *cursor) read(ctx context.Context) ([]*Result, error) {
	for {
		c.s.mu.Lock()
		if !c.attached {
			c.attachLocked()
		}
		chunk, changed, attached := c.takeLocked(), c.s.changed, c.attached
		c.s.mu.Unlock()
		switch {
		case len(chunk) > 0:
			return chunk, nil
		case attached:
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		}
		return c.readOwn(ctx)
	}
}

// takeLocked takes what the window has.
func (c *cursor) takeLocked() []*Result {
	s := c.s
	if !c.attached || c.next < s.first || c.next >= s.first+uint64(len(s.window)) {
		return nil
	}
	from := int(c.next - s.first)
	to := min(len(s.window), from+chunkMost)
	chunk := append([]*Result(nil), s.window[from:to]...)
	c.next += uint64(len(chunk))
	c.moved(chunk, s.pending+uint64(len(s.window)-to))
	s.wakeLocked()
	return chunk
}

func (c *cursor) moved(chunk []*Result, behind uint64) {
	last := chunk[len(chunk)-1]
	c.at, c.behind = Place{Life: last.life, Sequence: last.Sequence}, behind
}

// attachLocked continues in the window where that has what follows.
func (c *cursor) attachLocked() {
	s := c.s
	if c.at.same(s.gone) {
		c.attached, c.next = true, s.first
		return
	}
	if len(s.window) == 0 || s.window[0].life.Equal(c.at.Life) && s.window[0].Sequence > c.at.Sequence {
		return
	}
	for i, r := range s.window {
		if c.at.same(Place{Life: r.life, Sequence: r.Sequence}) {
			c.attached, c.next = true, s.first+uint64(i)+1
			return
		}
	}
}

// readOwn reads the stream apart from the others.
func (c *cursor) readOwn(ctx context.Context) ([]*Result, error) {
	if c.own == nil {
		t, err := openAt(ctx, c.s.js, wire.ResultsStream, c.at, tail.From{}, c.s.log)
		if err != nil {
			return nil, err
		}
		c.own = t
	}
	chunk, pending, err := readChunk(c.own, c.s.log)
	if err != nil {
		return nil, err
	}
	c.moved(chunk, pending)
	c.s.mu.Lock()
	c.attachLocked()
	attached := c.attached
	c.s.mu.Unlock()
	if attached {
		c.own.Stop()
		c.own = nil
	}
	return chunk, nil
}
