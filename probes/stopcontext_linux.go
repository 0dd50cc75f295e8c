package probes

import (
	"context"
	"sync"
	"time"
)

// stopContext is a context that ends when [Pending.Stop] is called, with its
// cause, which may be context.DeadlineExceeded.
type stopContext struct {
	end  time.Time // the deadline, when it is known: it is Stop that keeps it
	done chan struct{}
	mu   sync.Mutex
	err  error // guarded by mu
}

// newStopContext is that of a run.
func newStopContext(run *Run) *stopContext {
	c := &stopContext{done: make(chan struct{})}
	if run.timeout > 0 {
		c.end = run.Started.Add(run.timeout)
	}
	return c
}

func (c *stopContext) stop(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = cause
		close(c.done)
	}
}

func (c *stopContext) Deadline() (time.Time, bool) { return c.end, !c.end.IsZero() }
func (c *stopContext) Done() <-chan struct{}       { return c.done }
func (c *stopContext) Value(any) any               { return nil }

func (c *stopContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

var _ context.Context = (*stopContext)(nil)
