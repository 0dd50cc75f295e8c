package agent

import (
	"os"
	"sync/atomic"
	"time"
)

const (
	// crowdLeast is how many probes with a goroutine are no crowd in any case.
	crowdLeast = 256
	// crowdStep is how many of those that wait get a goroutine in a slot.
	crowdStep = 16
	// crowdDelay is the delay of the network beyond which they are one.
	crowdDelay = 20 * time.Millisecond
)

// crowd tells whether the goroutines of this process are more than its CPUs can
// serve, by how long a byte takes through a pipe: the runtime looks at the
// network last. Ten thousand HTTP probes a second, which two cores cannot make,
// became 5,000 goroutines that all waited for it, and so did what delivers the
// results: they were stored minutes late.
type crowd struct {
	r, w  *os.File
	sent  atomic.Int64  // of the byte under way, Unix, ns; 0 when there is none
	delay atomic.Int64  // of the last one, ns
	done  chan struct{} // closed when nobody reads any more
}

// newCrowd starts watching; nil where it cannot, and then there is no crowd.
func newCrowd() *crowd {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	c := &crowd{r: r, w: w, done: make(chan struct{})}
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

// over says whether it is a crowd, and measures on.
func (c *crowd) over() bool {
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
	return time.Duration(delay) > crowdDelay
}

func (c *crowd) close() {
	if c != nil {
		c.w.Close()
		<-c.done // at the end of the pipe
		c.r.Close()
	}
}
