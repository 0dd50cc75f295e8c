package probes

import (
	"context"
	"io"
	"time"
)

// icmpEngineOf returns the engine that all monitors share, one per IP family.
func icmpEngineOf(env *Env, v6 bool) (*icmpEngine, error) {
	key := "icmp 4"
	if v6 {
		key = "icmp 6"
	}
	e, err := env.Shared(key, func() (io.Closer, error) {
		e, err := startICMP(Common{}, icmpOptions{v6: v6})
		if err != nil {
			return nil, err
		}
		e.shared = true
		return e, nil
	})
	if err != nil {
		return nil, err
	}
	return e.(*icmpEngine), nil
}

// exchange sends the requests and takes what comes, until each has its reply or
// the time is over. attempt is the part of ctx in which the address must have
// shown that it answers at all. The error means that nothing could be sent.
func (s *icmpSeries) exchange(ctx, attempt context.Context) error {
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
func (p ICMP) private() bool {
	return p.TTL != 0 || p.DSCP != 0 || p.DF || p.Source != "" || p.Size > icmpSharedSize
}

// engine is the shared one, or one with a socket of its own where the options
// need that.
func (s *icmpSeries) engine() (e *icmpEngine, private bool, err error) {
	o := icmpOptions{v6: s.to.Is6(), ttl: s.TTL, dscp: s.DSCP, df: s.DF}
	if private = s.private(); private {
		o.limit = s.Size
	}
	whose := "shared by all monitors"
	if private {
		whose = "of this run"
		e, err = startICMP(s.Common, o)
	} else {
		e, err = icmpEngineOf(s.run.Env, o.v6)
	}
	if err != nil {
		s.run.Stepf("%v", err)
		return nil, false, err
	}
	s.run.Stepf("%s, %s", e.sock, whose)
	return e, private, nil
}

// conclusion ends the run in its engine and closes the account.
func (s *icmpSeries) conclusion(r *icmpRun) {
	s.drops = r.close()
	if before, ok := s.run.Prev.(*icmpRun); ok {
		s.late += before.forget()
	}
	if r.missing != nil && r.engine.shared {
		s.run.Keep(r) // for who comes late
	}
	s.finish()
}

func (s *icmpSeries) drain(r *icmpRun) {
	events, unseen := r.take()
	for _, ev := range events {
		s.take(ev)
	}
	s.duplicates += unseen[icmpGotReply]
	s.corrupted += unseen[icmpGotCorrupted]
	s.wrongSource += unseen[icmpGotStranger]
	s.otherErrors += unseen[icmpGotError]
}

func (s *icmpSeries) send(ctx context.Context, r *icmpRun) error {
	q, seq, err := r.send(ctx)
	if err != nil {
		return s.sendError(err)
	}
	s.noteSent(q)
	if s.run.onStep != nil {
		s.run.Stepf("sent %d bytes to %s: icmp_seq=%d (id %#04x, seq %d on the wire)", s.Size+icmpHeader, s.to, len(s.sent), r.engine.sock.id, seq)
	}
	return nil
}
