package engine

import (
	"context"
	"sync"
	"time"
)

// StopContext is a context that ends when Stop is called, with
// its cause, which may be context.DeadlineExceeded.
type StopContext struct {
	end  time.Time // the deadline, when it is known: it is Stop that keeps it
	done chan struct{}
	mu   sync.Mutex
	err  error // guarded by mu
}

// NewStopContext has the deadline end, where that is not zero.
func NewStopContext(end time.Time) *StopContext {
	return &StopContext{end: end, done: make(chan struct{})}
}

// Stop ends the context. Only the first cause counts.
func (c *StopContext) Stop(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = cause
		close(c.done)
	}
}

// Deadline implements context.Context.
func (c *StopContext) Deadline() (time.Time, bool) { return c.end, !c.end.IsZero() }

// Done implements context.Context.
func (c *StopContext) Done() <-chan struct{} { return c.done }

// Value implements context.Context.
func (c *StopContext) Value(any) any { return nil }

// Err implements context.Context.
func (c *StopContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

var _ context.Context = (*StopContext)(nil)
