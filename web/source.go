package web

import (
	"context"
	"sync"
	"time"
)

const (
	readyWithin = 5 * time.Second  // a page waits for what is stored so long, and shows what is known then
	restAfter   = 2 * time.Minute  // without a reader, after which the mesh is followed no more
	lookEach    = 15 * time.Second // whether anybody reads
)

// source follows the mesh while somebody looks, so that pages which nobody reads cost nothing.
type source struct {
	mu    sync.Mutex // guards what follows
	model Model
	stop  context.CancelFunc
	used  time.Time
}

// awake is the model, which follows the mesh from now on.
func (s *Server) awake(ctx context.Context) Model {
	src := &s.source
	src.mu.Lock()
	src.used = time.Now()
	if src.model == nil {
		var following context.Context
		following, src.stop = context.WithCancel(s.ctx)
		src.model = s.o.Follow(following)
		go s.rests(following)
	}
	m := src.model
	src.mu.Unlock()
	t := time.NewTimer(readyWithin)
	defer t.Stop()
	select {
	case <-m.Ready():
	case <-t.C:
	case <-ctx.Done():
	}
	return m
}

// rests ends the following once nobody has looked for a while.
func (s *Server) rests(ctx context.Context) {
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		src := &s.source
		src.mu.Lock()
		if s.feeds.watched() {
			src.used = time.Now()
		}
		if time.Since(src.used) > restAfter {
			src.stop()
			src.model = nil
			src.mu.Unlock()
			s.feeds.drop()
			return
		}
		src.mu.Unlock()
	}
}

func (all *feeds) watched() bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.viewers > 0
}

// drop forgets the feeds that nobody watches.
func (all *feeds) drop() {
	all.mu.Lock()
	defer all.mu.Unlock()
	for k, f := range all.open {
		f.mu.Lock()
		if len(f.viewers) == 0 && !f.running {
			delete(all.open, k)
		}
		f.mu.Unlock()
	}
}
