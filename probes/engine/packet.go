package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// PacketConn is a connected UDP socket: the kernel hands over only what comes
// from the target's address and port, and an ICMP error that the target's side
// sent back comes out of Send or Receive as ECONNREFUSED (port unreachable),
// EHOSTUNREACH or ENETUNREACH. It is for one goroutine at a time.
type PacketConn struct {
	source string // option source
	Conn   *net.UDPConn
	to     netip.AddrPort
	kernel bool   // the socket gives receive timestamps
	buf    []byte // of the largest datagram that is wanted, and one byte
	oob    []byte
}

// Arrival is one datagram that came.
type Arrival struct {
	Payload   []byte    // valid until the next Receive
	Truncated bool      // it was larger than the limit given to OpenPacket
	Read      time.Time // when this process had read it, with the monotonic clock
	Kernel    time.Time // when the kernel took it from the network, wall clock; zero when it does not say
}

// clockStep is how far wall clock and monotonic clock may drift apart between
// send and receive before the wall clock counts as having been set. A slewed
// clock moves both alike, so that only a step, or a process that was put to
// sleep between the two readings, parts them.
const clockStep = 200 * time.Microsecond

// Since returns the time from sent, which Send returned, to the arrival, never
// negative, and the clock that timed it. The kernel's timestamps are wall clock:
// when that was set in between, the time is this process's own.
func (a Arrival) Since(sent time.Time) (time.Duration, string) {
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

// OpenPacket opens the socket for one address with the dialer for that source, and
// has kernel timestamps where env's host gives them. A datagram longer than limit
// arrives cut.
func OpenPacket(ctx context.Context, d *net.Dialer, source string, to netip.AddrPort, limit int) (*PacketConn, error) {
	conn, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		return nil, err
	}
	p := &PacketConn{source: source, Conn: conn.(*net.UDPConn), to: to, buf: make([]byte, limit+1)}
	p.prepare()
	return p, nil
}

// Clock is what times the arrivals.
func (p *PacketConn) Clock() string {
	if p.kernel {
		return ClockKernel
	}
	return ClockUser
}

// Close closes the socket.
func (p *PacketConn) Close() error { return p.Conn.Close() }

// Send sends one datagram and returns the time right before that. The error
// may be that of an earlier datagram, which an ICMP message answered.
func (p *PacketConn) Send(payload []byte) (sent time.Time, err error) {
	sent = steadyNow()
	_, err = p.Conn.Write(payload)
	if err != nil {
		return sent, p.explain(err)
	}
	return sent, nil
}

// Receive waits for one datagram until ctx ends, and then returns ctx's error.
func (p *PacketConn) Receive(ctx context.Context) (Arrival, error) {
	stop := context.AfterFunc(ctx, func() { p.Conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		deadline, _ := ctx.Deadline()
		p.Conn.SetReadDeadline(deadline)
		if err := ctx.Err(); err != nil { // before the deadline was set, which undid what AfterFunc had done
			return Arrival{}, err
		}
		a, err := p.read()
		switch {
		case err == nil:
			return a, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return Arrival{}, p.explain(err)
		case ctx.Err() != nil:
			return Arrival{}, ctx.Err()
		case !deadline.IsZero() && !time.Now().Before(deadline):
			<-ctx.Done() // whose timer is about to fire
			return Arrival{}, ctx.Err()
		}
		// Else the end of an earlier Receive's context came late: wait on.
	}
}

// explain drops what net says before a system error, or puts it in the words of
// the ICMP message behind it, where the kernel can say.
// Without one it may be this host that did not know where to send.
func (p *PacketConn) explain(err error) error {
	err = systemError(err)
	message := p.icmp()
	if message == "" && Unrouted(p.source, p.to.Addr(), err) {
		return &NoRouteError{err}
	}
	return ICMPExplained(err, message)
}

// NoRouteError is a system error that means that this host sent nothing.
type NoRouteError struct{ Err error }

// Error implements error.
func (e *NoRouteError) Error() string {
	return e.Err.Error() + ": this host has no route there, and sent nothing"
}

// Unwrap returns Err.
func (e *NoRouteError) Unwrap() error { return e.Err }

// ICMPExplained puts err in the words of the ICMP message behind it.
func ICMPExplained(err error, message string) error {
	if message == "" {
		return err
	}
	cause := ICMPError{err, message}
	if errors.Is(err, syscall.ECONNREFUSED) { // the word that everybody looks for
		cause.text = fmt.Sprintf("%v: %s", err, message)
	}
	return cause
}

// systemError drops the addresses that net puts before a system error.
func systemError(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
