package engine

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

// routeErrors are what a kernel says when it does not know where to send a
// packet. Most of them it also says when a router on the way, or a neighbour
// that does not answer, is to blame: see [Unrouted].
var routeErrors = []syscall.Errno{
	syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN,
	syscall.EACCES, // a route that prohibits, or a broadcast address
	syscall.EINVAL, // a blackhole route
	syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT,
}

// Unrouted says whether err, of connecting or sending to an address from source, is this
// host's own. The kernel uses one error for a missing route and for an ICMP
// error about a packet that did leave, so it is asked again: connecting a UDP
// socket looks the route up, and sends nothing.
func Unrouted(source string, to netip.Addr, err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) || !slices.Contains(routeErrors, errno) {
		return false
	}
	if to.IsMulticast() || to == netip.AddrFrom4([4]byte{255, 255, 255, 255}) { // has a route, and takes no connection
		return true
	}
	d, derr := SourceDialer(source, "udp", to)
	if derr != nil {
		return false // the source is to blame, not the route
	}
	conn, derr := d.DialContext(context.Background(), "udp", netip.AddrPortFrom(to, 9).String())
	if derr == nil {
		conn.Close()
		return false
	}
	return errors.As(derr, &errno) && slices.Contains(routeErrors, errno) && (errno != syscall.EADDRNOTAVAIL || source == "")
}
