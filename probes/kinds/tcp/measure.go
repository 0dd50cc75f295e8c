package tcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// Measure implements Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	var d Details
	host, port, err := probes.SplitTarget(run.Target, "")
	if err != nil {
		return d, err
	}
	plan, err := p.plan(run, host, port)
	if err != nil {
		return d, err
	}
	addrs, took, err := p.Resolve(ctx, run, "tcp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.ResolveAge()
	if err != nil {
		return d, err
	}
	return p.talk(ctx, run, plan, addrs, port, d)
}

// talk connects to the first address that takes the connection and does there
// what is to be done. d is what is known before.
func (p Probe) talk(ctx context.Context, run *probes.Run, plan tcpPlan, addrs []netip.Addr, port uint16, d Details) (Details, error) {
	var witness tcpWitness
	defer witness.close()
	var prepare func(*net.Dialer)
	if p.connectsOnly() {
		prepare = witness.watch
	}
	conn, took, err := p.DialBy(ctx, run, "tcp", addrs, port, prepare)
	if p.connectsOnly() && probes.FailureIs(err, wire.FailReset) {
		// It was connected: before that a reset is ECONNREFUSED. Whoever looks a
		// moment later finds a connection, so this must not depend on the moment.
		run.Stepf("the target accepted the connection, and reset it at once")
		info := witness.info()
		d.connected(run, took, info)
		d.Info, d.BytesRead, d.BytesWritten = info, new(int64), new(int64)
		return d, nil
	}
	if err != nil {
		return d, err
	}
	witness.close()
	d.connected(run, took, engine.TCPInfoOf(conn))
	t := newTCPTalk(ctx, run, conn, p.MaxBytes, plan.secrets)
	defer t.close()
	captures := map[string]string{}
	err = p.converse(t, plan, &d, captures)
	if info := engine.TCPInfoOf(conn); info != nil {
		d.Info = info
	}
	if err == nil || errors.Is(err, errTCPUnmet) { // what is unmet is noted with the run
		text, ferr := plan.quit.expand(captures)
		if ferr == nil {
			t.farewell(text)
		}
		err = t.rejected(d)
	}
	d.ended(t, p.Keep, captures)
	return d, err
}

// converse does all that is to be done once connected.
func (p Probe) converse(t *talk, plan tcpPlan, d *Details, captures map[string]string) (err error) {
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
			return named("banner", err)
		}
		addCaptures(captures, a.captures)
	}
	for i, turn := range plan.turns {
		begin := time.Now()
		f, a, err := t.turn(turn, captures)
		d.Steps = append(d.Steps, f)
		if i == 0 && d.Banner == "" && f.SentBytes == 0 && security != tcpStartTLS {
			d.heard(t, begin, a)
		}
		if err != nil {
			return named(turn.name, err)
		}
	}
	return nil
}

// named says in which part of the conversation err came.
func named(part string, err error) error {
	if errors.Is(err, errTCPUnmet) {
		return err
	}
	return probes.NetFail(part, err)
}

// askForTLS negotiates TLS in the target's protocol, up to its go-ahead.
// Whatever comes with the go-ahead came before TLS and could be anybody's: to
// take it for the protected server's word is the fault of CVE-2011-0411.
func (p Probe) askForTLS(t *talk, plan tcpPlan, d *Details, captures map[string]string) error {
	name := plan.start.name
	begin := time.Now()
	greeting, err := plan.start.ask(t, plan.server)
	d.StartTLS = name
	if len(greeting) > 0 {
		d.heard(t, begin, answer{text: greeting, at: t.greeted})
		if e := plan.banner; e != nil {
			_, more, ok := e.find(greeting)
			addCaptures(captures, more)
			t.run.Expect(ok, e.option, e.want, d.Banner)
		}
	}
	if err != nil {
		return probes.NetFail("starttls "+name, err)
	}
	if n := len(t.buf); n > 0 {
		return probes.Fail(wire.FailBadAnswer, "starttls %s: %s came with the go-ahead, before TLS: %s", name, figures.Counted(n, "byte"), t.quote(t.consume(n)))
	}
	d.StartTLSNS = int64(t.arrived.Sub(begin))
	t.run.Stepf("%s: TLS may begin, after %v", name, time.Duration(d.StartTLSNS))
	return nil
}

// secure makes the handshake, compares it with what is expected of it, and continues
// inside it.
func (p Probe) secure(t *talk, plan tcpPlan, d *Details) error {
	d.Info = engine.TCPInfoOf(t.wire.Conn) // a handshake that fails closes the connection
	c, figures, took, err := p.TLS.Handshake(t.ctx, t.run, t.wire, plan.host, p.ALPN...)
	d.TLS = figures
	if err != nil {
		t.pending = err
		return err
	}
	d.TLSNS = int64(took)
	t.conn, t.arrived = c, time.Time{}
	p.Expect.Expect.Check(t.run, tlsconf.Hop{At: t.run.Target, F: d.TLS})
	return nil
}

func addCaptures(to, more map[string]string) {
	maps.Copy(to, more)
}

// tcpPlan is what a run does, ready to use.
type tcpPlan struct {
	host    string
	server  string // the name to ask for
	start   *startTLS
	banner  *expectation // nil: none is wanted
	turns   []tcpTurn
	quit    tcpText
	secrets tcpSecrets
}

// plan reads the secrets and compiles what has to be.
func (p Probe) plan(run *probes.Run, host string, port uint16) (tcpPlan, error) {
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
		plan.banner = &expectation{option: "expect.banner", want: strconv.Quote(p.Expect.Banner), regex: re}
	} else if p.Banner {
		plan.banner = &expectation{option: "banner", want: "anything"}
	}
	for i, s := range p.Steps {
		turn := tcpTurn{name: s.Name, wait: s.Wait.Std()}
		if turn.name == "" {
			turn.name = fmt.Sprintf("step %d", i+1)
		}
		var err error
		if turn.send, err = reveal(run, s.Send, &plan.secrets); err != nil {
			return plan, err
		}
		if turn.raw, err = figures.Unhex(s.SendHex); err != nil {
			return plan, err
		}
		if turn.expect, err = s.expectation(fmt.Sprintf("steps[%d].", i)); err != nil {
			return plan, err
		}
		plan.turns = append(plan.turns, turn)
	}
	var err error
	plan.quit, err = reveal(run, quit, &plan.secrets)
	slices.SortFunc(plan.secrets, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	return plan, err
}
