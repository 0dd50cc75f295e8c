package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Caller is a Sender that gets no notices: Send is called again and again while all is
// well, so that somebody else hears of it when that ends.
type Caller interface {
	Sender
	cadence() time.Duration
}

// callWhileWell calls until ctx ends.
func (s *sending) callWhileWell(ctx context.Context, to Caller) {
	s.needKnown()
	tick := time.NewTicker(to.cadence())
	defer tick.Stop()
	for {
		err := s.well(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.setProblem(fmt.Errorf("not called: %w", err))
		default:
			s.call(ctx)
		}
		wait := tick.C
		var soon <-chan time.Time
		if errors.Is(err, errReading) { // at a start what is open is read first
			soon = time.After(s.timings.pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		case <-soon:
		}
	}
}

func (s *sending) call(ctx context.Context) {
	now := time.Now().UTC()
	_, err := s.send(ctx, testMessageFor(s.name, "the notifier", "call", now))
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	if err == nil {
		s.status.Sent++
		s.status.LastSent = time.Now().UTC()
	} else {
		s.status.Failed++
		s.status.LastFail = time.Now().UTC()
	}
	s.mu.Unlock()
	s.setProblem(err)
}

var errReading = errors.New("what is open is being read")

// well says what is not.
func (s *sending) well(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	switch _, err := s.control.Get(bounded, wire.LeaderKey); {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return errors.New("no controller leads")
	case err != nil:
		return fmt.Errorf("the broker does not answer: %w", err)
	}
	var problem error
	now := time.Now()
	whole := s.known.each(func(id string, x short) {
		if x.resolved.IsZero() && x.broker {
			problem = errors.New("no agent is heard: verdicts are frozen")
		}
		for _, c := range x.channels {
			if c.Delivered < c.N && now.Sub(c.Decided) > s.timings.late {
				problem = fmt.Errorf("a notice of the channel %s waits for %v", c.Channel, wire.Duration(now.Sub(c.Decided).Round(time.Second)))
			}
		}
	})
	if !whole {
		return errReading
	}
	return problem
}
