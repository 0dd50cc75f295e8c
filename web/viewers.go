package web

import (
	"slices"
	"time"
)

// viewer gets the events of a feed.
type viewer struct {
	events chan chunk
	gone   chan struct{} // closed when it was let go for being behind
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
		if err := f.packAll(); err != nil {
			return nil, err
		}
		v.events <- *f.all
	}
	f.viewers[v] = true
	if !f.running {
		f.running = true
		go f.run()
	}
	return v, nil
}

// packAll makes all, once for all who come while nothing changes: after a restart all come.
func (f *feed) packAll() error {
	if f.all != nil {
		return nil
	}
	e := f.state.all()
	e.Version = f.version
	c, err := f.pack(&e)
	if err == nil {
		f.all = &c
	}
	return err
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

// send gives every viewer a chunk, and lets go who is behind. f.mu is held.
func (f *feed) send(c chunk, now time.Time) {
	f.sent = now
	for v := range f.viewers {
		select {
		case v.events <- c:
		default: // it is behind: its browser comes back, and gets all
			delete(f.viewers, v)
			close(v.gone)
		}
	}
}
