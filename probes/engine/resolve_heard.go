package engine

import (
	"context"
	"net"
	"sync"
	"time"
)

// ResolverHealth is what is known about one resolver: whether it answers anybody. It distinguishes a
// resolver that is unreachable, of which no monitor learns anything of its target, from
// one that waits in vain for the servers of one name: both look like silence to
// who asks for that name.
type ResolverHealth struct {
	mu     sync.Mutex // guards what follows
	last   time.Time  // when it answered anything, for any run
	blind  bool       // its answers are not seen: the system asks
	asking bool       // the question of ask is under way
}

const (
	// askAfter is how long a lookup may take before its resolver is asked for what
	// every resolver knows. A name that nobody asked for in a while takes as long.
	askAfter = time.Second
	askFor   = 5 * time.Second
)

func (h *ResolverHealth) answered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = time.Now()
}

// Ask asks for the name servers of the root, once for all who wait. Whatever the
// answer, it is one. A resolver that only passes questions on passes this one on.
func (h *ResolverHealth) Ask(ctx context.Context, resolver *net.Resolver) {
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

// Known says whether the resolver answered anybody since then, and whether its answers
// are not seen.
func (h *ResolverHealth) Known(since time.Time) (answered, blind bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.last.Before(since), h.blind
}
