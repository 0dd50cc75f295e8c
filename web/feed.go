package web

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"
)

// How long feeds live and how fast they go.
const (
	// paceUsual is the least time between two frames of a feed. Each costs a write for each
	// viewer; what changed is on the page half a second after the result that decided it.
	paceUsual  = 150 * time.Millisecond
	tickEach   = time.Second      // what time alone changes is looked for so often
	idleFor    = 30 * time.Second // a feed that nobody watches is kept for so long
	replayMost = 16               // events that a viewer may have missed between page and stream
	share      = 9                // a feed rests so many times as long as a frame took,
	restMost   = time.Second      // and no longer: where others take the CPU, a frame takes long and costs little
	behindMost = 16               // events that a viewer may be behind
	idleMost   = 64               // feeds from which on those that nobody watches are dropped
)

// Gather is how long what a model follows may wait for pages: see [console.ModelOptions].
const Gather = 50 * time.Millisecond

var (
	errFull   = errors.New("as many pages are live as may be")
	errAbsent = errors.New("there is no such page")
)

// feeds are the pages that somebody looks at.
type feeds struct {
	mu      sync.Mutex // guards what follows
	open    map[string]*feed
	viewers int
	most    int // viewers

	packers sync.Pool // of *flate.Writer
}

// feed is one page for all its viewers.
type feed struct {
	s     *Server
	model Model
	key   string
	id    string // of this feed: versions of another one say nothing

	mu      sync.Mutex // guards what follows
	state   state
	version uint64
	framed  time.Time // when state was compared with the model last
	missed  []chunk   // the newest events, for who comes from a page of just before
	all     *chunk    // all of version, for who has nothing of it; nil until somebody asks
	viewers map[*viewer]bool
	used    time.Time // when somebody looked last
	sent    time.Time // when viewers got something last
	running bool
	page    *whole // the newest that was made
	paged   time.Time

	making sync.Mutex // held while a page is made: who else asks gets the same
}

// feed is that of a key, as it is now; errAbsent where there is nothing of that name.
func (s *Server) feed(ctx context.Context, key string) (*feed, error) {
	f, err := s.feeds.get(s, s.awake(ctx), key)
	if err != nil {
		return nil, err
	}
	shown, err := f.look()
	if err != nil && !shown { // nothing of that name was ever there
		s.feeds.forget(f)
	}
	return f, err
}

// look makes the next frame where it is due, and says whether there ever was one.
func (f *feed) look() (shown bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = time.Now()
	if f.version == 0 || !f.running && time.Since(f.framed) >= f.s.o.pace {
		err = f.advance()
	}
	return f.version > 0, err
}

func (all *feeds) get(s *Server, m Model, key string) (*feed, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if f := all.open[key]; f != nil && f.model == m {
		return f, nil
	}
	if len(all.open) >= idleMost {
		for k, f := range all.open {
			if f.idle() {
				delete(all.open, k)
			}
		}
	}
	if len(all.open) >= idleMost+all.most {
		return nil, errFull
	}
	f := &feed{s: s, model: m, key: key, id: rand.Text()[:8], viewers: map[*viewer]bool{}}
	all.open[key] = f
	return f, nil
}

// forget drops a feed that never had a page.
func (all *feeds) forget(f *feed) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.open[f.key] == f {
		delete(all.open, f.key)
	}
}

// idle says that nobody watches, and nobody is about to.
func (f *feed) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.viewers) == 0 && !f.running && time.Since(f.used) > idleFor
}

// advance makes the next frame, and sends what changed. f.mu is held.
func (f *feed) advance() error {
	now := time.Now()
	f.framed = now
	fr, err := frameOf(f.model, f.key)
	if err != nil {
		return err
	}
	e, err := f.state.take(fr, now)
	if err != nil {
		return err
	}
	if e.empty() && f.version > 0 {
		if now.Sub(f.sent) >= aliveEach {
			f.send(alive, now)
		}
		return nil
	}
	f.version++
	f.all = nil
	e.Version = f.version
	if len(f.viewers) == 0 { // nobody has what was before
		f.missed = nil
		return nil
	}
	c, err := f.pack(&e)
	if err != nil {
		return err
	}
	if f.missed = append(f.missed, c); len(f.missed) > replayMost {
		f.missed = slices.Delete(f.missed, 0, len(f.missed)-replayMost)
	}
	f.send(c, now)
	return nil
}

// run makes frames while somebody looks: at once when something changed, else every second.
func (f *feed) run() {
	changed, stop := f.model.Subscribe()
	defer stop()
	tick := time.NewTicker(tickEach)
	defer tick.Stop()
	for f.frame() {
		select {
		case <-f.s.ctx.Done():
			f.end()
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

// frame makes one, if somebody looks, and rests after it. It says whether another one follows.
func (f *feed) frame() bool {
	began := time.Now()
	f.mu.Lock()
	if len(f.viewers) == 0 { // until somebody comes; a page is made again meanwhile
		f.running = false
		f.mu.Unlock()
		return false
	}
	err := f.advance()
	f.mu.Unlock()
	switch {
	case errors.Is(err, errAbsent): // its monitor is gone: pages of it come back to "not found"
		f.end()
		return false
	case err != nil:
		f.s.o.Log.Error("a page cannot be made", "page", f.key, "error", err)
	}
	now := time.Now()
	next := now.Add(min(share*now.Sub(began), restMost)).Truncate(f.s.o.pace).Add(f.s.o.pace)
	rest(f.s.ctx, next.Sub(now)) // all feeds wake together, which costs less
	return true
}

// end lets all viewers go, and forgets the feed.
func (f *feed) end() {
	f.s.feeds.mu.Lock()
	if f.s.feeds.open[f.key] == f {
		delete(f.s.feeds.open, f.key)
	}
	f.s.feeds.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
	for v := range f.viewers {
		delete(f.viewers, v)
		close(v.gone)
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
