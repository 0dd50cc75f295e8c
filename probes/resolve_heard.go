package probes

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"netmon/wire"
)

// heard is what is known of one resolver: whether it answers anybody. It tells a
// resolver that is away, of which no monitor learns anything of its target, from
// one that waits in vain for the servers of one name: both look like silence to
// who asks for that name.
type heard struct {
	mu     sync.Mutex // guards what follows
	last   time.Time  // when it answered anything, for any run
	server string     // that was asked last, or answered
	blind  bool       // its answers are not seen: the system asks
	asking bool       // the question of ask is under way
}

const (
	// askAfter is how long a lookup may take before its resolver is asked for what
	// every resolver knows. A name that nobody asked for in a while takes as long.
	askAfter = time.Second
	askFor   = 5 * time.Second
)

func (h *heard) asked(server string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = server
}

func (h *heard) answered(server string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.server = time.Now(), server
}

// ask asks for the name servers of the root, once for all who wait. Whatever the
// answer, it is one. A resolver that only passes questions on passes this one on.
func (h *heard) ask(ctx context.Context, resolver *net.Resolver) {
	h.mu.Lock()
	asking := h.asking
	h.asking = true
	h.mu.Unlock()
	if asking {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	_, _ = resolver.LookupNS(ctx, ".") // what comes is seen on its way
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asking = false
}

// failure is the error of a lookup that began at since: what the resolver said,
// which one it was, and whose fault it is.
func (h *heard) failure(host string, since time.Time, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	by := ""
	if h.server != "" {
		by = " (asked " + h.server + ")"
	}
	var dns *net.DNSError
	text := err.Error()
	if errors.As(err, &dns) {
		text = dns.Err
	}
	silent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || dns != nil && dns.IsTimeout
	answers := !h.last.Before(since) || h.blind && !silent
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case dns != nil && dns.IsNotFound:
		return fail(wire.FailNoSuchHost, "resolve %s: %s%s", host, text, by)
	case answers && silent:
		return fail(wire.FailDNSTimeout, "resolve %s: no answer%s, and for other names there is one: the name servers of this one are silent", host, by)
	case answers:
		return fail(wire.FailResolve, "resolve %s: %s%s", host, text, by)
	case silent:
		return broken(wire.BrokenResolver, "resolve %s: the resolver answers nobody%s: nothing is known of the target", host, by)
	}
	return broken(wire.BrokenResolver, "resolve %s: the resolver answers nobody: %s%s: nothing is known of the target", host, text, by)
}

// heardStream is a connection to a name server over TCP.
type heardStream struct {
	net.Conn
	heard *heard
}

func (c heardStream) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.answered(c.RemoteAddr().String())
	}
	return n, err
}
