package engine

import (
	"fmt"
	"net"
	"net/netip"
)

// SourceDialer makes connections to addresses of the family of addr, from source: an
// address, the name of an interface, or "" for what the host chooses.
func SourceDialer(source, network string, addr netip.Addr) (*net.Dialer, error) {
	d := &net.Dialer{FallbackDelay: -1}
	if source == "" {
		return d, nil
	}
	local, err := netip.ParseAddr(source)
	if err != nil {
		if err := bindTo(d, source); err != nil {
			return nil, fmt.Errorf("source %s: %w", source, err)
		}
		return d, nil
	}
	if local.Is4() != addr.Is4() {
		return nil, fmt.Errorf("source %s and target %s are of different IP families", local, addr)
	}
	switch network {
	case "tcp":
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	case "udp":
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	default:
		return nil, fmt.Errorf("dial %s: unknown network", network)
	}
	return d, nil
}
