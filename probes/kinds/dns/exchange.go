package dns

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// exchange is one run's query to one server after the other.
//
// The exchange is our own rather than miekg/dns's: that gives up at the first
// datagram which is not ours, compares the id alone, does not notice when its
// context ends, and has no receive times of the kernel. It still packs and unpacks.
type exchange struct {
	Probe
	run    *probes.Run
	query  *dns.Msg
	host   string // whose certificate TLS verifies; "": the address
	to     netip.AddrPort
	answer *dns.Msg
	owned  engine.OwnedAnswer // its records
	stray  error              // why the last message that came was not an answer to us
}

// ask asks one address after the other until one answers. known is what is known
// before; the figures are those of the address that answered, or that the error
// reports.
func (x *exchange) ask(ctx context.Context, addrs []netip.Addr, port uint16, known Details) (d Details, err error) {
	d = known
	var before error
	err = probes.FirstThatAnswers(ctx, x.run, addrs, func(attempt context.Context, a netip.Addr) error {
		one := known
		x.to = netip.AddrPortFrom(a, port)
		one.Server = x.to.String()
		err := x.measure(attempt, &one)
		if probes.FailureIs(err, wire.FailNoAnswer) && x.stray != nil && a == addrs[len(addrs)-1] {
			err = x.strays(err, &one) // only now: strays must not keep from asking the next server
		}
		if before == nil || !probes.IsNotSent(err) || probes.IsNotSent(before) {
			d, before = one, err
		}
		return err
	})
	return d, err
}

// measure asks x.to and fills in d.
func (x *exchange) measure(ctx context.Context, d *Details) error {
	x.stray = nil
	var err error
	switch x.Transport {
	case dnsUDP:
		err = x.overUDP(ctx, d)
		if err == nil && x.mustRetry() {
			err = x.retry(ctx, d)
		}
	case dnsTCP:
		err = x.overTCP(ctx, d)
	case dnsTLS:
		err = x.overTLS(ctx, d)
	case https:
		err = x.overHTTPS(ctx, d)
	}
	if err != nil {
		return err
	}
	x.finish(d)
	return nil
}

// mustRetry says whether the answer is to be asked for again over TCP.
func (x *exchange) mustRetry() bool { return x.answer.Truncated && x.RetryTCP }

func (x *exchange) retry(ctx context.Context, d *Details) error {
	x.run.Stepf("the answer is truncated: asking again over TCP")
	d.truncated()
	if err := x.overTCP(ctx, d); err != nil {
		return probes.NetFail("ask again over TCP, after a truncated answer", err)
	}
	return nil
}

// finish fills in d from the answer.
func (x *exchange) finish(d *Details) {
	x.owned = engine.OwnedBy(x.answer)
	d.setAnswer(x.answer, &x.owned)
	if !x.run.Watched() {
		return
	}
	x.run.Stepf("%s from %s over %s in %v: flags %s, %d bytes; ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d", d.Rcode, x.to, d.Transport,
		time.Duration(d.RTTNS), strings.Join(d.Flags, " "), d.Size, *d.AnswerCount, *d.AuthorityCount, *d.AdditionalCount)
}

// overUDP sends datagrams until one is answered, or there are no more attempts.
func (x *exchange) overUDP(ctx context.Context, d *Details) error {
	conn, err := x.OpenPacket(ctx, x.run, x.to, dns.MaxMsgSize)
	if err != nil {
		return err
	}
	defer conn.Close()
	var sent []dnsSent
	for i := range x.Attempts {
		// An id of its own, so that the round trip is that of this datagram.
		for x.query.Id = dns.Id(); sentAs(sent, x.query.Id) >= 0; {
			x.query.Id = dns.Id()
		}
		b, err := x.query.Pack()
		if err != nil {
			return probes.Broken(wire.BrokenInternal, "pack the query: %w", err)
		}
		at, err := conn.Send(b)
		if err != nil && i > 0 { // the ICMP answer to the datagram before
			at, err = conn.Send(b)
		}
		if err != nil {
			return probes.NetFail("ask "+x.to.String(), err)
		}
		sent = append(sent, dnsSent{x.query.Id, at})
		d.Sent = len(sent)
		x.run.Stepf("asked %s for %s, id %d, %d bytes", x.to, d.Question, x.query.Id, len(b))
		wait, cancel := probes.ShareTime(ctx, x.Attempts-i)
		err = x.receive(wait, conn, sent, d)
		cancel()
		if !probes.FailureIs(err, wire.FailNoAnswer) || ctx.Err() != nil {
			return err
		}
	}
	return x.silence(d)
}

func (x *exchange) silence(d *Details) error {
	return probes.Fail(wire.FailNoAnswer, "no answer from %s to %s", x.to, figures.Counted(d.Sent, "datagram"))
}

// receive waits for the answer to any datagram that was sent. What is not one is
// counted and waited past: the true answer may still come.
func (x *exchange) receive(ctx context.Context, conn *engine.PacketConn, sent []dnsSent, d *Details) error {
	for {
		a, err := conn.Receive(ctx)
		if err != nil && ctx.Err() != nil {
			return x.silence(d)
		}
		if err != nil {
			return probes.NetFail("ask "+x.to.String(), err)
		}
		if done, err := x.heard(a, sent, d); done {
			return err
		}
	}
}

// heard takes a datagram and says whether it is the answer. The error is that of
// an answer that breaks the protocol.
func (x *exchange) heard(a engine.Arrival, sent []dnsSent, d *Details) (done bool, err error) {
	m, i, err := acceptDNS(a.Payload, x.query.Question[0], sent)
	if x.isStray(err, d) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	rtt, clock := a.Since(sent[i].at)
	x.applyAnswer(d, m, len(a.Payload), rtt, clock)
	return true, nil
}

// isStray counts a message that is not an answer to us.
func (x *exchange) isStray(err error, d *Details) bool {
	var stray dnsStray
	if !errors.As(err, &stray) {
		return false
	}
	d.Strays++
	x.stray = stray
	if d.Strays <= 10 { // a flood does not fill the explanation
		x.run.Stepf("stray: %v", stray)
	}
	return true
}

// strays makes of err, the error of a run without answer, that of a server which
// sent nothing but strays, if it did.
func (x *exchange) strays(err error, d *Details) error {
	if d.Strays == 0 || x.stray == nil {
		return err
	}
	return probes.Fail(wire.FailBadAnswer, "%w; %s came, the last one %w", err, figures.Counted(d.Strays, "stray"), x.stray)
}

// applyAnswer notes an answer and its times.
func (x *exchange) applyAnswer(d *Details, m *dns.Msg, size int, rtt time.Duration, clock string) {
	x.answer = m
	d.Size, d.RTTNS, d.Clock = size, int64(rtt), clock
}
