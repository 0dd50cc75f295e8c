package icmp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"netmon/probes"
	"netmon/wire"
)

// sendTries is how often a request is sent again after an error that was
// another request's: a datagram socket reports each ICMP error once to whoever
// uses it next. An error of this request's own comes every time.
const sendTries = 16

// send sends one packet and returns the time right before that, and whether
// that is within sendSlack of the truth. It waits while the send buffer is
// full, until ctx ends.
func (s *socket) send(ctx context.Context, packet []byte, to netip.Addr) (sent time.Time, exact bool, err error) {
	for {
		sent, exact, err = s.sendNow(packet, to)
		if err != unix.EAGAIN && err != unix.ENOBUFS {
			return sent, exact, err
		}
		wait := time.NewTimer(time.Millisecond)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return sent, exact, probes.Broken(wire.BrokenLocal, "the socket's send buffer is full: %w", err)
		}
	}
}

// sendNow is send that does not wait: EAGAIN or ENOBUFS is a full send buffer.
func (s *socket) sendNow(packet []byte, to netip.Addr) (sent time.Time, exact bool, err error) {
	dst := sockaddr(to, 0)
	for try := 0; ; {
		cerr := s.rc.Control(func(fd uintptr) {
			sent = time.Now()
			err = unix.Sendto(int(fd), packet, unix.MSG_DONTWAIT, dst)
			exact = time.Since(sent) < sendSlack
		})
		switch {
		case cerr != nil:
			return sent, exact, cerr
		case err == nil || err == unix.EAGAIN || err == unix.ENOBUFS:
			return sent, exact, err
		case err == unix.EINTR:
		default:
			if try++; s.raw || try == sendTries {
				return sent, exact, err
			}
		}
	}
}

func sockaddr(a netip.Addr, port int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4(), Port: port}
	}
	return &unix.SockaddrInet6{Addr: a.As16(), Port: port, ZoneId: zone(a.Zone())}
}

// zone is the number of an interface, 0 for none.
func zone(zone string) uint32 {
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
func (s *series) sendError(err error) error {
	if errors.Is(err, unix.EMSGSIZE) {
		header := 20
		if s.to.Is6() {
			header = 40
		}
		length := s.Size + icmpHeader + header
		if mtu := icmpMTU(s.Common, s.to); mtu > 0 {
			return probes.Broken(wire.BrokenLocal, "packets of %d bytes (size %d) do not fit the MTU of %d on the way out", length, s.Size, mtu)
		}
		return probes.Broken(wire.BrokenLocal, "packets of %d bytes (size %d): %w", length, s.Size, err)
	}
	if errors.Is(err, unix.EACCES) {
		return probes.Broken(wire.BrokenNoRoute, "send to %s: %w: it is a broadcast address, or prohibited by a route of this host", s.to, err)
	}
	if errors.Is(err, unix.EPERM) {
		return probes.Broken(wire.BrokenPermission, "send to %s: %w: this host's own firewall forbids it", s.to, err)
	}
	return s.ReachFail("send to "+s.to.String(), s.to, err)
}

// icmpMTU is what the kernel takes for the MTU on the way to an address, 0 when
// it cannot say.
func icmpMTU(c probes.Common, to netip.Addr) int {
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
		unix.Bind(fd, sockaddr(from, 0))
	} else if c.Source != "" {
		unix.BindToDevice(fd, c.Source)
	}
	if unix.Connect(fd, sockaddr(to, 9)) != nil {
		return 0
	}
	mtu, err := unix.GetsockoptInt(fd, level, option)
	if err != nil {
		return 0
	}
	return mtu
}
