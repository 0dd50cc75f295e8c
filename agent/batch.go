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

// batch is the results that were published together.
type batch struct {
	begin time.Time
	open  int // results that are not acknowledged
}

// drainAcks takes the acknowledgements that are here.
func (s *sender) drainAcks() error {
	for s.acks != nil {
		select {
		case m := <-s.acks.ch:
			if err := s.applyAck(m); err != nil {
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
	check := time.NewTicker(100 * time.Millisecond)
	defer check.Stop()
	for most := s.inFlight / 2; s.inFlight > most; {
		select {
		case m := <-s.acks.ch:
			if err := s.applyAck(m); err != nil {
				return err
			}
		case <-ready:
			return nil
		case <-check.C:
			if err := s.overdue(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.drainAcks()
}

// overdue says why no further acknowledgement can be expected.
func (s *sender) overdue() error {
	if len(s.batches) == 0 {
		return nil
	}
	if s.acks.lost() {
		return errors.New("the connection was lost")
	}
	if time.Since(s.batches[0].begin) > ackTimeout {
		return fmt.Errorf("no acknowledgement within %v", ackTimeout)
	}
	return nil
}

// applyAck applies one answer of the stream. A result that is acknowledged is stored,
// however late we hear of it; what else is said counts for the last publish alone.
func (s *sender) applyAck(m *nats.Msg) error {
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
		s.answered(it)
	case it.batch == nil || a.try != it.tries:
	case a.duplicate:
		s.answered(it)
		s.contest(it)
	case tooLarge(a.refused):
		s.answered(it)
		s.shorten(it, a.refused)
	default:
		it.hole = it.hole || it.passed()
		return a.refused
	}
	return nil
}

// answered takes a result that the stream answered out of its batch.
func (s *sender) answered(it *item) {
	b := it.batch
	if b == nil {
		return
	}
	it.batch = nil
	it.queue.inFlight--
	s.inFlight--
	if b.open--; b.open == 0 {
		s.batches = slices.DeleteFunc(s.batches, func(x *batch) bool { return x == b })
		s.pace(time.Since(b.begin))
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

// abandon gives up on the results in flight: each may be stored or not.
func (s *sender) abandon() {
	for _, it := range s.items {
		if it.batch != nil {
			it.batch = nil
			it.again = true
			it.queue.inFlight--
			it.queue.uncertain = true
		}
	}
	s.batches, s.inFlight = nil, 0
	s.window = max(windowMin, s.window/2)
}
