// Package auditlog keeps an audit readable. A caller who is refused ten thousand
// times, or asks ten thousand times for what is already so, would push out the entries
// of others.
//
// A change is always recorded, at once. Of requests that changed nothing, the first of
// a caller is recorded at once; those that follow are counted, and one line a minute
// says how many there were. That line is written earlier when the caller changes
// something, falls silent, or the process ends, so nothing that was counted is lost.
package auditlog

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"netmon/wire"
)

const (
	// Quiet is the least time between two lines about what changed nothing, of
	// one caller.
	Quiet = time.Minute
	// callersMost bounds the callers that are counted one by one. Further ones
	// share a line.
	callersMost = 256
	namesMost   = 3 // names of the last one that a line repeats
)

// Log is safe for use by several goroutines.
type Log struct {
	write func(context.Context, wire.Audit)
	wake  chan struct{} // to Run: there is something new to count; has room for one

	mu      sync.Mutex // guards what follows, and keeps the lines in order
	callers map[caller]*count
}

// caller is whose lines are counted together. Without a name it is everybody
// whom nobody verified.
type caller struct{ where, by string }

// count is what one caller did that changed nothing.
type count struct {
	reported time.Time  // when a line about it was written last
	more     int        // since then
	last     wire.Audit // of these
	many     bool       // they are of several callers
}

// New makes a log whose lines go to write, one at a time and in order.
func New(write func(context.Context, wire.Audit)) *Log {
	return &Log{write: write, wake: make(chan struct{}, 1), callers: map[caller]*count{}}
}

// Add records what was done. changed says that something is different now; a
// failure changed nothing. It returns when what is to be written is written.
func (l *Log) Add(ctx context.Context, e wire.Audit, changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if changed {
		if c := l.callers[caller{e.Where, e.By}]; c != nil {
			l.writeCount(ctx, c, now)
		}
		l.write(ctx, e)
		return
	}
	c := l.countOf(e, now)
	if c.more == 0 && now.Sub(c.reported) >= Quiet {
		c.reported = now
		l.write(ctx, e)
	} else {
		c.more++
		c.last = e
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// countOf is the count for a line, a new one where there is none.
func (l *Log) countOf(e wire.Audit, now time.Time) *count {
	k := caller{e.Where, e.By}
	if c := l.callers[k]; c != nil {
		return c
	}
	if len(l.callers) >= callersMost {
		l.evict(now)
	}
	many := len(l.callers) >= callersMost
	if many {
		k = caller{} // no line has an empty place
	}
	c := l.callers[k]
	if c == nil {
		c = &count{many: many}
		l.callers[k] = c
	}
	return c
}

// evict drops those of whom the next line would be recorded at once anyway.
func (l *Log) evict(now time.Time) {
	for k, c := range l.callers {
		if c.more == 0 && now.Sub(c.reported) >= Quiet {
			delete(l.callers, k)
		}
	}
}

// writeCount writes the line about what was counted, if anything was.
func (l *Log) writeCount(ctx context.Context, c *count, now time.Time) {
	if c.more == 0 {
		return
	}
	e := c.last
	of := ""
	if c.many {
		of = " of several callers"
	}
	e.Detail = wire.Clip(fmt.Sprintf("%d more%s that changed nothing, the last: %s", c.more, of, brief(e)), wire.MaxText)
	c.reported, c.more, c.last = now, 0, wire.Audit{}
	l.write(ctx, e)
}

// brief is one line in a few words.
func brief(e wire.Audit) string {
	words := []string{e.Did}
	words = append(words, e.What[:min(len(e.What), namesMost)]...)
	if len(e.What) > namesMost {
		words = append(words, fmt.Sprintf("and %d more", len(e.What)-namesMost))
	}
	if len(e.What) == 0 && e.Detail != "" {
		words = append(words, e.Detail)
	}
	return strings.Join(words, " ")
}

// Run writes what was counted when it is time to, and all of it when ctx ends.
// What comes later and changed nothing is not stored.
func (l *Log) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			l.end(context.WithoutCancel(ctx))
			return
		case <-timer.C:
		case <-l.wake:
		}
		if next, ok := l.due(ctx); ok {
			timer.Reset(time.Until(next))
		}
	}
}

// due writes what it is time for, and says when the next is. ok is false when
// nobody is counted.
func (l *Log) due(ctx context.Context) (next time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, c := range l.callers {
		if now.Sub(c.reported) >= Quiet {
			l.writeCount(ctx, c, now)
		}
	}
	l.evict(now)
	for _, c := range l.callers {
		if at := c.reported.Add(Quiet); !ok || at.Before(next) {
			next, ok = at, true
		}
	}
	return next, ok
}

func (l *Log) end(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.callers {
		l.writeCount(ctx, c, time.Now())
	}
}
