package icmp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// socket is an ICMP socket: a datagram one, which needs no privilege where
// net.ipv4.ping_group_range holds the process's group (icmp(7)), else a raw one.
type socket struct {
	file   *os.File // not known to the runtime's poller: see ready
	rc     syscall.RawConn
	ready  *engine.EpollOnce
	v6     bool
	raw    bool
	kernel bool              // it gives receive timestamps
	id     uint16            // of its echo requests
	limit  int               // of a message that it reads, with its IP header
	accept []bpf.Instruction // the filter of a raw one
	muted  []netip.Addr      // who is not heard any more
}

// options are what a socket may have of its own.
type options struct {
	v6        bool
	ttl, dscp int // 0: the system's
	df        bool
	limit     int // the largest payload; 0: sharedSize
}

// ready says whether this process may open an ICMP socket.
func ready() error {
	var first error
	for _, v6 := range []bool{false, true} {
		fd, _, err := open(v6)
		if err == nil {
			return unix.Close(fd)
		}
		if first == nil {
			first = err
		}
	}
	return permission(first)
}

// open makes a socket, without options.
func open(v6 bool) (fd int, raw bool, err error) {
	family, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if v6 {
		family, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	if fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, proto); err == nil {
		return fd, false, nil
	}
	fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, proto)
	return fd, true, err
}

// openICMP opens a socket with the options o and the source of c. The error is
// classified.
func openICMP(c probes.Common, o options, id uint16) (*socket, error) {
	fd, raw, err := open(o.v6)
	if err != nil {
		return nil, permission(err)
	}
	if o.limit == 0 {
		o.limit = sharedSize
	}
	s := &socket{v6: o.v6, raw: raw, id: id, limit: o.limit + icmpHeader + 60} // 60: the longest IPv4 header
	if err := s.configure(fd, c, o); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.file = os.NewFile(uintptr(fd), "icmp")
	if s.rc, err = s.file.SyscallConn(); err == nil {
		s.ready, err = engine.NewEpollOnce(fd)
	}
	if err != nil {
		s.file.Close()
		return nil, probes.Broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	return s, nil
}

// configure sets the options. What only makes the measurement better is done
// without when the kernel refuses it.
func (s *socket) configure(fd int, c probes.Common, o options) error {
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
			return probes.Broken(wire.BrokenLocal, "%s: %w", w.name, err)
		}
	}
	return s.bind(fd, c)
}

// bind gives the socket its source and learns the id of its requests. A
// datagram socket's port is that id; when the one wanted is taken the kernel
// chooses another.
func (s *socket) bind(fd int, c probes.Common) error {
	var from netip.Addr
	if c.Source != "" {
		var err error
		if from, err = netip.ParseAddr(c.Source); err != nil {
			if _, err := net.InterfaceByName(c.Source); err != nil {
				return probes.Broken(wire.BrokenLocal, "source %s: %w", c.Source, err)
			}
			if err := unix.BindToDevice(fd, c.Source); err != nil {
				return probes.Broken(wire.BrokenLocal, "source %s: %w", c.Source, err)
			}
			from = netip.Addr{}
		} else if from.Is6() != s.v6 {
			return probes.Broken(wire.BrokenLocal, "source %s and the target are of different IP families", from)
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
	err := unix.Bind(fd, sockaddr(from, port))
	if err == unix.EADDRINUSE && !s.raw {
		err = unix.Bind(fd, sockaddr(from, 0))
	}
	if err != nil {
		return probes.NetFail("source "+from.String(), err)
	}
	if s.raw {
		return nil
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return probes.Broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		s.id = uint16(a.Port)
	case *unix.SockaddrInet6:
		s.id = uint16(a.Port)
	}
	return nil
}

// String says what the socket is.
func (s *socket) String() string {
	kind, version, clock := "datagram", "", engine.ClockUser
	if s.raw {
		kind = "raw"
	}
	if s.v6 {
		version = "v6"
	}
	if s.kernel {
		clock = engine.ClockKernel
	}
	return fmt.Sprintf("%s ICMP%s socket, id %#04x, receive times by the %s", kind, version, s.id, clock)
}

// Close closes the socket.
func (s *socket) Close() error { return s.file.Close() }

// drops is how many packets the socket had no room for. For a raw socket of
// IPv6 it is 0, as the kernel counts there those with a wrong checksum, too.
func (s *socket) drops() (n uint32) {
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
