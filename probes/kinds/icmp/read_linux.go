package icmp

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"netmon/probes/engine"
)

// batch is how many messages one system call reads at most.
const batch = 16

// buffers are what messages are read into.
type buffers struct {
	messages [batch]unix.Mmsghdr
	data     [batch][]byte
	iovs     [batch]unix.Iovec
	names    [batch][unix.SizeofSockaddrInet6]byte
	controls [batch][128]byte
}

func newICMPBuffers(limit int) *buffers {
	b := &buffers{}
	for i := range b.messages {
		b.data[i] = make([]byte, limit)
		b.iovs[i].Base = &b.data[i][0]
		b.iovs[i].SetLen(limit)
		h := &b.messages[i].Hdr
		h.Name, h.Iov, h.Control = &b.names[i][0], &b.iovs[i], &b.controls[i][0]
		h.SetIovlen(1)
	}
	return b
}

// mostBatches bounds what is read at a time: whoever sends faster than we read
// holds up nobody's schedule.
const mostBatches = 256

// read hands the engine what is there, within that bound; behind says that there
// may be more. b is the caller's for the time.
func (s *socket) read(e *echoEngine, b *buffers) (behind bool) {
	s.rc.Control(func(fd uintptr) {
		behind = true
		for range mostBatches {
			n, err := b.receive(int(fd))
			now := time.Now()
			for i := range n {
				s.hand(e, b, i, now)
			}
			if err == unix.EAGAIN || err == nil && n < batch {
				behind = false
				break
			}
			if err != nil { // one that another request met: it is in the error queue
				s.readErrors(e, int(fd), b)
			}
		}
		if !behind { // a reply that came before an error counts first
			s.readErrors(e, int(fd), b)
		}
	})
	return behind
}

// receive reads as many messages as there are, at most a batch.
func (b *buffers) receive(fd int) (n int, err error) {
	for i := range b.messages {
		h := &b.messages[i].Hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(len(b.controls[i]))
		h.Flags = 0
	}
	r, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// hand gives the engine the message in place i.
func (s *socket) hand(e *echoEngine, b *buffers, i int, now time.Time) {
	m := &b.messages[i]
	if m.Hdr.Flags&unix.MSG_TRUNC != 0 || int(m.Len) > len(b.data[i]) {
		return // longer than any reply of ours
	}
	in := input{message: b.data[i][:m.Len], from: from(b.names[i][:m.Hdr.Namelen]), Arrival: engine.Arrival{Read: now}}
	for rest := b.controls[i][:m.Hdr.Controllen]; len(rest) > 0; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS:
			in.Kernel = engine.Timespec(data)
		case len(data) >= 4 && (h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL || h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT):
			in.ttl = int(binary.NativeEndian.Uint32(data))
		}
		rest = next
	}
	if s.raw && !s.v6 { // with its IP header, and before the kernel has checked the sum
		message, ok := inIPv4(in.message)
		if !ok {
			return
		}
		in.message, in.badSum = message, checksum(message) != 0
	}
	e.received(in)
}

// from reads a struct sockaddr_in or sockaddr_in6.
func from(b []byte) netip.Addr {
	if len(b) < 8 {
		return netip.Addr{}
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET:
		return netip.AddrFrom4([4]byte(b[4:8]))
	case family == unix.AF_INET6 && len(b) >= 28:
		a := netip.AddrFrom16([16]byte(b[8:24]))
		if scope := binary.NativeEndian.Uint32(b[24:]); scope != 0 {
			return a.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
		return a
	}
	return netip.Addr{}
}

// readErrors hands the engine the ICMP errors of a datagram socket, which come
// apart from the replies (ip(7), IP_RECVERR): the kernel has taken them apart.
func (s *socket) readErrors(e *echoEngine, fd int, b *buffers) {
	if s.raw {
		return
	}
	var oob [512]byte
	for range engine.MostErrors {
		n, oobn, _, to, err := unix.Recvmsg(fd, b.data[0], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return
		}
		about, ok := extended(oob[:oobn])
		if !ok {
			continue
		}
		echo, ok := icmpQuoted(b.data[0][:n], s.v6)
		if !ok {
			continue
		}
		switch a := to.(type) {
		case *unix.SockaddrInet4:
			e.receivedError(about, echo, netip.AddrFrom4(a.Addr))
		case *unix.SockaddrInet6:
			e.receivedError(about, echo, netip.AddrFrom16(a.Addr))
		}
	}
}

// extended reads the control message that holds struct sock_extended_err
// and the address of who sent the ICMP error.
func extended(oob []byte) (e icmpError, ok bool) {
	for len(oob) > 0 {
		h, data, next, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return e, false
		}
		oob = next
		v4 := h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR
		v6 := h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR
		if !v4 && !v6 || len(data) < 16 {
			continue
		}
		const origin, typ, code, info = 4, 5, 6, 8
		if data[origin] != unix.SO_EE_ORIGIN_ICMP && data[origin] != unix.SO_EE_ORIGIN_ICMP6 {
			continue
		}
		e = icmpError{typ: data[typ], code: data[code], from: from(data[16:]).WithZone("")}
		if v4 && e.typ == engine.ICMP4Unreachable && e.code == 4 || v6 && e.typ == engine.ICMP6TooBig {
			e.mtu = binary.NativeEndian.Uint32(data[info:])
		}
		return e, true
	}
	return e, false
}
