package notify

import (
	"context"
	"fmt"
	"time"

	"netmon/wire"
)

// resend sends what the other side was sent again and again, until ctx ends. Nothing
// is noted of it: a try that failed is in the channel's status, and the next one follows.
func (s *sending) resend(ctx context.Context, to Resender) {
	every, over := to.Resend()
	s.needKnown()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for id, c := range s.openStates(over) {
			if ctx.Err() != nil {
				return
			}
			if err := s.sendAgain(ctx, id, c); err != nil && ctx.Err() == nil {
				s.setProblem(fmt.Errorf("send %s again: %w", id, err))
			}
		}
	}
}

// openStates are the incidents that the channel sent, and that are open or were until a
// while ago.
func (s *sending) openStates(over time.Duration) map[string]wire.ChannelState {
	out := map[string]wire.ChannelState{}
	s.known.each(func(id string, x short) {
		if !x.resolved.IsZero() && time.Since(x.resolved) > over {
			return
		}
		for _, c := range x.channels {
			if c.Channel == s.name && c.Notified { // whatever becomes of a newer notice: what was shown would lapse
				out[id] = c
			}
		}
	})
	return out
}

// sendAgain sends an incident as it is, unless a notice about it is being sent, or the
// other side wants no message now.
func (s *sending) sendAgain(ctx context.Context, id string, c wire.ChannelState) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	j := &job{}
	s.mu.Lock()
	_, busy := s.waiting[id]
	if !busy {
		s.waiting[id] = j // a notice that comes waits
	}
	s.mu.Unlock()
	defer func() {
		<-s.slots
		if !busy && s.following(id, j) {
			s.jobs.Go(func() { s.work(id, j) })
		}
	}()
	if busy || s.pausedUntil().After(time.Now()) {
		return nil
	}
	i, err := s.incident(id, c.Of)
	if err != nil {
		return err
	}
	last, err := s.lastDelivery(id)
	if err != nil {
		return err
	}
	n := wire.Notice{Channel: s.name, Incident: id, N: c.N, Reason: c.Reason, Of: c.Of, At: c.Decided, Rule: c.Rule}
	_, err = s.send(ctx, &Message{Incident: i, Notice: n, Thread: s.thread(last)})
	return err
}
