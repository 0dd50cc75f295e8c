package probes

import (
	"context"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// addressCache remembers the addresses of names for as long as their TTL allows,
// for all monitors of a process: ten thousand monitors of names ask the resolver
// once per name and TTL, and monitors that want one name at the same time share
// one lookup. A failure is not remembered: the next run asks again.
type addressCache struct {
	ctx     context.Context
	cancel  context.CancelFunc
	lookups sync.WaitGroup

	mu        sync.Mutex
	names     map[addressKey]*cachedAddresses // guarded by mu
	resolvers map[string]*heard               // guarded by mu; by the monitor's option, "" is the system's
}

// addressKey is a question: the resolver asked is part of it.
type addressKey struct{ resolver, network, host string }

// cachedAddresses is a lookup and what came of it. What follows done is written
// before that is closed, and then no more.
type cachedAddresses struct {
	done  chan struct{}
	addrs []netip.Addr
	err   error
	took  time.Duration
	at    time.Time     // when the answer was there
	ttl   time.Duration // for how long it holds, 0: it may not be used again
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

// addressesOf returns the cache that env shares.
func addressesOf(env *Env) *addressCache {
	c, _ := env.Shared("addresses", func() (io.Closer, error) {
		c := &addressCache{names: map[addressKey]*cachedAddresses{}, resolvers: map[string]*heard{}}
		c.ctx, c.cancel = context.WithCancel(context.Background())
		return c, nil
	})
	return c.(*addressCache)
}

// Close ends the lookups under way.
func (c *addressCache) Close() error {
	c.cancel()
	c.lookups.Wait()
	return nil
}

// resolver is what is known of one.
func (c *addressCache) resolver(name string) *heard {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.resolvers[name]
	if h == nil {
		h = &heard{}
		c.resolvers[name] = h
	}
	return h
}

// fresh returns an answer that still holds, nil when there is none.
func (c *addressCache) fresh(key addressKey) *cachedAddresses {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.names[key]
	if e == nil || !e.holds(time.Now()) {
		return nil
	}
	return e
}

// holds says whether it may be used at now.
func (e *cachedAddresses) holds(now time.Time) bool {
	select {
	case <-e.done:
		return e.err == nil && now.Sub(e.at) < e.ttl
	default:
		return false
	}
}

// get returns the addresses of a name, by look where they are not known. first
// says that this call had them looked up. The error is ctx's when that ends first.
// Where it takes long, doubt is called, once, in a goroutine of its own.
func (c *addressCache) get(ctx context.Context, key addressKey, look func(context.Context) ([]netip.Addr, time.Duration, error), doubt func(context.Context)) (e *cachedAddresses, first bool, err error) {
	c.mu.Lock()
	e = c.names[key]
	if e == nil || e.over(time.Now()) {
		first = true
		c.pruneLocked()
		began := &cachedAddresses{done: make(chan struct{})}
		c.names[key], e = began, began
		c.lookups.Go(func() { began.look(c.ctx, look) })
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
			return nil, first, ctx.Err()
		case <-long.C:
			c.lookups.Go(func() { doubt(c.ctx) })
		}
	}
}

// over says whether it has been answered and holds no longer.
func (e *cachedAddresses) over(now time.Time) bool {
	select {
	case <-e.done:
		return !e.holds(now)
	default:
		return false
	}
}

func (e *cachedAddresses) look(ctx context.Context, look func(context.Context) ([]netip.Addr, time.Duration, error)) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	defer close(e.done)
	start := time.Now()
	e.addrs, e.ttl, e.err = look(ctx)
	e.at = time.Now()
	e.took = e.at.Sub(start)
}

// pruneLocked drops what holds no longer when there is much.
func (c *addressCache) pruneLocked() {
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

// ttlWatch sees the messages of name servers on their way to package net, which
// does not tell for how long an answer holds.
type ttlWatch struct {
	mu     sync.Mutex
	found  bool
	least  time.Duration
	hidden bool // an answer came by a way that is not seen
	heard  *heard
}

// resolver is r, watched. Where the system is asked and not a name server
// nothing can be seen.
func (w *ttlWatch) resolver(dial func(ctx context.Context, network, address string) (net.Conn, error)) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		w.heard.asked(address)
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) // package net looks at its deadline alone
		if u, ok := conn.(*net.UDPConn); ok {
			w.heard.asked(conn.RemoteAddr().String())
			return &watchedUDP{u, w}, nil
		}
		w.mu.Lock()
		w.hidden = true
		w.mu.Unlock()
		return heardStream{conn, w.heard}, nil
	}}
}

// ttl is for how long the answer may be used.
func (w *ttlWatch) ttl() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.found:
		return min(w.least, mostTTL)
	case w.hidden:
		return 0
	}
	return hostsTTL
}

func (w *ttlWatch) see(b []byte, server string) {
	var m dns.Msg
	if m.Unpack(b) != nil || !m.Response {
		return
	}
	w.heard.answered(server)
	if len(m.Answer) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rr := range m.Answer {
		if ttl := time.Duration(rr.Header().Ttl) * time.Second; !w.found || ttl < w.least {
			w.found, w.least = true, ttl
		}
	}
}

// watchedUDP is a connection to a name server.
type watchedUDP struct {
	*net.UDPConn
	watch *ttlWatch
}

func (c *watchedUDP) Read(b []byte) (int, error) {
	n, err := c.UDPConn.Read(b)
	if err == nil {
		c.watch.see(b[:n], c.RemoteAddr().String())
	}
	return n, err
}

// systemResolver is this host's, watched where it is package net's own: on Linux
// it reads resolv.conf(5) and hosts(5) itself. Elsewhere the system is asked,
// which has a cache of its own.
func (w *ttlWatch) systemResolver() *net.Resolver {
	if runtime.GOOS != "linux" {
		w.hidden = true
		w.heard.mu.Lock()
		w.heard.blind = true
		w.heard.mu.Unlock()
		return net.DefaultResolver
	}
	return w.resolver((&net.Dialer{}).DialContext)
}
