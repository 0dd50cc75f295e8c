package icmp

import (
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// sockets are the engines of one IP family that all monitors share: a
// handful, each with a socket and an id of its own. docs/adr/0052 says why one
// is not enough.
//
// Runs leave by the current one. A monitor whose last run got no reply by it
// gets a newer one: firewalls and NATs on the way may remember the old id
// wrongly, and each further request by it keeps that memory alive. When the
// newer one brings a reply it becomes the current one of all.
type sockets struct {
	v6      bool
	closing sync.WaitGroup

	mu       sync.Mutex
	current  *echoEngine       // guarded by mu, as all that follows
	fresh    *echoEngine       // newer than current; nil when nobody needed one
	all      []*echoEngine     // oldest first: these two, and those that only end their runs
	latest   int               // generation of the newest one
	opened   time.Time         // when a fresh one was opened last, even if it is the current one by now
	loud     engine.NoisyHosts // who floods a shared socket
	isClosed bool
}

const (
	// socketLife is how long runs leave by one socket, and so by one id.
	socketLife = time.Minute
	// freshLife is how long runs after a run without reply leave by one.
	freshLife = 5 * time.Second
)

// socketsOf returns the sockets that all monitors of env share.
func socketsOf(env *probes.Env, v6 bool) (*sockets, error) {
	key := "icmp 4"
	if v6 {
		key = "icmp 6"
	}
	p, err := env.Shared(key, func() (io.Closer, error) {
		p := &sockets{v6: v6}
		p.mu.Lock()
		defer p.mu.Unlock()
		e, err := p.openLocked(time.Now())
		if err != nil {
			return nil, err
		}
		p.current = e
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	return p.(*sockets), nil
}

// acquire returns the engine for the next run. before is what the monitor's run
// before left, see [probes.Run.Keep]. [run.close] gives the engine back. The error
// is engine.ErrNoisy for a target that needs a socket of its own.
func (p *sockets) acquire(to netip.Addr, before any, now time.Time) (*echoEngine, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loud.Has(to, now) {
		return nil, engine.ErrNoisy
	}
	if age := now.Sub(p.current.born); age >= socketLife || p.current.flooded && age >= engine.NoiseWindow {
		p.replaceLocked(now)
	}
	e := p.current
	if r, ok := before.(*run); ok {
		if r = r.silentFrom(to); r != nil && r.engine.generation >= e.generation {
			e = p.freshLocked(r.engine, now)
		}
	}
	e.held++
	return e, nil
}

// replaceLocked opens the next current engine. Without success the old one continues.
func (p *sockets) replaceLocked(now time.Time) {
	if e, err := p.openLocked(now); err == nil {
		p.current, p.fresh = e, nil
	}
}

// freshLocked returns an engine that is newer than failed, or the newest there
// is, where one was opened a moment ago or no further one can be.
func (p *sockets) freshLocked(failed *echoEngine, now time.Time) *echoEngine {
	f := p.fresh
	if (f == nil || failed.generation >= f.generation) && now.Sub(p.opened) >= freshLife {
		if e, err := p.openLocked(now); err == nil {
			f, p.fresh, p.opened = e, e, now
		}
	}
	if f == nil {
		return p.current
	}
	return f
}

// openLocked opens an engine. The error is classified.
func (p *sockets) openLocked(now time.Time) (*echoEngine, error) {
	if p.isClosed {
		return nil, probes.Broken(wire.BrokenLocal, "the ICMP sockets are closed")
	}
	p.sweepLocked(now)
	if len(p.all) >= mostSockets {
		return nil, probes.Broken(wire.BrokenLocal, "%d ICMP sockets are in use", len(p.all))
	}
	e, err := openICMPEngine(probes.Common{}, options{v6: p.v6})
	if err != nil {
		return nil, err
	}
	p.latest++
	e.pool, e.generation, e.born = p, p.latest, now
	e.start()
	p.all = append(p.all, e)
	return e, nil
}

// sweepLocked closes the engines that get no new runs and have none any more,
// once nobody counts what comes late, and the oldest one where room is needed.
func (p *sockets) sweepLocked(now time.Time) {
	room := mostSockets - len(p.all)
	p.all = slices.DeleteFunc(p.all, func(e *echoEngine) bool {
		if e == p.current || e == p.fresh || e.held > 0 || room > 0 && now.Sub(e.born) < socketLife+lateFor {
			return false
		}
		room++
		p.closing.Go(func() { e.Close() }) // which may wait for its reader
		return true
	})
}

// release gives back what acquire returned.
func (p *sockets) release(e *echoEngine, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.held--
	if answered && e.generation > p.current.generation {
		p.current = e
		if e == p.fresh {
			p.fresh = nil
		}
	}
}

// flooded notes that from floods e: its next runs get sockets of their own, and
// all others leave by an id that it does not know. from is not valid where
// the flood comes from many.
func (p *sockets) flooded(e *echoEngine, from netip.Addr, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if from.IsValid() {
		p.loud.Add(from, now)
	}
	e.flooded = true
	if e == p.fresh {
		p.fresh, p.opened = nil, time.Time{} // whoever needs a fresh one has it at once
	}
}

// Launched is called by [probes.Env.Launched].
func (p *sockets) Launched() {
	var busy [mostSockets]*echoEngine
	p.mu.Lock()
	n := 0
	for _, e := range p.all {
		if e.held > 0 {
			busy[n] = e
			n++
		}
	}
	p.mu.Unlock()
	for _, e := range busy[:n] {
		e.Launched()
	}
}

// Close implements io.Closer. The runs must have ended.
func (p *sockets) Close() error {
	p.mu.Lock()
	p.isClosed = true
	all := p.all
	p.all = nil
	p.mu.Unlock()
	var first error
	for _, e := range all {
		if err := e.Close(); err != nil && first == nil {
			first = err
		}
	}
	p.closing.Wait()
	return first
}
