package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"netmon/wire"
)

const (
	// clockEvery is how often the broker's clock is read.
	clockEvery = time.Minute
	// clockOld is the age of a result up to which it says something about the broker's clock.
	clockOld = 15 * time.Minute
	// clockNoted is from which difference on heartbeats report it.
	clockNoted = 5 * time.Second
)

// brokerClock is what the agent knows of the broker's clock: when the stream
// stored a result of which the agent knows when it was sent. That is true to a
// second and the way to the broker. It continues by the monotonic clock, so that a
// step of this host's clock does not move it.
type brokerClock struct {
	mu sync.Mutex
	at time.Time // ours, with the monotonic clock; zero: nothing is known
	by time.Time // the broker's at that moment
}

// saw notes that the broker stored at stored what we had sent at sent, now being
// now. A result that is too old says nothing: our clock may have been set since.
func (c *brokerClock) saw(stored, sent, now time.Time) {
	age := now.Round(0).Sub(sent)
	if age < 0 || age > clockOld {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.by = now, stored.Add(age)
}

// now is the time by the broker's clock.
func (c *brokerClock) now() (t time.Time, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Time{}, false
	}
	return c.by.Add(time.Since(c.at)), true
}

// note says how far the two clocks differ; "" when they do not, or nothing is known.
func (c *brokerClock) note() string {
	t, known := c.now()
	ahead := t.Sub(time.Now().Round(0))
	switch {
	case !known || ahead.Abs() < clockNoted:
		return ""
	case ahead > 0:
		return fmt.Sprintf("this host's clock is %v behind the broker's", ahead.Round(time.Second))
	}
	return fmt.Sprintf("this host's clock is %v ahead of the broker's", -ahead.Round(time.Second))
}

// clockLoop looks at the broker's clock until ctx ends.
func (a *Agent) clockLoop(ctx context.Context) {
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	for {
		a.lookAtClock(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-a.linked:
		}
	}
}

// lookAtClock asks the stream for the last result of the monitor that measures most often.
func (a *Agent) lookAtClock(ctx context.Context) {
	nc := a.link.current()
	if nc == nil {
		return
	}
	name, every := "", time.Duration(0)
	a.mu.Lock()
	for _, e := range a.set.entries {
		if e.task == nil {
			continue
		}
		if own := e.monitor.Every.Std(); name == "" || own < every {
			if runs, _, _ := a.runner.figures(e.task); runs > 0 {
				name, every = e.monitor.Name, own
			}
		}
	}
	a.mu.Unlock()
	if name == "" {
		return
	}
	r, stored, err := a.api.lastStoredAt(ctx, nc, a.o.ID, name)
	if err != nil || stored.IsZero() {
		return
	}
	a.clock.saw(stored, sentAt(r), time.Now())
}

// sentAt is when a result was sent, by this host's clock: at its end, or later by
// what it says.
func sentAt(r wire.Result) time.Time {
	return r.Started.Add(r.Elapsed() + time.Duration(r.LateNS))
}
