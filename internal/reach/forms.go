package reach

import (
	"net/netip"
	"slices"
)

// Prefixes of IPv6 addresses with an IPv4 address in them.
var (
	in96       = prefixes("64:ff9b::/96", "::/96", "::ffff:0:0:0/96") // RFC 6052, 4291, 2765: its last 32 bits
	in6to4     = netip.MustParsePrefix("2002::/16")                   // RFC 3056
	inTeredo   = netip.MustParsePrefix("2001::/32")                   // RFC 4380
	nat64Local = Named["nat64-local"][0]
)

// forms are the addresses that a packet to a may come to, a first: what it is
// where it is written as IPv6, or leads there through a translator or a tunnel.
// Addresses are compared without zone. To send to no address, 0.0.0.0 or ::, is
// to send to this host.
func forms(a netip.Addr) []netip.Addr {
	a = a.WithZone("").Unmap()
	out := []netip.Addr{a}
	if a.IsUnspecified() {
		return append(out, netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback())
	}
	if a.Is4() || a.IsLoopback() {
		return out
	}
	b := a.As16()
	add := func(v4 ...byte) { out = append(out, netip.AddrFrom4([4]byte(v4))) }
	switch {
	case slices.ContainsFunc(in96, func(p netip.Prefix) bool { return p.Contains(a) }):
		add(b[12:]...)
	case nat64Local.Contains(a):
		// Its prefix may have any length of RFC 6052 from 48 on; byte 8 is left out.
		add(b[6], b[7], b[9], b[10])
		add(b[7], b[9], b[10], b[11])
		add(b[9:13]...)
		add(b[12:]...)
	case in6to4.Contains(a):
		add(b[2:6]...)
	case inTeredo.Contains(a): // its server, and the client with every bit turned round
		add(b[4:8]...)
		add(^b[12], ^b[13], ^b[14], ^b[15])
	}
	// ISATAP (RFC 5214), under whatever prefix: the interface's part of the
	// address is ::0:5efe:a.b.c.d, or ::200:5efe:a.b.c.d where that one is public.
	if b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		add(b[12:]...)
	}
	return out
}
