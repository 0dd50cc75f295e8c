package console

import (
	"context"
	"sync"
	"time"
)

// Link is the connection to the broker.
type Link struct {
	Lost  time.Time // since when it is away; zero: it is there
	Why   string    // it was lost; "" where nobody said
	Never bool      // there was none so far
}

// link keeps a Link, and notifies whoever wants to know that it is another one.
type link struct {
	signals
	mu   sync.Mutex
	now  Link
	ever bool
}

func (l *link) up() {
	l.mu.Lock()
	l.now, l.ever = Link{}, true
	l.mu.Unlock()
	l.signal()
}

func (l *link) down(why error) {
	l.mu.Lock()
	if l.now.Lost.IsZero() {
		l.now = Link{Lost: time.Now(), Never: !l.ever}
	}
	if why != nil {
		l.now.Why = why.Error()
	}
	l.mu.Unlock()
	l.signal()
}

func (l *link) is() Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// Link is the connection as it is now. It does not wait.
func (c *Client) Link() Link { return c.link.is() }

// Connected says whether the broker is there at this moment.
func (c *Client) Connected() bool { return c.nc.IsConnected() }

// RoundTrip is how long the broker takes to answer now.
func (c *Client) RoundTrip(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	err := c.nc.FlushWithContext(ctx)
	return time.Since(began), err
}

// signals notify any number of readers that something changed. A reader that is slow
// finds one signal for all that it missed, and holds nobody up.
type signals struct {
	mu  sync.Mutex
	all map[chan struct{}]struct{}
}

// subscribe returns a channel that gets a signal after each change, until stop is called.
func (s *signals) subscribe() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[chan struct{}]struct{}{}
	}
	s.all[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all, c)
	}
}

func (s *signals) signal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.all {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
