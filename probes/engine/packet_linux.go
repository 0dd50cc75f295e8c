package engine

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// prepare asks the kernel for receive timestamps, and for every ICMP error
// instead of port unreachable alone. What it refuses is done without.
func (p *PacketConn) prepare() {
	rc, err := p.Conn.SyscallConn()
	if err != nil {
		return
	}
	rc.Control(func(fd uintptr) {
		p.kernel = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) == nil
		QueueICMP(int(fd), p.to.Addr().Is6(), 1)
	})
	p.oob = make([]byte, 128)
}

// read takes one datagram with the time at which the kernel received it.
func (p *PacketConn) read() (Arrival, error) {
	n, oobn, flags, _, err := p.Conn.ReadMsgUDPAddrPort(p.buf, p.oob)
	now := steadyNow()
	if err != nil {
		return Arrival{}, err
	}
	limit := len(p.buf) - 1
	a := Arrival{Payload: p.buf[:min(n, limit)], Truncated: n > limit || flags&unix.MSG_TRUNC != 0, Read: now}
	for rest := p.oob[:oobn]; len(rest) > 0; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS {
			a.Kernel = Timespec(data)
		}
		rest = next
	}
	return a, nil
}

// Timespec reads the timestamp of SO_TIMESTAMPNS: two words of the machine's
// size, or, on a 32-bit machine with 64-bit times, two of 64 bits.
func Timespec(b []byte) time.Time {
	switch len(b) {
	case 8:
		return time.Unix(int64(int32(binary.NativeEndian.Uint32(b))), int64(int32(binary.NativeEndian.Uint32(b[4:]))))
	case 16:
		return time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:])))
	}
	return time.Time{}
}

// icmp takes the ICMP errors that came from the socket's error queue and says
// who sent the last of them and what it was, "" when there is none.
func (p *PacketConn) icmp() (text string) {
	rc, err := p.Conn.SyscallConn()
	if err != nil {
		return ""
	}
	rc.Control(func(fd uintptr) { text = QueuedICMP(int(fd)) })
	return text
}

// QueuedICMP takes the ICMP errors that are in a socket's error queue and says
// what the last of them was, and who sent it; "" when there is none.
func QueuedICMP(fd int) (text string) {
	buf, oob := make([]byte, 64), make([]byte, 512)
	for range MostErrors { // more than a run sends before it looks; a flood must not hold us
		_, oobn, _, _, err := unix.Recvmsg(fd, buf, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			break
		}
		if _, s := icmpText(oob[:oobn]); s != "" {
			text = s
		}
	}
	return text
}

// QueueICMP has the kernel put ICMP errors into a socket's error queue (ip(7),
// IP_RECVERR), or no more: on is 1 or 0. For TCP it does since Linux 5.8, and
// while a connection is being made.
func QueueICMP(fd int, v6 bool, on int) {
	if v6 {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, on)
	} else {
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, on)
	}
}

// icmpText reads a control message that holds struct sock_extended_err and the
// address of who sent the error (ip(7), IP_RECVERR). text is "" when it is not
// about an ICMP message.
func icmpText(oob []byte) (errno syscall.Errno, text string) {
	for len(oob) > 0 {
		h, data, next, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0, ""
		}
		oob = next
		v4 := h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR
		v6 := h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR
		if !v4 && !v6 || len(data) < 16 {
			continue
		}
		const origin, typ, code = 4, 5, 6
		addr := data[16:] // struct sockaddr_in or sockaddr_in6
		errno = syscall.Errno(binary.NativeEndian.Uint32(data))
		switch data[origin] {
		case unix.SO_EE_ORIGIN_ICMP:
			if len(addr) >= 8 {
				return errno, icmpSays(data[typ], data[code], false, netip.AddrFrom4([4]byte(addr[4:8])))
			}
		case unix.SO_EE_ORIGIN_ICMP6:
			if len(addr) >= 24 {
				return errno, icmpSays(data[typ], data[code], true, netip.AddrFrom16([16]byte(addr[8:24])))
			}
		}
	}
	return 0, ""
}
