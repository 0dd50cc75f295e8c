package probes

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"netmon/wire"
)

// udpSeries is one run's datagrams to one address. Each has a socket, and so a
// source port, of its own: whatever comes back on it, answer or ICMP error, is
// this datagram's, even where the protocol has no token to tell.
type udpSeries struct {
	UDP
	plan udpPlan
	run  *Run
	last bool // there is no other address to fall back to
	sent []*udpDatagram
	err  error // why the series ended before all were sent
}

// udpDatagram is one datagram and what came of it. Its reader alone writes it
// until the series has ended.
type udpDatagram struct {
	seq     int
	sent    time.Time
	request udpRequest

	state   string // of UDPDetails.State
	err     error  // with refused, unreachable, or why the reply is not ours
	rtt     time.Duration
	clock   string
	arrived time.Time
	bytes   int
	cut     bool
	reply   string // for people
	says    string
	checks  []udpCheck
	extra   int // datagrams after the reply
	strange int // datagrams that were no reply to this one
}

// udpCheck is one expectation of a reply.
type udpCheck struct {
	ok                bool
	option, want, got string
}

// States of a UDP port, and of each datagram.
const (
	udpAnswered    = "answered"
	udpRefused     = "refused"
	udpNoAnswer    = "no_answer"
	udpMismatch    = "mismatch"
	udpUnreachable = "unreachable" // of a datagram alone: nothing is known of the port
)

// udpMostStrange ends the listening for one datagram: somebody floods us.
const udpMostStrange = 1000

// exchange sends the datagrams and waits for what comes. attempt is the part of
// ctx in which the address must have shown that it answers at all. The error
// means that nothing could be sent.
func (s *udpSeries) exchange(ctx, attempt context.Context, a netip.Addr, port uint16) error {
	listen, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	concluded := make(chan *udpDatagram, s.Count)

	begin, answered, open := time.Now(), 0, 0
	next := time.NewTimer(0)
	defer next.Stop()
	var end <-chan time.Time
	for {
		select {
		case <-next.C:
			if err := s.send(listen, netip.AddrPortFrom(a, port), &readers, concluded); err != nil {
				s.err = err
				if len(s.sent) == 0 {
					return err
				}
				s.run.Stepf("datagram %d: %v", len(s.sent)+1, err)
				return nil
			}
			open++
			if len(s.sent) < s.Count {
				next.Reset(time.Until(begin.Add(time.Duration(len(s.sent)) * s.Interval.Std())))
			} else if s.Wait > 0 {
				t := time.NewTimer(s.Wait.Std())
				defer t.Stop()
				end = t.C
			}
		case d := <-concluded:
			open--
			if d.state == udpAnswered || d.state == udpMismatch {
				answered++
				attempt = ctx
			} else if !s.last && answered == 0 {
				return nil
			}
			if open == 0 && len(s.sent) == s.Count {
				return nil
			}
		case <-end:
			return nil
		case <-attempt.Done():
			if len(s.sent) < s.Count && answered > 0 {
				s.err = fail(wire.FailTimeout, "only %d of %d datagrams were sent within the timeout: it is shorter than count times interval", len(s.sent), s.Count)
			}
			return nil
		}
	}
}

// send opens a socket, sends the next datagram and leaves a reader behind.
func (s *udpSeries) send(ctx context.Context, to netip.AddrPort, readers *sync.WaitGroup, concluded chan<- *udpDatagram) error {
	conn, err := s.openPacket(ctx, s.run, to, udpReplyLimit)
	if err != nil {
		return err
	}
	local, _ := netip.ParseAddrPort(conn.conn.LocalAddr().String())
	d := &udpDatagram{seq: len(s.sent) + 1, request: s.plan.request(udpPeers{local: local, remote: to})}
	if d.sent, err = conn.Send(d.request.payload); err != nil {
		conn.Close()
		return netFail("send to "+to.String(), err)
	}
	d.state = udpNoAnswer
	s.sent = append(s.sent, d)
	name := s.plan.protocol
	if name == "" {
		name = "payload"
	}
	s.run.Stepf("datagram %d: sent %d bytes (%s) from port %d: %s", d.seq, len(d.request.payload), name, local.Port(), udpShow(d.request.payload, d.request.secret))
	readers.Go(func() {
		defer conn.Close()
		s.listen(ctx, conn, d, concluded)
	})
	return nil
}

// listen reads what comes for d until ctx ends.
func (s *udpSeries) listen(ctx context.Context, conn *packetConn, d *udpDatagram, concluded chan<- *udpDatagram) {
	for d.strange+d.extra < udpMostStrange {
		a, err := conn.Receive(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil && d.done():
			return // an ICMP error after the answer takes nothing back
		case err != nil:
			s.unreached(d, err)
			concluded <- d
			return
		case s.heard(d, a):
			concluded <- d
		}
	}
	s.run.Stepf("datagram %d: stopped listening after %d datagrams that nobody asked for", d.seq, d.strange+d.extra)
}

// unreached notes what an ICMP error says of d.
func (s *udpSeries) unreached(d *udpDatagram, err error) {
	d.err = err
	d.state = udpUnreachable
	if errors.Is(err, syscall.ECONNREFUSED) {
		d.state = udpRefused
	}
	s.run.Livef("datagram %d: %s after %v: %v", d.seq, d.state, time.Since(d.sent), err)
}

// heard takes what came for d, and says whether it is the reply.
func (s *udpSeries) heard(d *udpDatagram, a arrival) (reply bool) {
	if d.done() {
		d.extra++
		s.run.Stepf("datagram %d: one more reply of %d bytes", d.seq, len(a.Payload))
		return false
	}
	rtt, clock := a.since(d.sent)
	says := ""
	if d.request.check != nil {
		var err error
		if says, err = d.request.check(a.Payload); err != nil {
			d.strange++
			d.err, d.reply, d.bytes, d.cut = err, udpShow(a.Payload, d.request.secret), len(a.Payload), a.Truncated
			s.run.Stepf("datagram %d: %d bytes that are no reply to it: %v: %s", d.seq, d.bytes, err, d.reply)
			return false
		}
	}
	d.state, d.err = udpAnswered, nil
	d.rtt, d.clock, d.arrived = rtt, clock, d.sent.Add(rtt)
	d.bytes, d.cut, d.reply, d.says = len(a.Payload), a.Truncated, udpShow(a.Payload, d.request.secret), says
	d.checks = s.check(a.Payload, d.request.secret)
	for _, c := range d.checks {
		if !c.ok {
			d.state = udpMismatch
		}
	}
	if says != "" {
		says = ", " + says
	}
	s.run.Livef("datagram %d: reply of %d bytes%s, time %v (%s)", d.seq, d.bytes, says, rtt, clock)
	return true
}

// done says whether the datagram has its reply.
func (d *udpDatagram) done() bool { return d.state == udpAnswered || d.state == udpMismatch }

// check compares a reply with what is expected of it.
func (s *udpSeries) check(b, secret []byte) (checks []udpCheck) {
	e := s.Expect
	got := udpShow(b, secret)
	if s.plan.regex != nil {
		checks = append(checks, udpCheck{s.plan.regex.Match(b), "regex", strconv.Quote(e.Regex), got})
	}
	if len(s.plan.hex) > 0 {
		checks = append(checks, udpCheck{bytes.Contains(b, s.plan.hex), "hex", hex.EncodeToString(s.plan.hex), udpHex(b, secret)})
	}
	if e.MinBytes > 0 {
		checks = append(checks, udpCheck{len(b) >= e.MinBytes, "min_bytes", fmt.Sprintf("at least %d", e.MinBytes), strconv.Itoa(len(b))})
	}
	if e.MaxBytes > 0 {
		checks = append(checks, udpCheck{len(b) <= e.MaxBytes, "max_bytes", fmt.Sprintf("at most %d", e.MaxBytes), strconv.Itoa(len(b))})
	}
	return checks
}

// udpShow writes bytes for people: as text where they are text, else in hex.
func udpShow(b, secret []byte) string {
	if len(b) == 0 {
		return "(empty)"
	}
	clean := udpHide(b, secret)
	if utf8.Valid(clean) && bytes.IndexFunc(clean, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' && r != '\t' || r == 0x7f }) < 0 {
		return clip(strconv.Quote(string(clean)))
	}
	return udpHex(b, secret)
}

// udpHex writes the beginning of b in hex.
func udpHex(b, secret []byte) string {
	const most = 64
	s := hex.EncodeToString(udpHide(b, secret)[:min(len(b), most)])
	if len(b) > most {
		s += fmt.Sprintf("... (%d bytes)", len(b))
	}
	return s
}

// udpHide puts stars where the secret stands.
func udpHide(b, secret []byte) []byte {
	if len(secret) == 0 {
		return b
	}
	return bytes.ReplaceAll(b, secret, bytes.Repeat([]byte("*"), len(secret)))
}

// judge turns the figures into the outcome. Unmet expectations are noted.
func (s *udpSeries) judge(d *UDPDetails) error {
	switch d.State {
	case udpRefused:
		return netFail("the port is closed", s.errOf(udpRefused))
	case udpNoAnswer:
		if err := s.errOf(udpUnreachable); err != nil {
			return netFail("no answer", err)
		}
		return fail(wire.FailNoAnswer, "no reply to %d %s", d.Sent, pluralOf(d.Sent, "datagram"))
	}
	s.expect(d)
	if d.Received == 0 { // only what did not belong to our datagrams
		return nil
	}
	if most := s.Expect.Loss; most != nil {
		s.run.Expect(*d.Loss <= *most, "loss", fmt.Sprintf("at most %v %%", *most*100), fmt.Sprintf("%v %%", *d.Loss*100))
		if *d.Loss > *most && len(s.run.unmet) == 1 {
			return fail(wire.FailLoss, "%d of %d datagrams stayed without reply, want at most %v %%", d.Lost, d.Sent, *most*100)
		}
	}
	if len(s.run.unmet) == 0 {
		return s.err
	}
	return nil
}

// expect notes each expectation once: by the first reply that did not meet it,
// else by the first of all.
func (s *udpSeries) expect(d *UDPDetails) {
	shown := map[string]*udpCheck{}
	var order []string
	for _, g := range s.sent {
		for _, c := range g.checks {
			if old := shown[c.option]; old == nil {
				order = append(order, c.option)
				shown[c.option] = &c
			} else if old.ok && !c.ok {
				shown[c.option] = &c
			}
		}
	}
	for _, option := range order {
		c := shown[option]
		s.run.Expect(c.ok, c.option, c.want, c.got)
	}
	if d.Received > 0 {
		return
	}
	for _, g := range s.sent {
		if g.strange > 0 {
			s.run.Expect(false, "protocol", "a reply to our "+s.plan.protocol+" datagram", fmt.Sprintf("%v: %s", g.err, g.reply))
			return
		}
	}
}

// errOf is the error of the first datagram in this state.
func (s *udpSeries) errOf(state string) error {
	for _, g := range s.sent {
		if g.state == state {
			return g.err
		}
	}
	return nil
}

func pluralOf(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
