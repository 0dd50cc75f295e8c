package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// needsOwn are the reasons whose message says something though the incident was shown as
// it is: what was sent before does not stand in for it.
func needsOwn(r wire.Reason) bool {
	switch r {
	case wire.ReasonRepeated, wire.ReasonEscalated, wire.ReasonFallback, wire.ReasonTest:
		return true
	}
	return false
}

// handle does what a notice asks for, and takes it out of the queue or has it come again.
func (s *sending) handle(m jetstream.Msg) {
	n, err := wire.DecodeNotice(m.Subject(), m.Data())
	if err != nil {
		m.Term()
		return
	}
	s.step(stepTaken)
	again, err := s.deliver(n)
	s.step(stepNoted)
	defer s.step(stepClosed)
	switch {
	case s.held.Err() != nil && (err != nil || again > 0):
		m.Nak() // for who has the channel next
	case err != nil:
		s.o.Log.Warn("notice", "channel", s.name, "incident", n.Incident, "error", err)
		m.NakWithDelay(s.timings.backoff.first)
	case again > 0:
		m.NakWithDelay(again)
	default:
		// It is handled, and who has to know does: an acknowledgement that is lost is
		// made good when it comes again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.held), 5*time.Second)
		defer cancel()
		if err := m.DoubleAck(ctx); err != nil {
			s.o.Log.Debug("acknowledge a notice", "channel", s.name, "incident", n.Incident, "error", err)
		}
	}
}

// deliver sends what a notice asks for, unless that was done, and notes what became of
// it. It says after how long the notice is to come again; 0: it is done with. An error
// is about the mesh: nothing is known to have changed.
func (s *sending) deliver(n wire.Notice) (again time.Duration, err error) {
	last, err := s.lastDelivery(n.Incident)
	if err != nil {
		return 0, fmt.Errorf("read what became of the last one: %w", err)
	}
	i, err := s.incident(n.Incident, n.Of)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, fmt.Errorf("read the incident: %w", err)
	}
	there := err == nil
	lost := s.lost(n.Incident, there)
	s.step(stepRead)
	n, handled := newest(n, &i)
	now := time.Now().UTC()
	switch {
	case handled, last.N > n.N, last.N == n.N && (last.Outcome == wire.Sent || last.Outcome == wire.Undelivered):
		return 0, s.storeUnsaved(n.Incident)
	case i.State == wire.IncidentMerged:
		return 0, nil // what it is part of has notices of its own
	case !there && !lost:
		return s.timings.backoff.first, nil // it is stored before its notice is: the stream has another leader, perhaps
	case last.N == n.N && last.Outcome == wire.Retrying && s.timings.backoff.ahead(last.Next, now):
		return last.Next.Sub(now), nil // a notifier before this one waited
	case s.pausedUntil().After(now):
		return s.pausedUntil().Sub(now), nil
	}
	d := wire.Delivery{Channel: s.name, Incident: n.Incident, N: n.N, Key: n.Key(), Shown: last.Shown, Thread: s.thread(last), Kind: s.channel.saved.Kind, Attempts: 1, First: now, At: now, By: s.o.Host}
	switch {
	case lost:
		d.Outcome, d.Error = wire.Undelivered, "the incident is not stored any more"
		return 0, s.note(d)
	case last.Shown >= n.Of && last.Shown > 0 && !needsOwn(n.Reason):
		d.Outcome, d.Attempts, d.Answer = wire.Sent, 0, "an earlier message had it"
		return 0, s.note(d)
	}
	if last.Outcome == wire.Retrying { // of this notice, or of one that it replaces: the channel was away since
		d.Attempts = last.Attempts + 1
		if last.First.Before(now) { // by the clock of another host, perhaps
			d.First = last.First
		}
	}
	s.step(stepSend)
	receipt, err := s.send(s.held, &Message{Incident: i, Notice: n, Thread: d.Thread})
	s.step(stepSent)
	if s.held.Err() != nil && err != nil {
		return 0, s.held.Err() // cut short: it says nothing of the other side
	}
	d.At = time.Now().UTC()
	if receipt.Thread != "" { // also of a try that some of several took
		d.Thread = receipt.Thread
	}
	var refusal *Refusal
	var later *Later
	switch {
	case err == nil:
		d.Outcome, d.Shown, d.Answer, d.Error = wire.Sent, i.N, receipt.Answer, receipt.Mistake
	case errors.As(err, &refusal):
		d.Outcome, d.Error = wire.Undelivered, err.Error()
	default:
		var asked time.Duration
		if errors.As(err, &later) {
			asked = min(later.After, s.timings.backoff.most)
			s.holdBack(d.At.Add(asked))
		}
		d.Outcome, d.Error = wire.Retrying, err.Error()
		var ok bool
		if again, ok = s.timings.backoff.pause(d.Attempts, d.First, d.At, asked); !ok {
			d.Outcome, d.Error, again = wire.Undelivered, fmt.Sprintf("not accepted for %v: %s", wire.Duration(s.timings.backoff.until), d.Error), 0
		} else {
			d.Next = d.At.Add(again)
		}
	}
	s.count(d)
	return again, s.note(d)
}

// newest is the notice that the incident says is the newest of its channel, where that
// is another one than came, and whether it is known to be handled.
func newest(n wire.Notice, i *wire.Incident) (wire.Notice, bool) {
	for _, c := range i.Channels {
		if c.Channel != n.Channel {
			continue
		}
		if c.N > n.N {
			n.N, n.Reason, n.Of, n.At, n.Rule = c.N, c.Reason, c.Of, c.Decided, c.Rule
		}
		return n, c.Delivered >= n.N
	}
	return n, false
}

// send sends one message, within bounds.
func (s *sending) send(ctx context.Context, m *Message) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timings.send)
	defer cancel()
	m.Mesh = s.o.Mesh
	if s.o.Link != nil {
		m.Link = s.o.Link(m.Incident.ID)
	}
	s.channel.render(m, time.Now().UTC())
	env, done := newEnv(s.o.Policy, s.o.Host, s.o.Version)
	defer done()
	r, err := recoverPanic(func() (Receipt, error) { return s.channel.send(ctx, env, m) })
	r.Answer = wire.Clip(Line(env.Conceal(r.Answer)), wire.MaxText)
	r.Thread = wire.Clip(Line(r.Thread), wire.MaxText)
	return r, concealed(env, err)
}

// recoverPanic calls do, and makes an error of a panic in it: a mistake of a kind does
// not end the notifier.
func recoverPanic(do func() (Receipt, error)) (r Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = Receipt{}, fmt.Errorf("internal error: %v at %s", p, wire.Clip(string(debug.Stack()), wire.MaxText))
		}
	}()
	return do()
}

// concealed is an error without secrets, of the same sort.
func concealed(env *Env, err error) error {
	if err == nil {
		return nil
	}
	text := errors.New(wire.Clip(Line(env.Conceal(err.Error())), wire.MaxText))
	var refusal *Refusal
	var later *Later
	switch {
	case errors.As(err, &refusal):
		return &Refusal{text}
	case errors.As(err, &later):
		return &Later{text, later.After}
	}
	return text
}
