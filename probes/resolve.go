package probes

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"netmon/probes/engine"
	"netmon/wire"
)

// Resolve looks up host, as its own timed phase, and returns its addresses of
// the family asked for that may be sent to, in the order to try: exactly these
// are to be dialled, so that a second lookup cannot lead elsewhere. took is 0 for
// an address, which needs no lookup. The error is classified.
func (c Common) Resolve(ctx context.Context, run *Run, network, host string, port uint16) (addrs []netip.Addr, took time.Duration, err error) {
	host = ASCIIName(host)
	if only := run.only; only != nil && only.host == CanonicalHost(host) {
		addrs, took, run.resolved = []netip.Addr{only.addr}, only.took, only.age
	} else {
		addrs, took, err = c.lookup(ctx, run, host)
	}
	if err == nil {
		addrs, err = run.Allowed(network, host, addrs, port)
	}
	return addrs, took, err
}

// CachedAddresses is Resolve for who cannot wait: ok is true when there is nothing to look
// up. Several addresses are known only with the time that they have to share.
func (c Common) CachedAddresses(run *Run, network, host string, port uint16) (addrs []netip.Addr, ok bool) {
	host = ASCIIName(host)
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = c.family([]netip.Addr{a})
	} else if run.Env != nil {
		e := AddressesOf(run.Env).Fresh(c.addressKey(host))
		if e == nil {
			return nil, false
		}
		addrs = c.family(e.Addrs)
		run.cached(time.Since(e.At))
		run.note(e.Note)
	}
	addrs, err := run.Allowed(network, host, addrs, port)
	return addrs, err == nil && (len(addrs) == 1 || len(addrs) > 1 && run.KnowsTimeout())
}

// addressKey is the question for host.
func (c Common) addressKey(host string) engine.AddressKey {
	network := "ip"
	if c.Family == "4" || c.Family == "6" {
		network = "ip" + c.Family
	}
	return engine.AddressKey{Resolver: c.Resolver, Network: network, Host: host}
}

// family keeps the addresses of the family asked for.
func (c Common) family(found []netip.Addr) (addrs []netip.Addr) {
	for _, a := range found {
		if a = a.Unmap(); c.MatchesFamily(a) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// lookup is Resolve without the policy. What it returns may be known from before:
// took is then 0, and [Run.ResolveAge] its age.
func (c Common) lookup(ctx context.Context, run *Run, host string) (addrs []netip.Addr, took time.Duration, err error) {
	if a, err := netip.ParseAddr(host); err == nil {
		if !c.MatchesFamily(a.Unmap()) {
			return nil, 0, Fail(wire.FailNoSuchHost, "%s is not an address of family %s", host, c.Family)
		}
		return []netip.Addr{a.Unmap()}, 0, nil
	}
	key := c.addressKey(host)
	cache := AddressesOf(run.Env)
	heard := cache.Resolver(c.Resolver)
	watch := engine.NewLookupWatch(heard, host)
	resolver, again, err := c.resolver(ctx, run, watch, engine.NewLookupWatch(heard, "."))
	if err != nil {
		return nil, 0, err
	}
	run.resolved = nil // that of the resolver's own name
	start := time.Now()
	e, first, err := cache.Get(ctx, key, watch, func(ctx context.Context) ([]netip.Addr, time.Duration, error) {
		found, err := resolver.LookupNetIP(ctx, key.Network, host)
		return found, watch.TTL(), err
	}, func(ctx context.Context) { heard.Ask(ctx, again) })
	if err != nil {
		err = lookupFailure(heard, bothForms(host), c.Family, start, e.Watch, err)
		run.Stepf("%v", err)
		return nil, time.Since(start), err
	}
	age := time.Since(e.At)
	if first {
		took = e.Took
	} else {
		run.cached(age)
	}
	run.note(e.Note)
	if addrs = c.family(e.Addrs); len(addrs) == 0 {
		return nil, took, Fail(wire.FailNoSuchHost, "resolve %s: no address of family %s", bothForms(host), c.Family)
	}
	if first {
		run.Stepf("resolved %s to %v in %v, to be used for %v", bothForms(host), addrs, took, e.TTL)
	} else {
		run.Stepf("%s is %v, looked up by another run %v ago", bothForms(host), addrs, age)
	}
	return addrs, took, nil
}

// AgeText is an age for people: no finer than they need.
func AgeText(age time.Duration) string {
	switch {
	case age < time.Second:
		return age.Round(time.Millisecond).String()
	case age < 10*time.Second:
		return age.Round(100 * time.Millisecond).String()
	}
	return age.Round(time.Second).String()
}

// cached notes that the address comes from the cache, and how old it is.
func (r *Run) cached(age time.Duration) { r.resolved = new(int64(max(age, 0))) }

// ResolveAge is the age of an address from the cache, ns, nil for one that was
// looked up by this run, or did not need it.
func (r *Run) ResolveAge() *int64 { return r.resolved }

// resolver is the server of the monitor, for lookups that w watches, and the same
// for who only wants to know whether it answers. The system's own is the choice of
// this host and not of the monitor: nobody is asked whether it is allowed.
func (c Common) resolver(ctx context.Context, run *Run, w, other *engine.LookupWatch) (r, again *net.Resolver, err error) {
	if c.Resolver == "" {
		return w.SystemResolver(), other.SystemResolver(), nil
	}
	host, port, err := SplitTarget(c.Resolver, "53")
	if err != nil {
		return nil, nil, err
	}
	addrs, _, err := Common{}.lookup(ctx, run, host)
	if err == nil {
		addrs, err = run.keep("udp", host, addrs, port, false) // it is asked for a name, without any secret
	}
	var e *Error
	switch {
	case err != nil && errors.As(err, &e) && !e.Broken:
		return nil, nil, Broken(wire.BrokenResolver, "resolver %s: %w", c.Resolver, err)
	case err != nil:
		return nil, nil, NetFail("resolver", err)
	}
	dial := func(ctx context.Context, network, _ string) (conn net.Conn, to string, err error) {
		for _, a := range addrs {
			to = netip.AddrPortFrom(a, port).String()
			if conn, err = (&net.Dialer{}).DialContext(ctx, network, to); err == nil {
				return conn, to, nil
			}
		}
		return nil, to, err
	}
	return w.Resolver(dial), other.Resolver(dial), nil
}

// Dialer makes connections from the source asked for to addresses of the
// family of addr.
func (c Common) Dialer(network string, addr netip.Addr) (*net.Dialer, error) {
	d, err := engine.SourceDialer(c.Source, network, addr)
	if err != nil {
		return nil, Broken(wire.BrokenLocal, "%w", err)
	}
	return d, nil
}
