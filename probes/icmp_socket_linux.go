package probes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"netmon/wire"
)

// icmpSocket is an ICMP socket: a datagram one, which needs no privilege where
// net.ipv4.ping_group_range holds the process's group (icmp(7)), else a raw one.
type icmpSocket struct {
	file   *os.File
	rc     syscall.RawConn
	v6     bool
	raw    bool
	kernel bool   // it gives receive timestamps
	id     uint16 // of its echo requests
	limit  int    // of a message that it reads, with its IP header
}

// icmpOptions are what a socket may have of its own.
type icmpOptions struct {
	v6        bool
	ttl, dscp int // 0: the system's
	df        bool
	limit     int // the largest payload; 0: icmpSharedSize
}

// icmpReady says whether this process may open an ICMP socket.
func icmpReady() error {
	var first error
	for _, v6 := range []bool{false, true} {
		fd, _, err := icmpOpen(v6)
		if err == nil {
			return unix.Close(fd)
		}
		if first == nil {
			first = err
		}
	}
	return icmpPermission(first)
}

// icmpOpen makes a socket, without options.
func icmpOpen(v6 bool) (fd int, raw bool, err error) {
	family, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if v6 {
		family, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	if fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto); err == nil {
		return fd, false, nil
	}
	fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	return fd, true, err
}

// openICMP opens a socket with the options o and the source of c. The error is
// classified.
func openICMP(c Common, o icmpOptions, id uint16) (*icmpSocket, error) {
	fd, raw, err := icmpOpen(o.v6)
	if err != nil {
		return nil, icmpPermission(err)
	}
	if o.limit == 0 {
		o.limit = icmpSharedSize
	}
	s := &icmpSocket{v6: o.v6, raw: raw, id: id, limit: o.limit + icmpHeader + 60} // 60: the longest IPv4 header
	if err := s.configure(fd, c, o); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.file = os.NewFile(uintptr(fd), "icmp")
	if s.rc, err = s.file.SyscallConn(); err != nil {
		s.file.Close()
		return nil, broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	return s, nil
}

// configure sets the options. What only makes the measurement better is done
// without when the kernel refuses it.
func (s *icmpSocket) configure(fd int, c Common, o icmpOptions) error {
	set := func(level, option, value int) error { return unix.SetsockoptInt(fd, level, option, value) }
	s.kernel = set(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) == nil
	// Replies of thousands of monitors may come at once, and requests wait in
	// the send buffer for neighbours that do not answer to ARP.
	const room = 4 << 20
	if set(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
		set(unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	if set(unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, room) != nil {
		set(unix.SOL_SOCKET, unix.SO_SNDBUF, room)
	}
	if s.v6 {
		set(unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1)
	} else {
		set(unix.IPPROTO_IP, unix.IP_RECVTTL, 1)
	}
	if s.raw {
		s.filter(fd)
	} else if s.v6 {
		set(unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	} else {
		set(unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	}

	type option struct {
		name                 string
		level, option, value int
	}
	var wanted []option
	level := unix.IPPROTO_IP
	names := [...]int{unix.IP_TTL, unix.IP_TOS, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE}
	if s.v6 {
		level = unix.IPPROTO_IPV6
		names = [...]int{unix.IPV6_UNICAST_HOPS, unix.IPV6_TCLASS, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE}
	}
	if o.ttl > 0 {
		wanted = append(wanted, option{"ttl", level, names[0], o.ttl})
	}
	if o.dscp > 0 {
		wanted = append(wanted, option{"dscp", level, names[1], o.dscp << 2})
	}
	if o.df {
		wanted = append(wanted, option{"df", level, names[2], names[3]})
		if s.v6 {
			wanted = append(wanted, option{"df", level, unix.IPV6_DONTFRAG, 1})
		}
	}
	for _, w := range wanted {
		if err := set(w.level, w.option, w.value); err != nil {
			return broken(wire.BrokenLocal, "%s: %w", w.name, err)
		}
	}
	return s.bind(fd, c)
}

// bind gives the socket its source and learns the id of its requests. A
// datagram socket's port is that id; when the one wanted is taken the kernel
// chooses another.
func (s *icmpSocket) bind(fd int, c Common) error {
	var from netip.Addr
	if c.Source != "" {
		var err error
		if from, err = netip.ParseAddr(c.Source); err != nil {
			if _, err := net.InterfaceByName(c.Source); err != nil {
				return broken(wire.BrokenLocal, "source %s: %w", c.Source, err)
			}
			if err := unix.BindToDevice(fd, c.Source); err != nil {
				return broken(wire.BrokenLocal, "source %s: %w", c.Source, err)
			}
			from = netip.Addr{}
		} else if from.Is6() != s.v6 {
			return fail(wire.FailUnreachable, "source %s and the target are of different IP families", from)
		}
	}
	if s.raw && !from.IsValid() {
		return nil
	}
	if !from.IsValid() {
		from = netip.IPv4Unspecified()
		if s.v6 {
			from = netip.IPv6Unspecified()
		}
	}
	port := int(s.id)
	if s.raw {
		port = 0
	}
	err := unix.Bind(fd, icmpSockaddr(from, port))
	if err == unix.EADDRINUSE && !s.raw {
		err = unix.Bind(fd, icmpSockaddr(from, 0))
	}
	if err != nil {
		return netFail("source "+from.String(), err)
	}
	if s.raw {
		return nil
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		s.id = uint16(a.Port)
	case *unix.SockaddrInet6:
		s.id = uint16(a.Port)
	}
	return nil
}

// filter keeps away from a raw socket, which gets a copy of every ICMP message
// that reaches the host, what cannot be for us: other types (raw(7),
// ICMP_FILTER; RFC 3542 section 3.2) and echo replies with another id.
func (s *icmpSocket) filter(fd int) {
	const drop, keep = 0, 1 << 18
	load := []bpf.Instruction{bpf.LoadMemShift{Off: 0}} // X: length of the IPv4 header
	reply := uint32(icmp4EchoReply)
	if s.v6 {
		load, reply = []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegX, Val: 0}}, icmp6EchoReply
		var f unix.ICMPv6Filter // a bit that is set blocks its type
		for i := range f.Data {
			f.Data[i] = 1<<32 - 1
		}
		for _, t := range []uint{icmp6EchoReply, icmp6Unreachable, icmp6TooBig, icmp6Exceeded, icmp6Parameter} {
			f.Data[t/32] &^= 1 << (t % 32)
		}
		unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &f)
	} else {
		mask := ^uint32(1<<icmp4EchoReply | 1<<icmp4Unreachable | 1<<icmp4Exceeded | 1<<icmp4Parameter)
		unix.SetsockoptString(fd, unix.SOL_RAW, unix.ICMP_FILTER, string(binary.NativeEndian.AppendUint32(nil, mask)))
	}
	program, err := bpf.Assemble(append(load,
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: reply, SkipTrue: 2},
		bpf.LoadIndirect{Off: 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(s.id), SkipTrue: 1},
		bpf.RetConstant{Val: keep},
		bpf.RetConstant{Val: drop},
	))
	if err != nil {
		return
	}
	code := make([]unix.SockFilter, len(program))
	for i, in := range program {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}

// String says what the socket is.
func (s *icmpSocket) String() string {
	kind, version, clock := "datagram", "", ClockUser
	if s.raw {
		kind = "raw"
	}
	if s.v6 {
		version = "v6"
	}
	if s.kernel {
		clock = ClockKernel
	}
	return fmt.Sprintf("%s ICMP%s socket, id %#04x, receive times by the %s", kind, version, s.id, clock)
}

// Close closes the socket and ends read.
func (s *icmpSocket) Close() error { return s.file.Close() }

// icmpSendTries is how often a request is sent again after an error that was
// another request's: a datagram socket tells each ICMP error once to whoever
// uses it next. An error of this request's own comes every time.
const icmpSendTries = 16

// send sends one packet and returns the time right before that, and whether
// that is within icmpSendSlack of the truth. It waits while the send buffer is
// full, until ctx ends.
func (s *icmpSocket) send(ctx context.Context, packet []byte, to netip.Addr) (sent time.Time, exact bool, err error) {
	dst := icmpSockaddr(to, 0)
	for try := 0; ; {
		cerr := s.rc.Control(func(fd uintptr) {
			sent = time.Now()
			err = unix.Sendto(int(fd), packet, unix.MSG_DONTWAIT, dst)
			exact = time.Since(sent) < icmpSendSlack
		})
		switch {
		case cerr != nil:
			return sent, exact, cerr
		case err == nil:
			return sent, exact, nil
		case err == unix.EINTR:
		case err == unix.EAGAIN || err == unix.ENOBUFS:
			wait := time.NewTimer(time.Millisecond)
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
				return sent, exact, broken(wire.BrokenLocal, "the socket's send buffer is full: %w", err)
			}
		default:
			if try++; s.raw || try == icmpSendTries {
				return sent, exact, err
			}
		}
	}
}

func icmpSockaddr(a netip.Addr, port int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4(), Port: port}
	}
	return &unix.SockaddrInet6{Addr: a.As16(), Port: port, ZoneId: icmpZone(a.Zone())}
}

// icmpZone is the number of an interface, 0 for none.
func icmpZone(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// sendError classifies why a request could not be sent.
func (s *icmpSeries) sendError(err error) error {
	if errors.Is(err, unix.EMSGSIZE) {
		header := 20
		if s.to.Is6() {
			header = 40
		}
		length := s.Size + icmpHeader + header
		if mtu := icmpMTU(s.Common, s.to); mtu > 0 {
			return broken(wire.BrokenLocal, "packets of %d bytes (size %d) do not fit the MTU of %d on the way out", length, s.Size, mtu)
		}
		return broken(wire.BrokenLocal, "packets of %d bytes (size %d): %w", length, s.Size, err)
	}
	if errors.Is(err, unix.EPERM) {
		return broken(wire.BrokenPermission, "send to %s: %w: this host's own firewall forbids it", s.to, err)
	}
	return netFail("send to "+s.to.String(), err)
}

// icmpMTU is what the kernel takes for the MTU on the way to an address, 0 when
// it cannot tell.
func icmpMTU(c Common, to netip.Addr) int {
	family, level, option := unix.AF_INET, unix.IPPROTO_IP, unix.IP_MTU
	if to.Is6() {
		family, level, option = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_MTU
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	if from, err := netip.ParseAddr(c.Source); err == nil {
		unix.Bind(fd, icmpSockaddr(from, 0))
	} else if c.Source != "" {
		unix.BindToDevice(fd, c.Source)
	}
	if unix.Connect(fd, icmpSockaddr(to, 9)) != nil {
		return 0
	}
	mtu, err := unix.GetsockoptInt(fd, level, option)
	if err != nil {
		return 0
	}
	return mtu
}

// drops is how many packets the socket had no room for. For a raw socket of
// IPv6 it is 0, as the kernel counts there those with a wrong checksum, too.
func (s *icmpSocket) drops() (n uint32) {
	if s.rc == nil || s.raw && s.v6 {
		return 0
	}
	s.rc.Control(func(fd uintptr) {
		const dropsAt = 8 // SK_MEMINFO_DROPS of linux/sock_diag.h
		var info [dropsAt + 1]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 && size == uint32(unsafe.Sizeof(info)) {
			n = info[dropsAt]
		}
	})
	return n
}

// icmpBatch is how many messages one system call reads at most.
const icmpBatch = 16

// icmpBuffers are what messages are read into.
type icmpBuffers struct {
	messages [icmpBatch]unix.Mmsghdr
	data     [icmpBatch][]byte
	iovs     [icmpBatch]unix.Iovec
	names    [icmpBatch][unix.SizeofSockaddrInet6]byte
	controls [icmpBatch][128]byte
}

func newICMPBuffers(limit int) *icmpBuffers {
	b := &icmpBuffers{}
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

// read hands the engine what comes, until the socket is closed.
func (s *icmpSocket) read(e *icmpEngine) {
	b := newICMPBuffers(s.limit)
	failed := 0
	s.rc.Read(func(fd uintptr) (done bool) {
		for {
			n, err := b.receive(int(fd))
			now := time.Now()
			for i := range n {
				s.hand(e, b, i, now)
			}
			if !s.raw {
				s.readErrors(e, int(fd), b)
			}
			// An error is one that another request met: it is in the error
			// queue. Only a socket that is out of order has nothing else.
			if failed++; err == nil || err == unix.EAGAIN {
				failed = 0
			}
			if err == unix.EAGAIN || err == nil && n < icmpBatch || failed > 1000 {
				return false
			}
		}
	})
}

// receive reads as many messages as there are, at most a batch.
func (b *icmpBuffers) receive(fd int) (n int, err error) {
	for i := range b.messages {
		h := &b.messages[i].Hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(len(b.controls[i]))
		h.Flags = 0
	}
	r, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])), icmpBatch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// hand gives the engine the message in place i.
func (s *icmpSocket) hand(e *icmpEngine, b *icmpBuffers, i int, now time.Time) {
	m := &b.messages[i]
	if m.Hdr.Flags&unix.MSG_TRUNC != 0 || int(m.Len) > len(b.data[i]) {
		return // longer than any reply of ours
	}
	in := icmpInput{message: b.data[i][:m.Len], from: icmpFrom(b.names[i][:m.Hdr.Namelen]), arrival: arrival{Read: now}}
	for rest := b.controls[i][:m.Hdr.Controllen]; len(rest) > 0; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS:
			in.Kernel = timespec(data)
		case len(data) >= 4 && (h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL || h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT):
			in.ttl = int(binary.NativeEndian.Uint32(data))
		}
		rest = next
	}
	if s.raw && !s.v6 { // with its IP header, and before the kernel has checked the sum
		message, ok := icmpInIPv4(in.message)
		if !ok {
			return
		}
		in.message, in.badSum = message, icmpChecksum(message) != 0
	}
	e.received(in)
}

// icmpFrom reads a struct sockaddr_in or sockaddr_in6.
func icmpFrom(b []byte) netip.Addr {
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
func (s *icmpSocket) readErrors(e *icmpEngine, fd int, b *icmpBuffers) {
	var oob [512]byte
	for {
		n, oobn, _, to, err := unix.Recvmsg(fd, b.data[0], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return
		}
		about, ok := icmpExtended(oob[:oobn])
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

// icmpExtended reads the control message that holds struct sock_extended_err
// and the address of who sent the ICMP error.
func icmpExtended(oob []byte) (e icmpError, ok bool) {
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
		e = icmpError{typ: data[typ], code: data[code], from: icmpFrom(data[16:]).WithZone("")}
		if v4 && e.typ == icmp4Unreachable && e.code == 4 || v6 && e.typ == icmp6TooBig {
			e.mtu = binary.NativeEndian.Uint32(data[info:])
		}
		return e, true
	}
	return e, false
}
