package engine

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// AddressCache remembers the addresses of names for as long as their TTL allows,
// for all monitors of a process: ten thousand monitors of names ask the resolver
// once per name and TTL, and monitors that want one name at the same time share
// one lookup. A failure is not remembered: the next run asks again.
type AddressCache struct {
	ctx     context.Context
	cancel  context.CancelFunc
	lookups sync.WaitGroup

	mu        sync.Mutex
	names     map[AddressKey]*CachedAddresses // guarded by mu
	resolvers map[string]*ResolverHealth      // guarded by mu; by the monitor's option, "" is the system's
}

// AddressKey is a question: the resolver asked is part of it.
type AddressKey struct{ Resolver, Network, Host string }

// CachedAddresses is a lookup and what came of it. What follows done is written
// before that is closed, and then no more.
type CachedAddresses struct {
	done  chan struct{}
	Addrs []netip.Addr
	err   error
	Took  time.Duration
	Watch *LookupWatch  // of the call that began it, which may be looked into at any time
	Note  string        // that a part is missing, see [LookupWatch.half]
	At    time.Time     // when the answer was there
	TTL   time.Duration // for how long it holds, 0: it may not be used again
}

const (
	// hostsTTL is for names that no name server was asked about, by hosts(5),
	// which package net reads again as often.
	hostsTTL = 5 * time.Second
	// mostTTL is the longest time for which an answer is used, whatever it says.
	mostTTL = time.Hour
	// lookupTime bounds a lookup. A run waits for it no longer than its timeout.
	lookupTime = 30 * time.Second
	// mostNames is from how many names on those that are over are dropped.
	mostNames = 1000
)

// NewAddressCache remembers nothing.
func NewAddressCache() *AddressCache {
	c := &AddressCache{names: map[AddressKey]*CachedAddresses{}, resolvers: map[string]*ResolverHealth{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Close ends the lookups under way.
func (c *AddressCache) Close() error {
	c.cancel()
	c.lookups.Wait()
	return nil
}

// Resolver is what is known about one.
func (c *AddressCache) Resolver(name string) *ResolverHealth {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.resolvers[name]
	if h == nil {
		h = &ResolverHealth{}
		c.resolvers[name] = h
	}
	return h
}

// Fresh returns an answer that still holds, nil when there is none.
func (c *AddressCache) Fresh(key AddressKey) *CachedAddresses {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.names[key]
	if e == nil || !e.holds(time.Now()) {
		return nil
	}
	return e
}

// holds says whether it may be used at now.
func (e *CachedAddresses) holds(now time.Time) bool {
	select {
	case <-e.done:
		return e.err == nil && now.Sub(e.At) < e.TTL
	default:
		return false
	}
}

// Get returns the addresses of a name, by look where they are not known. first
// says that this call had them looked up, which watch sees. The error is ctx's when
// that ends first.
// Where it takes long, doubt is called, once, in a goroutine of its own.
func (c *AddressCache) Get(ctx context.Context, key AddressKey, watch *LookupWatch, look func(context.Context) ([]netip.Addr, time.Duration, error), doubt func(context.Context)) (e *CachedAddresses, first bool, err error) {
	c.mu.Lock()
	e = c.names[key]
	if e == nil || e.over(time.Now()) {
		first = true
		c.pruneLocked()
		began := &CachedAddresses{done: make(chan struct{}), Watch: watch}
		c.names[key], e = began, began
		c.lookups.Go(func() { began.lookUp(c.ctx, look) })
	}
	c.mu.Unlock()
	wait := askAfter
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/2)
	}
	long := time.NewTimer(wait)
	defer long.Stop()
	for {
		select {
		case <-e.done:
			return e, first, e.err
		case <-ctx.Done():
			return e, first, ctx.Err()
		case <-long.C:
			c.lookups.Go(func() { doubt(c.ctx) })
		}
	}
}

// over says whether it has been answered and holds no longer.
func (e *CachedAddresses) over(now time.Time) bool {
	select {
	case <-e.done:
		return !e.holds(now)
	default:
		return false
	}
}

func (e *CachedAddresses) lookUp(ctx context.Context, look func(context.Context) ([]netip.Addr, time.Duration, error)) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	defer close(e.done)
	start := time.Now()
	e.Addrs, e.TTL, e.err = look(ctx)
	e.At = time.Now()
	e.Took = e.At.Sub(start)
	if e.err == nil {
		e.Note = e.Watch.half()
		e.Watch.Reset()
	}
}

// pruneLocked drops what holds no longer when there is much.
func (c *AddressCache) pruneLocked() {
	if len(c.names) < mostNames || len(c.names)&(len(c.names)-1) != 0 { // at each power of two
		return
	}
	now := time.Now()
	for key, e := range c.names {
		if e.over(now) {
			delete(c.names, key)
		}
	}
}
