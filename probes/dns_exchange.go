package probes

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// dnsExchange is one run's query to one server after the other.
//
// The exchange is our own rather than miekg/dns's: that gives up at the first
// datagram which is not ours, compares the id alone, does not notice when its
// context ends, and has no receive times of the kernel. It still packs and unpacks.
type dnsExchange struct {
	DNS
	run    *Run
	query  *dns.Msg
	host   string // whose certificate TLS verifies; "": the address
	to     netip.AddrPort
	answer *dns.Msg
	stray  error // why the last message that came was no answer to us
}

// ask asks one address after the other until one answers. known is what is known
// before; the figures are those of the address that answered, or that the error
// tells of.
func (x *dnsExchange) ask(ctx context.Context, addrs []netip.Addr, port uint16, known DNSDetails) (d DNSDetails, err error) {
	d = known
	var before error
	err = firstThatAnswers(ctx, x.run, addrs, func(attempt context.Context, a netip.Addr) error {
		one := known
		x.to = netip.AddrPortFrom(a, port)
		one.Server = x.to.String()
		err := x.measure(attempt, &one)
		if failureIs(err, wire.FailNoAnswer) && x.stray != nil && a == addrs[len(addrs)-1] {
			err = x.strays(err, &one) // only now: strays must not keep from asking the next server
		}
		if before == nil || !unsent(err) || unsent(before) {
			d, before = one, err
		}
		return err
	})
	return d, err
}

// measure asks x.to and fills in d.
func (x *dnsExchange) measure(ctx context.Context, d *DNSDetails) error {
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
	case dnsHTTPS:
		err = x.overHTTPS(ctx, d)
	}
	if err != nil {
		return err
	}
	x.conclude(d)
	return nil
}

// mustRetry says whether the answer is to be asked for again over TCP.
func (x *dnsExchange) mustRetry() bool { return x.answer.Truncated && x.RetryTCP }

func (x *dnsExchange) retry(ctx context.Context, d *DNSDetails) error {
	x.run.Stepf("the answer is truncated: asking again over TCP")
	d.truncated()
	if err := x.overTCP(ctx, d); err != nil {
		return netFail("ask again over TCP, after a truncated answer", err)
	}
	return nil
}

// conclude fills in d from the answer.
func (x *dnsExchange) conclude(d *DNSDetails) {
	d.fill(x.answer)
	if x.run.onStep == nil {
		return
	}
	x.run.Stepf("%s from %s over %s in %v: flags %s, %d bytes; ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d", d.Rcode, x.to, d.Transport,
		time.Duration(d.RTTNS), strings.Join(d.Flags, " "), d.Size, *d.AnswerCount, *d.AuthorityCount, *d.AdditionalCount)
}

// overUDP sends datagrams until one is answered, or there are no more attempts.
func (x *dnsExchange) overUDP(ctx context.Context, d *DNSDetails) error {
	conn, err := x.openPacket(ctx, x.run, x.to, dns.MaxMsgSize)
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
			return broken(wire.BrokenInternal, "pack the query: %w", err)
		}
		at, err := conn.Send(b)
		if err != nil && i > 0 { // the ICMP answer to the datagram before
			at, err = conn.Send(b)
		}
		if err != nil {
			return netFail("ask "+x.to.String(), err)
		}
		sent = append(sent, dnsSent{x.query.Id, at})
		d.Sent = len(sent)
		x.run.Stepf("asked %s for %s, id %d, %d bytes", x.to, d.Question, x.query.Id, len(b))
		wait, cancel := share(ctx, x.Attempts-i)
		err = x.receive(wait, conn, sent, d)
		cancel()
		if !failureIs(err, wire.FailNoAnswer) || ctx.Err() != nil {
			return err
		}
	}
	return x.silence(d)
}

func (x *dnsExchange) silence(d *DNSDetails) error {
	return fail(wire.FailNoAnswer, "no answer from %s to %d %s", x.to, d.Sent, pluralOf(d.Sent, "datagram"))
}

// receive waits for the answer to any datagram that was sent. What is not one is
// counted and waited past: the true answer may still come.
func (x *dnsExchange) receive(ctx context.Context, conn *packetConn, sent []dnsSent, d *DNSDetails) error {
	for {
		a, err := conn.Receive(ctx)
		if err != nil && ctx.Err() != nil {
			return x.silence(d)
		}
		if err != nil {
			return netFail("ask "+x.to.String(), err)
		}
		if done, err := x.heard(a, sent, d); done {
			return err
		}
	}
}

// heard takes a datagram and says whether it is the answer. The error is that of
// an answer that breaks the protocol.
func (x *dnsExchange) heard(a arrival, sent []dnsSent, d *DNSDetails) (done bool, err error) {
	m, i, err := acceptDNS(a.Payload, x.query.Question[0], sent)
	if x.isStray(err, d) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	rtt, clock := a.since(sent[i].at)
	x.take(d, m, len(a.Payload), rtt, clock)
	return true, nil
}

// isStray counts a message that is no answer to us.
func (x *dnsExchange) isStray(err error, d *DNSDetails) bool {
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
func (x *dnsExchange) strays(err error, d *DNSDetails) error {
	if d.Strays == 0 || x.stray == nil {
		return err
	}
	return fail(wire.FailBadAnswer, "%w; %d %s came, the last one %w", err, d.Strays, pluralOf(d.Strays, "stray"), x.stray)
}

// take notes an answer and its times.
func (x *dnsExchange) take(d *DNSDetails, m *dns.Msg, size int, rtt time.Duration, clock string) {
	x.answer = m
	d.Size, d.RTTNS, d.Clock = size, int64(rtt), clock
}
