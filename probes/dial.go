package probes

import (
	"context"
	"net"
	"net/netip"
	"time"

	"netmon/probes/engine"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// Dial connects to the first of addrs that takes the connection, and notes it
// as the address measured. took is the time of the successful attempt alone.
func (c Common) Dial(ctx context.Context, run *Run, network string, addrs []netip.Addr, port uint16) (conn net.Conn, took time.Duration, err error) {
	return c.DialBy(ctx, run, network, addrs, port, nil)
}

// DialBy is Dial with dialers that prepare, where it is not nil, has prepared.
func (c Common) DialBy(ctx context.Context, run *Run, network string, addrs []netip.Addr, port uint16, prepare func(*net.Dialer)) (conn net.Conn, took time.Duration, err error) {
	var kept addressErrors
	for i, a := range addrs {
		if i > 0 {
			run.Stepf("falling back to %s", a)
		}
		attempt, cancel := ShareTime(ctx, len(addrs)-i)
		conn, took, err = c.dialOne(attempt, run, network, netip.AddrPortFrom(a, port), prepare)
		cancel()
		if (len(addrs) > 1 || run.triedAny()) && ctx.Err() != context.Canceled {
			run.tried(a, took, err)
		}
		if err == nil {
			return conn, took, nil
		}
		kept.note(a, err)
		if ctx.Err() != nil || FailureIs(err, wire.FailReset) { // a reset is the word of one that had taken it
			break
		}
	}
	return nil, took, kept.result(run)
}

func (c Common) dialOne(ctx context.Context, run *Run, network string, to netip.AddrPort, prepare func(*net.Dialer)) (net.Conn, time.Duration, error) {
	run.Reached(to.Addr().String())
	d, err := c.Dialer(network, to.Addr())
	if err != nil {
		return nil, 0, err
	}
	if prepare != nil {
		prepare(d)
	}
	var icmp engine.ErrorQueue
	defer icmp.Close()
	icmp.Watch(d)
	start := time.Now()
	conn, err := d.DialContext(ctx, network, to.String())
	took := time.Since(start)
	if err != nil {
		if explained, came := icmp.Explain(words.Plain(err)); came {
			err = NetFail("connect to "+to.String(), explained)
		} else {
			err = c.ConnectFail(to, took, err)
		}
		run.Stepf("%v", err)
		return nil, took, err
	}
	run.Stepf("connected to %s from %s in %v", to, conn.LocalAddr(), took)
	return conn, took, nil
}

// ConnectFail is the error of an attempt to connect that took so long.
func (c Common) ConnectFail(to netip.AddrPort, took time.Duration, err error) error {
	if f, isBroken := Reason(err); f == wire.FailTimeout && !isBroken {
		return Fail(f, "connect to %s: no answer %s", to, words.Within(took))
	}
	return c.ReachFail("connect to "+to.String(), to.Addr(), words.Plain(err))
}

// ShareTime gives an attempt its part of the time that is left for n of them.
func ShareTime(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || n <= 1 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(n))
}

// ReachFail is [NetFail] for an attempt to connect or send to an address. One
// that no packet of left this host says nothing about the target.
func (c Common) ReachFail(what string, to netip.Addr, err error) error {
	if engine.Unrouted(c.Source, to, err) {
		return Broken(wire.BrokenNoRoute, "%s: %w: this host has no route there, and sent nothing", what, err)
	}
	return NetFail(what, err)
}
