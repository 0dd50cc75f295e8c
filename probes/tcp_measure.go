package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"netmon/wire"
)

// Measure implements Probe.
func (p TCP) Measure(ctx context.Context, run *Run) (TCPDetails, error) {
	var d TCPDetails
	host, port, err := splitTarget(run.Target, "")
	if err != nil {
		return d, err
	}
	plan, err := p.plan(run, host, port)
	if err != nil {
		return d, err
	}
	addrs, took, err := p.resolve(ctx, run, "tcp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.resolveAge()
	if err != nil {
		return d, err
	}
	return p.talk(ctx, run, plan, addrs, port, d)
}

// talk connects to the first address that takes the connection and does there
// what is to be done. d is what is known before.
func (p TCP) talk(ctx context.Context, run *Run, plan tcpPlan, addrs []netip.Addr, port uint16, d TCPDetails) (TCPDetails, error) {
	var witness tcpWitness
	defer witness.close()
	var prepare func(*net.Dialer)
	if p.connectsOnly() {
		prepare = witness.watch
	}
	conn, took, err := p.dialBy(ctx, run, "tcp", addrs, port, prepare)
	if p.connectsOnly() && failureIs(err, wire.FailReset) {
		// It was connected: before that a reset is ECONNREFUSED. Whoever looks a
		// moment later finds a connection, so this must not depend on the moment.
		run.Stepf("the target had taken the connection, and reset it at once")
		info := witness.info()
		d.connected(run, took, info)
		d.Info, d.BytesRead, d.BytesWritten = info, new(int64), new(int64)
		return d, nil
	}
	if err != nil {
		return d, err
	}
	witness.close()
	d.connected(run, took, tcpInfoOf(conn))
	t := newTCPTalk(ctx, run, conn, p.MaxBytes, plan.secrets)
	defer t.close()
	captures := map[string]string{}
	err = p.converse(t, plan, &d, captures)
	if info := tcpInfoOf(conn); info != nil {
		d.Info = info
	}
	if err == nil || errors.Is(err, errTCPUnmet) { // what is unmet is noted with the run
		text, ferr := plan.quit.fill(captures)
		if ferr == nil {
			t.farewell(text)
		}
		err = t.rejected(d)
	}
	d.ended(t, p.Keep, captures)
	return d, err
}

// converse does all that is to be done once connected.
func (p TCP) converse(t *tcpTalk, plan tcpPlan, d *TCPDetails, captures map[string]string) (err error) {
	security := p.security()
	if security == tcpTLS {
		if err := p.secure(t, plan, d); err != nil {
			return err
		}
	}
	if plan.start != nil {
		if err := p.askForTLS(t, plan, d, captures); err != nil {
			return err
		}
		if err := p.secure(t, plan, d); err != nil {
			return err
		}
	} else if plan.banner != nil {
		begin := time.Now()
		a, err := t.answer(plan.banner, 0)
		d.heard(t, begin, a)
		if err != nil {
			return tcpNamed("banner", err)
		}
		tcpAddCaptures(captures, a.captures)
	}
	for i, turn := range plan.turns {
		begin := time.Now()
		f, a, err := t.turn(turn, captures)
		d.Steps = append(d.Steps, f)
		if i == 0 && d.Banner == "" && f.SentBytes == 0 && security != tcpStartTLS {
			d.heard(t, begin, a)
		}
		if err != nil {
			return tcpNamed(turn.name, err)
		}
	}
	return nil
}

// tcpNamed says in which part of the conversation err came.
func tcpNamed(part string, err error) error {
	if errors.Is(err, errTCPUnmet) {
		return err
	}
	return netFail(part, err)
}

// askForTLS negotiates TLS in the target's protocol, up to its go-ahead.
// Whatever comes with the go-ahead came before TLS and could be anybody's: to
// take it for the protected server's word is the fault of CVE-2011-0411.
func (p TCP) askForTLS(t *tcpTalk, plan tcpPlan, d *TCPDetails, captures map[string]string) error {
	name := plan.start.name
	begin := time.Now()
	greeting, err := plan.start.ask(t, plan.server)
	d.StartTLS = name
	if len(greeting) > 0 {
		d.heard(t, begin, tcpAnswer{text: greeting, at: t.greeted})
		if e := plan.banner; e != nil {
			_, more, ok := e.find(greeting)
			tcpAddCaptures(captures, more)
			t.run.Expect(ok, e.option, e.want, d.Banner)
		}
	}
	if err != nil {
		return netFail("starttls "+name, err)
	}
	if n := len(t.buf); n > 0 {
		return fail(wire.FailBadAnswer, "starttls %s: %d bytes came with the go-ahead, before TLS: %s", name, n, t.quote(t.take(n)))
	}
	d.StartTLSNS = int64(t.arrived.Sub(begin))
	t.run.Stepf("%s: TLS may begin, after %v", name, time.Duration(d.StartTLSNS))
	return nil
}

// secure makes the handshake, compares it with what is expected of it, and goes
// on inside it.
func (p TCP) secure(t *tcpTalk, plan tcpPlan, d *TCPDetails) error {
	d.Info = tcpInfoOf(t.wire.Conn) // a handshake that fails closes the connection
	c, figures, took, err := p.TLS.handshake(t.ctx, t.run, t.wire, plan.host, p.ALPN...)
	d.TLS = figures
	if err != nil {
		t.pending = err
		return err
	}
	d.TLSNS = int64(took)
	t.conn, t.arrived = c, time.Time{}
	p.Expect.TLSExpect.check(t.run, d.TLS)
	return nil
}

func tcpAddCaptures(to, more map[string]string) {
	for name, v := range more {
		to[name] = v
	}
}

// tcpPlan is what a run does, ready to use.
type tcpPlan struct {
	host    string
	server  string // the name to ask for
	start   *startTLS
	banner  *tcpExpectation // nil: none is wanted
	turns   []tcpTurn
	quit    tcpText
	secrets tcpSecrets
}

// plan reads the secrets and compiles what has to be.
func (p TCP) plan(run *Run, host string, port uint16) (tcpPlan, error) {
	plan := tcpPlan{host: host, server: host}
	if p.TLS.ServerName != "" {
		plan.server = p.TLS.ServerName
	}
	quit := p.Quit
	if s, ok := p.negotiation(port); ok {
		plan.start = &s
		if quit == "" {
			quit = s.quit
		}
	}
	if p.Expect.Banner != "" {
		re, err := tcpRegexp(p.Expect.Banner)
		if err != nil {
			return plan, err
		}
		plan.banner = &tcpExpectation{option: "expect.banner", want: strconv.Quote(p.Expect.Banner), regex: re}
	} else if p.Banner {
		plan.banner = &tcpExpectation{option: "banner", want: "anything"}
	}
	for i, s := range p.Steps {
		turn := tcpTurn{name: s.Name, wait: s.Wait.Std()}
		if turn.name == "" {
			turn.name = fmt.Sprintf("step %d", i+1)
		}
		var err error
		if turn.send, err = tcpReveal(run, s.Send, &plan.secrets); err != nil {
			return plan, err
		}
		if turn.raw, err = unhex(s.SendHex); err != nil {
			return plan, err
		}
		if turn.expect, err = s.expectation(fmt.Sprintf("steps[%d].", i)); err != nil {
			return plan, err
		}
		plan.turns = append(plan.turns, turn)
	}
	var err error
	plan.quit, err = tcpReveal(run, quit, &plan.secrets)
	slices.SortFunc(plan.secrets, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	return plan, err
}
