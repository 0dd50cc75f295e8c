package probes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
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

// dnsSent is one query on its way.
type dnsSent struct {
	id uint16
	at time.Time
}

// measure asks x.to and fills in d.
func (x *dnsExchange) measure(ctx context.Context, d *DNSDetails) error {
	x.stray = nil
	var err error
	switch x.Transport {
	case dnsUDP:
		err = x.overUDP(ctx, d)
		if err == nil && x.answer.Truncated && x.RetryTCP {
			x.run.Stepf("the answer is truncated: asking again over TCP")
			d.truncated()
			if err = x.overTCP(ctx, d); err != nil {
				return netFail("ask again over TCP, after a truncated answer", err)
			}
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
	d.fill(x.answer)
	x.run.Stepf("%s from %s over %s in %v: flags %s, %d bytes; ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d", d.Rcode, x.to, d.Transport,
		time.Duration(d.RTTNS), strings.Join(d.Flags, " "), d.Size, *d.AnswerCount, *d.AuthorityCount, *d.AdditionalCount)
	return nil
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

// sentAs is the place of the query with this id in sent, -1 when there is none.
func sentAs(sent []dnsSent, id uint16) int {
	return slices.IndexFunc(sent, func(s dnsSent) bool { return s.id == id })
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
		m, i, err := acceptDNS(a.Payload, x.query.Question[0], sent)
		if x.isStray(err, d) {
			continue
		}
		if err != nil {
			return err
		}
		rtt, clock := a.since(sent[i].at)
		x.take(d, m, len(a.Payload), rtt, clock)
		return nil
	}
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

// dnsStray is what tells a message from an answer to our query. It ends nothing.
type dnsStray string

func (s dnsStray) Error() string { return "no answer to our query: its " + string(s) }

// acceptDNS reads a message, and says which of the queries it answers. The id,
// the name, the type and the class must be those of the query (RFC 5452 section
// 9.1), else the error is a dnsStray. Another error is an answer to us that
// breaks the protocol.
func acceptDNS(b []byte, q dns.Question, sent []dnsSent) (m *dns.Msg, i int, err error) {
	const header = 12
	if len(b) < header {
		return nil, 0, dnsStray(fmt.Sprintf("length is %d bytes, less than a header", len(b)))
	}
	id := binary.BigEndian.Uint16(b)
	if i = sentAs(sent, id); i < 0 {
		return nil, 0, dnsStray(fmt.Sprintf("id is %d", id))
	}
	m = new(dns.Msg)
	unpackErr := m.Unpack(b)
	switch {
	case !m.Response:
		return nil, 0, dnsStray("QR bit makes it a query")
	case m.Opcode != dns.OpcodeQuery:
		return nil, 0, dnsStray(fmt.Sprintf("opcode is %d", m.Opcode))
	case len(m.Question) == 0 && m.Rcode != dns.RcodeSuccess && binary.BigEndian.Uint64(b[4:]) == 0:
		return m, i, nil // a header alone, as servers send that refuse or do not understand
	case len(m.Question) != 1:
		return nil, 0, dnsStray(fmt.Sprintf("question section has %d entries", len(m.Question)))
	}
	if got := m.Question[0]; !strings.EqualFold(got.Name, q.Name) || got.Qtype != q.Qtype || got.Qclass != q.Qclass {
		return nil, 0, dnsStray("question is " + clip(dnsQuestionText(got)))
	}
	counted := func(at int, records []dns.RR) bool { return int(binary.BigEndian.Uint16(b[at:])) == len(records) }
	switch {
	case m.Truncated: // and may be cut anywhere
		return m, i, nil
	case unpackErr != nil:
		return nil, i, fail(wire.FailBadAnswer, "the answer is not a DNS message: %w", unpackErr)
	case !counted(6, m.Answer) || !counted(8, m.Ns) || !counted(10, m.Extra):
		return nil, i, fail(wire.FailBadAnswer, "the answer ends before the records that its header announces")
	}
	return m, i, nil
}

// overTCP asks over a connection of its own (RFC 7766).
func (x *dnsExchange) overTCP(ctx context.Context, d *DNSDetails) error {
	conn, err := x.connect(ctx, d)
	if err != nil {
		return err
	}
	defer conn.Close()
	d.Transport = dnsTCP
	return x.overStream(ctx, conn, d)
}

// overTLS asks over TLS (RFC 7858).
func (x *dnsExchange) overTLS(ctx context.Context, d *DNSDetails) error {
	conn, err := x.secure(ctx, d, "dot")
	if err != nil {
		return err
	}
	defer conn.Close()
	return x.overStream(ctx, conn, d)
}

func (x *dnsExchange) connect(ctx context.Context, d *DNSDetails) (net.Conn, error) {
	conn, took, err := x.dial(ctx, x.run, "tcp", []netip.Addr{x.to.Addr()}, x.to.Port())
	if err == nil {
		d.ConnectNS = int64(took)
	}
	return conn, err
}

// secure connects and makes the TLS handshake.
func (x *dnsExchange) secure(ctx context.Context, d *DNSDetails, alpn ...string) (net.Conn, error) {
	conn, err := x.connect(ctx, d)
	if err != nil {
		return nil, err
	}
	host := x.host
	if host == "" {
		host = x.to.Addr().String()
	}
	secured, figures, took, err := x.TLS.handshake(ctx, x.run, conn, host, alpn...)
	d.TLS = figures
	if err != nil {
		return nil, err // not secured, which would be an interface that is not nil
	}
	d.TLSNS = int64(took)
	return secured, nil
}

// overStream sends the query with its length before it (RFC 1035 section 4.2.2)
// and reads messages until the answer.
func (x *dnsExchange) overStream(ctx context.Context, conn net.Conn, d *DNSDetails) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	b, err := x.query.Pack()
	if err != nil {
		return broken(wire.BrokenInternal, "pack the query: %w", err)
	}
	at := time.Now()
	// Both in one write, so that they go in one segment (RFC 7766 section 8).
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)); err != nil {
		return netFail("ask "+x.to.String(), plain(err))
	}
	quickAck(conn)
	x.run.Stepf("asked %s for %s, id %d, %d bytes", x.to, d.Question, x.query.Id, len(b))
	for {
		b, err := readDNSFrame(conn)
		rtt := time.Since(at)
		if err != nil {
			return x.strays(err, d)
		}
		m, _, err := acceptDNS(b, x.query.Question[0], []dnsSent{{x.query.Id, at}})
		if x.isStray(err, d) {
			continue
		}
		if err != nil {
			return err
		}
		x.take(d, m, len(b), rtt, ClockUser)
		return nil
	}
}

// readDNSFrame reads one message of a stream. The error is classified.
func readDNSFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if n, err := io.ReadFull(r, length[:]); err != nil {
		return nil, netFail(fmt.Sprintf("read the answer's length (%d of 2 bytes came)", n), plain(err))
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if n, err := io.ReadFull(r, b); err != nil {
		return nil, netFail(fmt.Sprintf("read the answer (%d of %d bytes came)", n, len(b)), plain(err))
	}
	return b, nil
}
