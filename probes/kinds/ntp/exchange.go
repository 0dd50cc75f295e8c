package ntp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/beevik/ntp"

	"netmon/internal/ntppacket"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// exchange is one run's requests to one address.
//
// The exchange is our own rather than beevik/ntp's: that reads one datagram and
// gives up when it is not ours, loses what a refused answer said, has no
// context, and subtracts wall clocks. Its judgement of an answer (Validate) is
// used, and in tests its figures are compared with ours.
type exchange struct {
	Probe
	run  *probes.Run
	held *kisses
	to   netip.AddrPort
	sent []sent
}

// sent is one request on its way.
type sent struct {
	origin uint64 // its transmit timestamp, which the answer brings back
	at     time.Time
	done   bool
}

// sample is one answer with its times.
type sample struct {
	ntppacket.Message
	sent           time.Time     // t1
	received, left time.Time     // t2, t3: the server's receive and transmit timestamps
	rtt            time.Duration // t4-t1, measured here
	clock          string
}

// delay is the time on the way there and back, without the server's own
// (RFC 5905 section 8).
func (s sample) delay() time.Duration { return max(s.rtt-s.left.Sub(s.received), 0) }

// offset is how far the server's clock is ahead of ours (RFC 5905 section 8).
// t4 is taken as t1 and the time measured, so that a step of our clock between
// the two does not falsify it.
func (s sample) offset() time.Duration {
	t1 := s.sent.Round(0)
	t4 := t1.Add(s.rtt)
	return s.received.Sub(t1)/2 + s.left.Sub(t4)/2
}

// distance is the root distance: half the delay of the whole way to the primary
// server, and the dispersion on it (RFC 5905 appendix A.5.5.2, without the terms
// that need a history of the server).
func (s sample) distance() time.Duration {
	return (s.delay()+ntppacket.Short(s.RootDelay))/2 + ntppacket.Short(s.RootDispersion)
}

// measure takes the samples and fills in d. attempt is the part of ctx in which
// the address must have shown that it answers at all.
func (x *exchange) measure(ctx, attempt context.Context, d *Details) error {
	conn, err := x.OpenPacket(ctx, x.run, x.to, 1024)
	if err != nil {
		return err
	}
	defer conn.Close()

	var samples []sample
	var refusal error // of the last request that got no answer
	defer func() { d.setFigures(samples, len(x.sent)) }()
	for i := range x.Samples {
		if len(samples) > 0 {
			attempt = ctx
		}
		if err := x.send(conn); err != nil {
			return err
		}
		// The next request leaves at its time, whether or not this one was answered.
		wait, cancel := attempt, context.CancelFunc(func() {})
		if i < x.Samples-1 {
			wait, cancel = context.WithDeadline(attempt, x.sent[i].at.Add(x.Interval.Std()))
		}
		s, err := x.receive(wait, conn, d)
		switch {
		case err == nil:
			samples = append(samples, s)
			err = x.accept(s, d)
		case probes.FailureIs(err, wire.FailNoAnswer), probes.IsNoAnswer(err) && len(samples) > 0:
			refusal, err = err, nil
		}
		if err != nil {
			cancel()
			return err
		}
		if i < x.Samples-1 {
			<-wait.Done()
		}
		cancel()
		if attempt.Err() != nil {
			break
		}
	}
	if len(samples) == 0 {
		return refusal
	}
	if len(x.sent) < x.Samples {
		return probes.Fail(wire.FailTimeout, "only %d of %d samples were taken within the timeout: it is shorter than samples times interval", len(x.sent), x.Samples)
	}
	return nil
}

func (x *exchange) send(conn *engine.PacketConn) error {
	q := ntppacket.NewRequest(x.Version)
	at, err := conn.Send(q[:])
	if err != nil && len(x.sent) > 0 { // the ICMP answer to the request before
		at, err = conn.Send(q[:])
	}
	if err != nil {
		return probes.NetFail("send to "+x.to.String(), err)
	}
	x.sent = append(x.sent, sent{binary.BigEndian.Uint64(q[40:]), at, false})
	x.run.Stepf("sample %d: sent an NTPv%d request to %s", len(x.sent), x.Version, x.to)
	return nil
}

// errNTPTwice is an answer that came before.
var errNTPTwice = errors.New("the same answer came twice")

// receive waits for the answer to any request that is still open. What is not
// an answer to one is noted and waited past: the real one may still come.
func (x *exchange) receive(ctx context.Context, conn *engine.PacketConn, d *Details) (sample, error) {
	var bogus error
	for range mostBogus {
		a, err := conn.Receive(ctx)
		if err != nil && ctx.Err() == nil {
			x.run.Stepf("sample %d: %v", len(x.sent), err)
			return sample{}, probes.NetFail("ask "+x.to.String(), err)
		}
		if err != nil {
			break
		}
		s, err := x.read(a)
		if err == nil {
			return s, nil
		}
		if err == errNTPTwice {
			x.run.Stepf("sample %d: %v", len(x.sent), err)
			continue
		}
		x.run.Stepf("sample %d: a datagram that is not our answer: %v", len(x.sent), err)
		d.Bogus++
		bogus = err
	}
	if bogus != nil {
		return sample{}, bogus
	}
	return sample{}, probes.Fail(wire.FailNoAnswer, "no answer to %s", figures.Counted(len(x.sent), "request"))
}

// read makes a sample of a datagram, if it is an answer to one of our requests.
func (x *exchange) read(a engine.Arrival) (sample, error) {
	m, err := ntppacket.Parse(a.Payload)
	if err != nil {
		return sample{}, probes.Fail(wire.FailBadAnswer, "not an answer of an NTP server: %w", err)
	}
	if m.Mode != 4 {
		return sample{}, probes.Fail(wire.FailBadAnswer, "not an answer of an NTP server: its mode is %d, not 4", m.Mode)
	}
	for i := range x.sent {
		q := &x.sent[i]
		if q.origin != m.Origin {
			continue
		}
		if q.done {
			return sample{}, errNTPTwice
		}
		q.done = true
		s := sample{Message: m, sent: q.at}
		s.rtt, s.clock = a.Since(q.at)
		s.received, s.left = ntppacket.Time(m.Receive, q.at), ntppacket.Time(m.Transmit, q.at)
		return s, nil
	}
	want := x.sent[len(x.sent)-1].origin
	return sample{}, probes.Fail(wire.FailWrongOrigin, "the origin timestamp is %016x, want %016x as it was sent: an old answer, a broken server or a forger", m.Origin, want)
}

// accept says whether the answer may be believed, in the order that says most:
// the server refuses us, knows no time, or talks nonsense.
func (x *exchange) accept(s sample, d *Details) error {
	d.setSample(s)
	n := len(x.sent)
	code := s.Kiss()
	switch {
	case s.Stratum != 0:
	case code == "INIT" || code == "STEP" || code == "" || code[0] == 'X':
		// Not refusals: the server says why it has no time yet.
		if code == "" {
			return probes.Fail(wire.FailUnsynced, "the server is not synchronised: stratum 0, leap %d, no kiss code", s.Leap)
		}
		return probes.Fail(wire.FailUnsynced, "the server is not synchronised: stratum 0, leap %d, kiss code %q", s.Leap, code)
	default:
		until := x.held.hold(x.to, code, s.Poll, time.Now())
		if !until.IsZero() {
			d.BackoffUntil = &until
		}
		return probes.Fail(wire.FailKissOfDeath, "%s", kissText(code, until))
	}
	if s.Leap == 3 || s.Stratum >= 16 {
		return probes.Fail(wire.FailUnsynced, "the server is not synchronised: leap %d, stratum %d", s.Leap, s.Stratum)
	}
	switch {
	case s.Transmit == 0:
		return probes.Fail(wire.FailBadAnswer, "the server's transmit timestamp is zero")
	case s.left.Before(s.received):
		return probes.Fail(wire.FailBadAnswer, "the server sent the answer at %v, before it received the request at %v", s.left, s.received)
	}
	if err := s.validate(); errors.Is(err, ntp.ErrServerClockFreshness) {
		return probes.Fail(wire.FailUnsynced, "the server's clock was last set at %v, more than 36 hours before", ntppacket.Time(s.Reference, s.sent))
	} else if err != nil {
		return probes.Fail(wire.FailBadAnswer, "the answer is not valid: %w", err)
	}
	x.held.release(x.to)
	x.run.Livef("sample %d: stratum %d, offset %+.6f s, delay %.6f s (%s)", n, s.Stratum, s.offset().Seconds(), s.delay().Seconds(), s.clock)
	return nil
}

// validate is beevik/ntp's judgement: freshness, root distance of 16 s at most,
// transmit time not before reference time.
func (s sample) validate() error {
	r := ntp.Response{
		Version: int(s.Version), Stratum: s.Stratum, Leap: ntp.LeapIndicator(s.Leap),
		Time: s.left, ReferenceTime: ntppacket.Time(s.Reference, s.sent),
		RootDelay: ntppacket.Short(s.RootDelay), RootDispersion: ntppacket.Short(s.RootDispersion),
	}
	if s.Reference == 0 { // unknown, RFC 5905 section 7.3
		r.ReferenceTime = r.Time
	}
	return r.Validate()
}

func kissText(code string, until time.Time) string {
	meaning := map[string]string{
		"RATE": "it is asked too often", "DENY": "access denied", "RSTR": "access denied by its policy",
	}[code]
	text := fmt.Sprintf("the server sent the kiss code %s", code)
	if meaning != "" {
		text += ": " + meaning
	}
	if !until.IsZero() {
		text += "; not asking again until " + until.UTC().Format(time.RFC3339)
	}
	return text
}
