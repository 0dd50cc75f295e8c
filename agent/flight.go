package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// This file is the sender's other half: what becomes of results in flight.

const (
	windowMin  = 8               // results that may be in flight, however slow the broker is
	ackTimeout = 5 * time.Second // a broker whose disk is full never answers at all
)

// flight is what was published at once.
type flight struct {
	begin time.Time
	open  int // results that are not acknowledged
}

// takeAcks takes the acknowledgements that are here.
func (s *sender) takeAcks() error {
	for s.acks != nil {
		select {
		case m := <-s.acks.ch:
			if err := s.take(m); err != nil {
				return err
			}
		default:
			return s.overdue()
		}
	}
	return nil
}

// awaitAcks waits until half of what is in flight is acknowledged, or, where
// nothing else waits already, until there is something new to send.
func (s *sender) awaitAcks(ctx context.Context, more bool) error {
	ready := s.spool.Ready()
	if more {
		ready = nil
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for most := s.flying / 2; s.flying > most; {
		select {
		case m := <-s.acks.ch:
			if err := s.take(m); err != nil {
				return err
			}
		case <-ready:
			return nil
		case <-look.C:
			if err := s.overdue(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.takeAcks()
}

// overdue says why no further acknowledgement can be expected.
func (s *sender) overdue() error {
	if len(s.flights) == 0 {
		return nil
	}
	if s.acks.lost() {
		return errors.New("the connection was lost")
	}
	if time.Since(s.flights[0].begin) > ackTimeout {
		return fmt.Errorf("no acknowledgement within %v", ackTimeout)
	}
	return nil
}

// take notes one answer of the stream. A result that is acknowledged is stored,
// however late we hear of it; what else is said counts for the last publish alone.
func (s *sender) take(m *nats.Msg) error {
	a, ok := s.acks.read(m)
	if !ok {
		return nil
	}
	i, found := slices.BinarySearchFunc(s.items, a.seq, func(it *item, seq uint64) int { return cmp.Compare(it.Seq, seq) })
	if !found {
		return nil
	}
	it := s.items[i]
	switch {
	case a.refused == nil && !a.duplicate:
		it.acked = true
		s.land(it)
	case it.flight == nil || a.try != it.tries:
	case a.duplicate:
		s.land(it)
		s.contest(it)
	case tooLarge(a.refused):
		s.land(it)
		s.shorten(it, a.refused)
	default:
		it.hole = it.hole || it.passed()
		return a.refused
	}
	return nil
}

// land takes a result out of its flight: it was answered.
func (s *sender) land(it *item) {
	f := it.flight
	if f == nil {
		return
	}
	it.flight = nil
	it.queue.flying--
	s.flying--
	if f.open--; f.open == 0 {
		s.flights = slices.DeleteFunc(s.flights, func(x *flight) bool { return x == f })
		s.pace(time.Since(f.begin))
	}
}

// pace adapts to the broker: one that is slow to acknowledge, because a
// thousand agents return to it at once, gets less from each of them.
func (s *sender) pace(took time.Duration) {
	switch {
	case took > time.Second:
		s.window = max(windowMin, s.window/2)
	case took < 200*time.Millisecond:
		s.window = min(window, 2*s.window)
	}
}

// ground gives up what is in flight: it may be stored or not.
func (s *sender) ground() {
	for _, it := range s.items {
		if it.flight != nil {
			it.flight = nil
			it.again = true
			it.queue.flying--
			it.queue.doubt = true
		}
	}
	s.flights, s.flying = nil, 0
	s.window = max(windowMin, s.window/2)
}
