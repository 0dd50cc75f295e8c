package web

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"
)

// How long feeds live and how fast they go.
const (
	tickEach   = time.Second      // what time alone changes is looked for so often
	idleFor    = 30 * time.Second // a feed that nobody watches is kept for so long
	replayMost = 32               // events that a viewer may have missed between page and stream
	share      = 9                // a feed rests so many times as long as a frame took
	behindMost = 16               // events that a viewer may be behind
	idleMost   = 64               // feeds from which on those that nobody watches are dropped
)

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
	missed  []chunk // the newest events, for who comes from a page of just before
	viewers map[*viewer]bool
	used    time.Time // when somebody looked last
	running bool
	page    *whole // of version
}

// chunk is an event, once for everybody.
type chunk struct {
	version uint64
	plain   []byte
	packed  []byte // deflated, and complete in itself: it follows any other one in one stream
}

// viewer gets the events of a feed.
type viewer struct {
	events chan chunk
	gone   chan struct{} // closed when it was let go for being behind
}

// feed is that of a key, as it is now; errAbsent where there is nothing of that name.
func (s *Server) feed(ctx context.Context, key string) (*feed, error) {
	f, err := s.feeds.get(s, s.awake(ctx), key)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = time.Now()
	if !f.running || f.version == 0 {
		if err := f.advance(); err != nil {
			return nil, err
		}
	}
	return f, nil
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

// idle says that nobody watches, and nobody is about to.
func (f *feed) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.viewers) == 0 && !f.running && time.Since(f.used) > idleFor
}

// advance makes the next frame, and sends what changed. f.mu is held.
func (f *feed) advance() error {
	now := time.Now()
	fr, err := frameOf(f.model, f.key)
	if err != nil {
		return err
	}
	e, err := f.state.take(fr, now)
	if err != nil || e.empty() && f.version > 0 {
		return err
	}
	f.version++
	f.page = nil
	e.Version = f.version
	if len(f.viewers) == 0 { // nobody has what was before
		f.missed = nil
		return nil
	}
	c, err := pack(&e)
	if err != nil {
		return err
	}
	if f.missed = append(f.missed, c); len(f.missed) > replayMost {
		f.missed = slices.Delete(f.missed, 0, len(f.missed)-replayMost)
	}
	for v := range f.viewers {
		select {
		case v.events <- c:
		default: // it is behind: its browser comes back, and gets all
			delete(f.viewers, v)
			close(v.gone)
		}
	}
	return nil
}

// pack encodes an event once for all.
func pack(e *event) (chunk, error) {
	plain, err := e.encode()
	if err != nil {
		return chunk{}, err
	}
	c, err := packText(plain)
	c.version = e.Version
	return c, err
}

func packText(plain []byte) (chunk, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Flush() // ends at a byte, with nothing that a later chunk would need
	}
	return chunk{plain: plain, packed: b.Bytes()}, err
}

// watch adds a viewer whose page is of a version; what it lacks comes first.
func (f *feed) watch(id string, version uint64) (*viewer, error) {
	if !f.s.feeds.enter() {
		return nil, errFull
	}
	v, err := f.join(id, version)
	if err != nil {
		f.s.feeds.leave()
	}
	return v, err
}

func (f *feed) join(id string, version uint64) (*viewer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := &viewer{events: make(chan chunk, behindMost+replayMost), gone: make(chan struct{})}
	if id != f.id || version > f.version || !f.replay(v, version) {
		e, err := f.state.all()
		if err == nil {
			e.Version = f.version
			var c chunk
			c, err = pack(&e)
			v.events <- c
		}
		if err != nil {
			return nil, err
		}
	}
	f.viewers[v] = true
	if !f.running {
		f.running = true
		go f.run()
	}
	return v, nil
}

// replay gives v what it missed, and says whether that is known.
func (f *feed) replay(v *viewer, version uint64) bool {
	if version == f.version {
		return true
	}
	i := slices.IndexFunc(f.missed, func(c chunk) bool { return c.version == version+1 })
	if i < 0 {
		return false
	}
	for _, c := range f.missed[i:] {
		v.events <- c
	}
	return true
}

func (f *feed) unwatch(v *viewer) {
	f.s.feeds.leave()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.viewers, v)
	f.used = time.Now()
}

func (all *feeds) enter() bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.viewers >= all.most {
		return false
	}
	all.viewers++
	return true
}

func (all *feeds) leave() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.viewers--
}

// run makes frames while somebody looks: at once when something changed, else every second.
func (f *feed) run() {
	changed, stop := f.model.Subscribe()
	defer stop()
	tick := time.NewTicker(tickEach)
	defer tick.Stop()
	for {
		select {
		case <-f.s.ctx.Done():
			f.end()
			return
		case <-changed:
		case <-tick.C:
		}
		began := time.Now()
		f.mu.Lock()
		if len(f.viewers) == 0 {
			if time.Since(f.used) > idleFor {
				f.mu.Unlock()
				f.end()
				return
			}
			f.running = false // until somebody comes; a page is made again meanwhile
			f.mu.Unlock()
			return
		}
		err := f.advance()
		if err != nil && !errors.Is(err, errAbsent) {
			f.s.o.Log.Error("a page cannot be made", "page", f.key, "error", err)
		}
		f.mu.Unlock()
		if errors.Is(err, errAbsent) { // its monitor is gone: pages of it come back to "not found"
			f.end()
			return
		}
		rest(f.s.ctx, max(f.s.o.pace, share*time.Since(began)))
	}
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
