package agent

import (
	"os"
	"sync/atomic"
	"time"
)

const (
	// overloadLeast is how many probes with a goroutine are never an overload.
	overloadLeast = 256
	// overloadStep is how many of those that wait get a goroutine in a slot.
	overloadStep = 16
	// overloadDelay is the delay of the network beyond which there is an overload.
	overloadDelay = 20 * time.Millisecond
)

// overload says whether the goroutines of this process are more than its CPUs can
// serve, by how long a byte takes through a pipe: the runtime looks at the
// network last. Ten thousand HTTP probes a second, which two cores cannot make,
// became 5,000 goroutines that all waited for it, and so did what delivers the
// results: they were stored minutes late.
type overload struct {
	r, w  *os.File
	sent  atomic.Int64  // of the byte under way, Unix, ns; 0 when there is none
	delay atomic.Int64  // of the last one, ns
	done  chan struct{} // closed when nobody reads any more
}

// newOverload starts watching; nil where it cannot, and then there is never an overload.
func newOverload() *overload {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	c := &overload{r: r, w: w, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for buf := make([]byte, 1); ; {
			if n, err := r.Read(buf); n == 0 || err != nil {
				return
			}
			c.delay.Store(time.Now().UnixNano() - c.sent.Swap(0))
		}
	}()
	return c
}

// exceeded says whether there is an overload now, and keeps measuring.
func (c *overload) exceeded() bool {
	if c == nil {
		return false
	}
	now := time.Now().UnixNano()
	delay := c.delay.Load()
	if sent := c.sent.Load(); sent != 0 {
		delay = max(delay, now-sent)
	} else {
		c.sent.Store(now)
		c.w.Write([]byte{0})
	}
	return time.Duration(delay) > overloadDelay
}

func (c *overload) close() {
	if c != nil {
		c.w.Close()
		<-c.done // at the end of the pipe
		c.r.Close()
	}
}
