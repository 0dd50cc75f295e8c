package udp

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// series is one run's datagrams to one address. Each has a socket, and so a
// source port, of its own: whatever comes back on it, answer or ICMP error, is
// this datagram's, even where the protocol has no token.
type series struct {
	Probe
	plan udpPlan
	run  *probes.Run
	last bool // there is no other address to fall back to
	sent []*datagram
	err  error // why the series ended before all were sent
}

// datagram is one datagram and what came of it. Its reader alone writes it
// until the series has ended.
type datagram struct {
	seq     int
	sent    time.Time
	request request

	state   string // of Details.State
	err     error  // with refused, unreachable, or why the reply is not ours
	rtt     time.Duration
	clock   string
	arrived time.Time
	bytes   int
	cut     bool
	reply   string // for people
	says    string
	checks  []check
	extra   int // datagrams after the reply
	strange int // datagrams that were not a reply to this one
}

// check is one expectation of a reply.
type check struct {
	ok                bool
	option, want, got string
}

// States of a UDP port, and of each datagram.
const (
	udpAnswered = "answered"
	udpRefused  = "refused"
	noAnswer    = "no_answer"
	mismatch    = "mismatch"
	unreachable = "unreachable" // of a datagram alone: nothing is known of the port
)

// mostStrange ends the listening for one datagram: somebody floods us.
const mostStrange = 1000

// exchange sends the datagrams and waits for what comes. attempt is the part of
// ctx in which the address must have shown that it answers at all. The error
// means that nothing could be sent.
func (s *series) exchange(ctx, attempt context.Context, a netip.Addr, port uint16) error {
	listen, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	concluded := make(chan *datagram, s.Count)

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
			if d.state == udpAnswered || d.state == mismatch {
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
				s.err = probes.Fail(wire.FailTimeout, "only %d of %d datagrams were sent within the timeout: it is shorter than count times interval", len(s.sent), s.Count)
			}
			return nil
		}
	}
}

// send opens a socket, sends the next datagram and leaves a reader behind.
func (s *series) send(ctx context.Context, to netip.AddrPort, readers *sync.WaitGroup, concluded chan<- *datagram) error {
	conn, err := s.OpenPacket(ctx, s.run, to, replyLimit)
	if err != nil {
		return err
	}
	local, _ := netip.ParseAddrPort(conn.Conn.LocalAddr().String())
	d := &datagram{seq: len(s.sent) + 1, request: s.plan.request(udpPeers{local: local, remote: to})}
	if d.sent, err = conn.Send(d.request.payload); err != nil {
		conn.Close()
		return probes.NetFail("send to "+to.String(), err)
	}
	d.state = noAnswer
	s.sent = append(s.sent, d)
	name := s.plan.protocol
	if name == "" {
		name = "payload"
	}
	if s.run.Watched() {
		s.run.Stepf("datagram %d: sent %s (%s) from port %d: %s", d.seq, figures.Counted(len(d.request.payload), "byte"), name, local.Port(), figures.Show(d.request.payload, d.request.secret))
	}
	readers.Go(func() {
		defer conn.Close()
		s.listen(ctx, conn, d, concluded)
	})
	return nil
}

// listen reads what comes for d until ctx ends.
func (s *series) listen(ctx context.Context, conn *engine.PacketConn, d *datagram, concluded chan<- *datagram) {
	for d.strange+d.extra < mostStrange {
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
	s.run.Stepf("datagram %d: stopped listening after %d unexpected datagrams", d.seq, d.strange+d.extra)
}

// unreached notes what an ICMP error says of d.
func (s *series) unreached(d *datagram, err error) {
	d.err = err
	d.state = unreachable
	if errors.Is(err, syscall.ECONNREFUSED) {
		d.state = udpRefused
	}
	s.run.Livef("datagram %d: %s after %v: %v", d.seq, d.state, time.Since(d.sent), err)
}

// heard takes what came for d, and says whether it is the reply.
func (s *series) heard(d *datagram, a engine.Arrival) (reply bool) {
	if d.done() {
		d.extra++
		s.run.Stepf("datagram %d: one more reply of %s", d.seq, figures.Counted(len(a.Payload), "byte"))
		return false
	}
	rtt, clock := a.Since(d.sent)
	says := ""
	if d.request.check != nil {
		var err error
		if says, err = d.request.check(a.Payload); err != nil {
			d.strange++
			d.err, d.reply, d.bytes, d.cut = err, figures.Show(a.Payload, d.request.secret), len(a.Payload), a.Truncated
			s.run.Stepf("datagram %d: %d bytes that are no reply to it: %v: %s", d.seq, d.bytes, err, d.reply)
			return false
		}
	}
	d.state, d.err = udpAnswered, nil
	d.rtt, d.clock, d.arrived = rtt, clock, d.sent.Add(rtt)
	d.bytes, d.cut, d.reply, d.says = len(a.Payload), a.Truncated, figures.Show(a.Payload, d.request.secret), says
	d.checks = s.check(a.Payload, d.request.secret)
	for _, c := range d.checks {
		if !c.ok {
			d.state = mismatch
		}
	}
	if !s.run.Watched() {
		return true // nobody looks, at ten thousand replies a second
	}
	if says != "" {
		says = ", " + says
	}
	s.run.Livef("datagram %d: reply of %s%s, time %v (%s)", d.seq, figures.Counted(d.bytes, "byte"), says, rtt, clock)
	return true
}

// done says whether the datagram has its reply.
func (d *datagram) done() bool { return d.state == udpAnswered || d.state == mismatch }

// check compares a reply with what is expected of it.
func (s *series) check(b, secret []byte) (checks []check) {
	e := s.Expect
	got := figures.Show(b, secret)
	if s.plan.regex != nil {
		checks = append(checks, check{s.plan.regex.Match(b), "regex", strconv.Quote(e.Regex), got})
	}
	if len(s.plan.hex) > 0 {
		checks = append(checks, check{bytes.Contains(b, s.plan.hex), "hex", hex.EncodeToString(s.plan.hex), figures.Hex(b, secret)})
	}
	if e.MinBytes > 0 {
		checks = append(checks, check{len(b) >= e.MinBytes, "min_bytes", fmt.Sprintf("at least %d", e.MinBytes), strconv.Itoa(len(b))})
	}
	if e.MaxBytes > 0 {
		checks = append(checks, check{len(b) <= e.MaxBytes, "max_bytes", fmt.Sprintf("at most %d", e.MaxBytes), strconv.Itoa(len(b))})
	}
	return checks
}

// checkExpectations turns the figures into the outcome. Unmet expectations are noted.
func (s *series) checkExpectations(d *Details) error {
	switch d.State {
	case udpRefused:
		text := s.errOf(udpRefused).Error()
		if icmp, ok := strings.CutPrefix(text, syscall.ECONNREFUSED.Error()+": "); ok {
			text = icmp // the reason, refused, says the rest
		}
		return probes.Fail(wire.FailRefused, "%s", text)
	case noAnswer:
		if err := s.errOf(unreachable); err != nil {
			return probes.NetFail("no answer", err)
		}
		return probes.Fail(wire.FailNoAnswer, "no reply to %s", figures.Counted(d.Sent, "datagram"))
	}
	s.expect(d)
	if d.Received == 0 { // only what did not belong to our datagrams
		return nil
	}
	if most := s.Expect.Loss; most != nil {
		s.run.Expect(*d.Loss <= *most, "loss", fmt.Sprintf("at most %v %%", *most*100), fmt.Sprintf("%v %%", *d.Loss*100))
		if *d.Loss > *most && s.run.Misses() == 1 {
			return probes.Fail(wire.FailLoss, "%d of %d datagrams stayed without reply, want at most %v %%", d.Lost, d.Sent, *most*100)
		}
	}
	if s.run.Misses() == 0 {
		return s.err
	}
	return nil
}

// expect notes each expectation once: by the first reply that did not meet it,
// else by the first of all.
func (s *series) expect(d *Details) {
	shown := map[string]*check{}
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
func (s *series) errOf(state string) error {
	for _, g := range s.sent {
		if g.state == state {
			return g.err
		}
	}
	return nil
}
