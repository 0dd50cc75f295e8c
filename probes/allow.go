package probes

import (
	"net/netip"
	"strconv"
	"strings"

	"netmon/wire"
)

// allow asks the owner of the process, see [Env.Allow], whether anything may be
// sent to an address. What [Common.resolve] returns has been asked about; an
// address from anywhere else has not. host is what the monitor says: the error
// names it, and no address that it does not hold.
func (r *Run) allow(network, host string, to netip.AddrPort) error {
	if r.Env == nil || r.Env.Allow == nil {
		return nil
	}
	err := r.Env.Allow(network, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	if err == nil {
		return nil
	}
	what := "an address of " + host
	if _, perr := netip.ParseAddr(host); perr == nil {
		what = host
	}
	if network != "icmp" {
		what += " with " + network + " port " + strconv.Itoa(int(to.Port()))
	}
	return broken(wire.BrokenPolicy, "%s: %w", what, err)
}

// allowed keeps those of a host's addresses that something may be sent to. The
// error is that of the last one when none is left.
func (r *Run) allowed(network, host string, addrs []netip.Addr, port uint16) (kept []netip.Addr, err error) {
	for _, a := range addrs {
		if aerr := r.allow(network, host, netip.AddrPortFrom(a, port)); aerr != nil {
			r.Stepf("not measured: %v", aerr)
			err = aerr
			continue
		}
		kept = append(kept, a)
	}
	if len(kept) > 0 {
		return kept, nil
	}
	return nil, err
}

// allowBehind is allow for a host that a proxy is asked to connect to. The
// addresses of a name are the proxy's to know: only one that is written as an
// address can be asked about. The ways of writing that nothing but old resolvers
// take for an address (inet_aton: 0x7f.1, 2130706433) are names here and could
// be addresses there, so that they are refused.
func (r *Run) allowBehind(host string, port uint16) error {
	if r.Env == nil || r.Env.Allow == nil {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return r.allow("tcp", host, netip.AddrPortFrom(a, port))
	}
	name := strings.TrimSuffix(host, ".")
	last := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return broken(wire.BrokenPolicy, "%s, behind a proxy: want a name, or an address in its usual form", host)
	}
	return nil
}
