package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"netmon/wire"
)

// packetConn is a connected UDP socket: the kernel hands over only what comes
// from the target's address and port, and an ICMP error that the target's side
// sent back comes out of Send or Receive as ECONNREFUSED (port unreachable),
// EHOSTUNREACH or ENETUNREACH. It is for one goroutine at a time.
type packetConn struct {
	Common
	conn   *net.UDPConn
	to     netip.AddrPort
	kernel bool   // the socket gives receive timestamps
	buf    []byte // of the largest datagram that is wanted, and one byte
	oob    []byte
}

// arrival is one datagram that came.
type arrival struct {
	Payload   []byte    // valid until the next Receive
	Truncated bool      // it was larger than the limit given to openPacket
	Read      time.Time // when this process had read it, with the monotonic clock
	Kernel    time.Time // when the kernel took it from the network, wall clock; zero when it does not tell
}

// clockStep is how far wall clock and monotonic clock may drift apart between
// send and receive before the wall clock counts as having been set. A slewed
// clock moves both alike, so that only a step, or a process that was put to
// sleep between the two readings, parts them.
const clockStep = 200 * time.Microsecond

// since returns the time from sent, which Send returned, to the arrival, never
// negative, and the clock that timed it. The kernel's timestamps are wall clock:
// when that was set in between, the time is this process's own.
func (a arrival) since(sent time.Time) (time.Duration, string) {
	user := a.Read.Sub(sent)
	if a.Kernel.IsZero() {
		return max(user, 0), ClockUser
	}
	return trust(user, a.Read.Round(0).Sub(sent.Round(0)), a.Kernel.Sub(sent.Round(0)))
}

// steadyNow is the time, read again while something comes between the readings
// of its two clocks: this process does not always have a processor.
func steadyNow() time.Time {
	const most = clockStep / 10
	now := time.Now()
	for range 4 {
		next := time.Now()
		if next.Sub(now) < most {
			return next
		}
		now = next
	}
	return now
}

// trust chooses between user, the time until the process had read the datagram
// by the monotonic clock, and kernel, the time until the kernel had received it
// by the wall clock. wall is the same as user by the wall clock.
func trust(user, wall, kernel time.Duration) (time.Duration, string) {
	if (wall - user).Abs() > clockStep {
		return max(user, 0), ClockUser
	}
	return max(min(kernel, user), 0), ClockKernel
}

// openPacket opens the socket for one address and notes it as the one being
// measured. A datagram longer than limit arrives cut. The error is classified.
func (c Common) openPacket(ctx context.Context, run *Run, to netip.AddrPort, limit int) (*packetConn, error) {
	run.Reached(to.Addr().String())
	d, err := c.dialer("udp", to.Addr())
	if err != nil {
		return nil, err
	}
	conn, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		run.Stepf("open a UDP socket to %s: %v", to, err)
		return nil, c.reachFail("open a UDP socket to "+to.String(), to.Addr(), plain(err))
	}
	p := &packetConn{Common: c, conn: conn.(*net.UDPConn), to: to, buf: make([]byte, limit+1)}
	p.prepare(run.Env)
	clock := ClockUser
	if p.kernel {
		clock = ClockKernel
	}
	run.Stepf("UDP socket from %s to %s, receive times by the %s", conn.LocalAddr(), to, clock)
	return p, nil
}

// Close closes the socket.
func (p *packetConn) Close() error { return p.conn.Close() }

// Send sends one datagram and returns the time right before that. The error
// may be that of an earlier datagram, which an ICMP message answered.
func (p *packetConn) Send(payload []byte) (sent time.Time, err error) {
	sent = steadyNow()
	_, err = p.conn.Write(payload)
	if err != nil {
		return sent, p.explain(err)
	}
	return sent, nil
}

// Receive waits for one datagram until ctx ends, and then returns ctx's error.
func (p *packetConn) Receive(ctx context.Context) (arrival, error) {
	stop := context.AfterFunc(ctx, func() { p.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		deadline, _ := ctx.Deadline()
		p.conn.SetReadDeadline(deadline)
		if err := ctx.Err(); err != nil { // before the deadline was set, which undid what AfterFunc had done
			return arrival{}, err
		}
		a, err := p.read()
		switch {
		case err == nil:
			return a, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return arrival{}, p.explain(err)
		case ctx.Err() != nil:
			return arrival{}, ctx.Err()
		case !deadline.IsZero() && !time.Now().Before(deadline):
			<-ctx.Done() // whose timer is about to fire
			return arrival{}, ctx.Err()
		}
		// Else the end of an earlier Receive's context came late: wait on.
	}
}

// explain drops what net says before a system error and adds who sent the ICMP
// message behind it, where the kernel can tell.
// Without one it may be this host that did not know where to send.
func (p *packetConn) explain(err error) error {
	err = plain(err)
	message := p.icmp()
	if message == "" && p.unrouted(p.to.Addr(), err) {
		return broken(wire.BrokenNoRoute, "%w: this host has no route there, and sent nothing", err)
	}
	return icmpExplained(err, message)
}

// icmpExplained adds to err what is known of the ICMP message behind it. One
// that is no plain "unreachable", such as one about the packet's size, says as
// much: the packet did not get there.
func icmpExplained(err error, message string) error {
	if message == "" {
		return err
	}
	if f, _ := reason(err); f == wire.FailBadAnswer {
		return fail(wire.FailUnreachable, "%w (%s)", err, message)
	}
	return fmt.Errorf("%w (%s)", err, message)
}
