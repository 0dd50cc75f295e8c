package engine

import (
	"fmt"
	"net/netip"
	"time"
)

// Age makes all that is remembered older by d, and returns the TTLs.
func (c *AddressCache) Age(d time.Duration) (ttls []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.names {
		e.At = e.At.Add(-d)
		ttls = append(ttls, e.TTL)
	}
	return ttls
}

// Fill remembers n names whose time is over, prunes, and says how many are left.
func (c *AddressCache) Fill(n int) (left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := make(chan struct{})
	close(done)
	for i := range n {
		c.names[AddressKey{Host: fmt.Sprint(i)}] = &CachedAddresses{done: done, At: time.Now().Add(-time.Hour), TTL: time.Minute}
	}
	c.pruneLocked()
	return len(c.names)
}

// Trusted is trust.
func Trusted(user, wall, kernel time.Duration) (time.Duration, string) {
	return trust(user, wall, kernel)
}

// Target is where p sends to.
func (p *PacketConn) Target() netip.Addr { return p.to.Addr() }

// ShortTTL is for how long an answer of which a part is missing is used.
const ShortTTL = hostsTTL

// Inquiries is how many questions are kept.
func (c *AddressCache) Inquiries() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.names {
		n += len(e.Watch.inquiries)
	}
	return n
}

// Remember has these addresses of a name known.
func (c *AddressCache) Remember(host string, addrs ...string) {
	known := &CachedAddresses{done: make(chan struct{}), At: time.Now(), TTL: time.Hour}
	for _, a := range addrs {
		known.Addrs = append(known.Addrs, netip.MustParseAddr(a))
	}
	close(known.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[AddressKey{Network: "ip", Host: host}] = known
}
