package probes

import (
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"netmon/wire"
)

// Allow asks the owner of the process, see [Env.Allow], whether anything may be
// sent to an address. What [Common.Resolve] returns has been asked about; an
// address from anywhere else has not. host is what the monitor says: the error
// names it, and no address that it does not hold.
func (r *Run) Allow(network, host string, to netip.AddrPort) error {
	return r.ask(network, host, to, r.hasSecrets())
}

// ask is Allow; secrets says whether any may go there with what is sent.
func (r *Run) ask(network, host string, to netip.AddrPort, secrets bool) error {
	if r.Env == nil {
		return nil
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	var err error
	if r.Env.Allow != nil {
		err = r.Env.Allow(network, to)
	}
	if err == nil && secrets {
		err = r.Env.AllowSecrets(to)
	}
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
	return Broken(wire.BrokenPolicy, "%s: %w", what, err)
}

// hasSecrets says whether the monitor names secrets, read by now or not, and
// somebody is to be asked about where they go.
func (r *Run) hasSecrets() bool {
	return (r.named || len(r.secrets) > 0) && r.Env != nil && r.Env.AllowSecrets != nil
}

// Allowed keeps those of a host's addresses that something may be sent to. The
// error is that of the last one when none is left.
func (r *Run) Allowed(network, host string, addrs []netip.Addr, port uint16) (kept []netip.Addr, err error) {
	return r.keep(network, host, addrs, port, r.hasSecrets())
}

// keep is Allowed, with what ask has to know.
func (r *Run) keep(network, host string, addrs []netip.Addr, port uint16, secrets bool) (kept []netip.Addr, err error) {
	for _, a := range addrs {
		if aerr := r.ask(network, host, netip.AddrPortFrom(a, port), secrets); aerr != nil {
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

// AllowThroughProxy is Allow for a host that a proxy is asked to connect to. The
// addresses of a name are the proxy's to know: only one that is written as an
// address can be asked about. The ways of writing that nothing but old resolvers
// take for an address (inet_aton: 0x7f.1, 2130706433) are names here and could
// be addresses there, so that they are refused.
func (r *Run) AllowThroughProxy(host string, port uint16) error {
	if r.Env == nil || r.Env.Allow == nil && r.Env.AllowSecrets == nil {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return r.Allow("tcp", host, netip.AddrPortFrom(a, port))
	}
	if r.hasSecrets() {
		if err := r.Env.AllowSecrets(netip.AddrPortFrom(netip.Addr{}, port)); err != nil {
			return Broken(wire.BrokenPolicy, "%s, behind a proxy: %w", host, err)
		}
	}
	name := strings.TrimSuffix(host, ".")
	last := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return Broken(wire.BrokenPolicy, "%s, behind a proxy: want a name, or an address in its usual form", host)
	}
	return nil
}

// AllowLookup says whether a name that the target sends us to may be asked for. One
// with a secret in it would show the secret to whoever answers for that name. It is
// to be asked about the name as it came, and about its form in ASCII.
func (r *Run) AllowLookup(host string) error {
	if !r.hasSecrets() {
		return nil
	}
	host = strings.ToLower(host)
	read, _ := idna.ToUnicode(host) // with what cannot be decoded as it is
	for _, v := range r.secrets {
		v = strings.ToLower(v)
		if len(v) > 3 && (strings.Contains(host, v) || strings.Contains(read, v)) {
			return Broken(wire.BrokenPolicy, "the target leads to a name that contains a secret: it is not looked up")
		}
	}
	return nil
}
