package icmp

import (
	"context"
	"time"

	"netmon/probes/engine"
)

// exchange sends the requests and takes what comes, until each has its reply or
// the time is over. attempt is the part of ctx in which the address must have
// shown that it answers at all. The error means that nothing could be sent.
func (s *series) exchange(ctx, attempt context.Context) error {
	err := s.exchangeOnce(ctx, attempt)
	if !s.noisy || s.done() {
		return err
	}
	// Nothing is known of the requests that were under way: all count again.
	s.run.Stepf("somebody floods the socket that all monitors share: trying again with another socket")
	*s = series{Probe: s.Probe, run: s.run, to: s.to, last: s.last, tried: s.tried}
	err = s.exchangeOnce(ctx, attempt)
	s.blind = s.blind || s.noisy
	return err
}

func (s *series) exchangeOnce(ctx, attempt context.Context) error {
	engine, private, err := s.engine()
	if err != nil {
		return err
	}
	if private {
		defer engine.Close()
	}
	r := engine.open(s.to, s.Count, s.Size)
	defer func() {
		if !s.done() {
			s.blind = engine.read() // a reply may have waited there in time
		}
		s.drain(r)
		s.conclusion(r)
	}()

	if err := s.send(ctx, r); err != nil {
		return err
	}
	begin := s.sent[0].sent
	next, end := time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	defer next.Stop()
	defer end.Stop()
	plan := func() {
		if n := len(s.sent); n < s.Count {
			next.Reset(time.Until(begin.Add(time.Duration(n) * s.Interval.Std())))
		} else if s.Wait > 0 {
			end.Reset(time.Until(s.sent[n-1].sent.Add(s.Wait.Std())))
		}
	}
	plan()
	for !s.done() {
		select {
		case <-next.C:
			if err := s.send(ctx, r); err != nil {
				s.err = err
				s.run.Stepf("icmp_seq=%d: %v", len(s.sent)+1, err)
				return nil
			}
			plan()
		case <-r.wake:
			s.drain(r)
			if s.noisy { // its replies are lost, or no longer heard here
				return nil
			}
			if s.answered() {
				attempt = ctx
			} else if s.open == 0 && !s.last {
				return nil
			}
		case <-end.C:
			return nil
		case <-attempt.Done():
			if len(s.sent) < s.Count && s.answered() {
				s.err = s.tooShort()
			}
			return nil
		}
	}
	return nil
}

// private says that the options need a socket of their own.
func (p Probe) private() bool {
	return p.TTL != 0 || p.DSCP != 0 || p.DF || p.Source != "" || p.Size > sharedSize
}

// engine is the shared one, or one with a socket of its own where the options
// or a target that floods need that.
func (s *series) engine() (e *echoEngine, private bool, err error) {
	o := options{v6: s.to.Is6(), ttl: s.TTL, dscp: s.DSCP, df: s.DF}
	whose := "shared by all monitors"
	if private = s.private(); !private {
		var shared *sockets
		if shared, err = socketsOf(s.run.Env, o.v6); err == nil {
			e, err = shared.acquire(s.to, s.run.Prev, time.Now())
		}
		private = err == engine.ErrNoisy
	}
	if private {
		whose = "of this run"
		o.limit = max(s.Size, sharedSize)
		e, err = startICMP(s.Common, o)
	}
	if err != nil {
		s.run.Stepf("%v", err)
		return nil, false, err
	}
	s.run.Stepf("%s, %s", e.sock, whose)
	return e, private, nil
}

// conclusion ends the run in its engine and closes the account.
func (s *series) conclusion(r *run) {
	s.drops = r.close()
	if before, ok := s.run.Prev.(*run); ok {
		if before.engine != r.engine {
			before.engine.readLate()
		}
		s.late += before.countLate()
	}
	if r.missing != nil && r.engine.pool != nil {
		r.tried, _ = s.tried.(*run)
		s.tried = r
		s.run.Keep(r) // for who comes late
	}
	s.finish()
}

func (s *series) drain(r *run) {
	events, unseen := r.drainEvents()
	for _, ev := range events {
		s.applyEvent(ev)
	}
	s.duplicates += unseen[gotReply]
	s.corrupted += unseen[gotCorrupted]
	s.wrongSource += unseen[gotStranger]
	s.otherErrors += unseen[gotError]
}

func (s *series) send(ctx context.Context, r *run) error {
	q, seq, err := r.send(ctx)
	if err != nil {
		return s.sendError(err)
	}
	s.noteSent(q)
	if s.run.Watched() {
		s.run.Stepf("sent %d bytes to %s: icmp_seq=%d (id %#04x, seq %d on the wire)", s.Size+icmpHeader, s.to, len(s.sent), r.engine.sock.id, seq)
	}
	return nil
}
