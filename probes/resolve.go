package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"netmon/wire"
)

// resolve looks up host, as its own timed phase, and returns its addresses of
// the family asked for that may be sent to, in the order to try: exactly these
// are to be dialled, so that a second lookup cannot lead elsewhere. took is 0 for
// an address, which needs no lookup. The error is classified.
func (c Common) resolve(ctx context.Context, run *Run, network, host string, port uint16) (addrs []netip.Addr, took time.Duration, err error) {
	addrs, took, err = c.lookup(ctx, run, host)
	if err == nil {
		addrs, err = run.allowed(network, host, addrs, port)
	}
	return addrs, took, err
}

// known is resolve for who cannot wait: ok is true when there is nothing to look
// up. Several addresses are known only with the time that they have to share.
func (c Common) known(run *Run, network, host string, port uint16) (addrs []netip.Addr, ok bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = c.family([]netip.Addr{a})
	} else if run.Env != nil {
		e := addressesOf(run.Env).fresh(c.addressKey(host))
		if e == nil {
			return nil, false
		}
		addrs = c.family(e.addrs)
		run.cached(time.Since(e.at))
	}
	addrs, err := run.allowed(network, host, addrs, port)
	return addrs, err == nil && (len(addrs) == 1 || len(addrs) > 1 && run.timeout > 0)
}

// addressKey is the question for host.
func (c Common) addressKey(host string) addressKey {
	network := "ip"
	if c.Family == "4" || c.Family == "6" {
		network = "ip" + c.Family
	}
	return addressKey{c.Resolver, network, host}
}

// family keeps the addresses of the family asked for.
func (c Common) family(found []netip.Addr) (addrs []netip.Addr) {
	for _, a := range found {
		if a = a.Unmap(); c.allows(a) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// lookup is resolve without the policy. What it returns may be known from before:
// took is then 0, and [Run.resolveAge] its age.
func (c Common) lookup(ctx context.Context, run *Run, host string) (addrs []netip.Addr, took time.Duration, err error) {
	if a, err := netip.ParseAddr(host); err == nil {
		if !c.allows(a.Unmap()) {
			return nil, 0, fail(wire.FailNoSuchHost, "%s is not an address of family %s", host, c.Family)
		}
		return []netip.Addr{a.Unmap()}, 0, nil
	}
	key := c.addressKey(host)
	cache := addressesOf(run.Env)
	heard := cache.resolver(c.Resolver)
	watch := ttlWatch{heard: heard}
	resolver, again, err := c.resolver(ctx, run, &watch, &ttlWatch{heard: heard})
	if err != nil {
		return nil, 0, err
	}
	run.resolved = nil // that of the resolver's own name
	start := time.Now()
	e, first, err := cache.get(ctx, key, func(ctx context.Context) ([]netip.Addr, time.Duration, error) {
		found, err := resolver.LookupNetIP(ctx, key.network, host)
		return found, watch.ttl(), err
	}, func(ctx context.Context) { heard.ask(ctx, again) })
	if err != nil {
		err = heard.failure(host, start, err)
		run.Stepf("%v", err)
		return nil, time.Since(start), err
	}
	age := time.Since(e.at)
	if first {
		took = e.took
	} else {
		run.cached(age)
	}
	if addrs = c.family(e.addrs); len(addrs) == 0 {
		return nil, took, fail(wire.FailNoSuchHost, "resolve %s: no address of family %s", host, c.Family)
	}
	if first {
		run.Stepf("resolved %s to %v in %v, to be used for %v", host, addrs, took, e.ttl)
	} else {
		run.Stepf("%s is %v, as another run had it looked up %v ago", host, addrs, age)
	}
	return addrs, took, nil
}

// reportAge tells people of an address from the cache, in a line of their format.
func reportAge(w io.Writer, format string, age *int64) {
	if age != nil {
		fmt.Fprintf(w, format, fmt.Sprintf("address from the cache, %.3g s old", float64(*age)/1e9))
	}
}

// cached notes that the address comes from the cache, and how old it is.
func (r *Run) cached(age time.Duration) { r.resolved = new(int64(max(age, 0))) }

// resolveAge is the age of an address from the cache, ns, nil for one that was
// looked up by this run, or did not need it.
func (r *Run) resolveAge() *int64 { return r.resolved }

// resolver is the server of the monitor, for lookups that w watches, and the same
// for who only wants to know whether it answers. The system's own is the choice of
// this host and not of the monitor: nobody is asked whether it is allowed.
func (c Common) resolver(ctx context.Context, run *Run, w, other *ttlWatch) (r, again *net.Resolver, err error) {
	if c.Resolver == "" {
		return w.systemResolver(), other.systemResolver(), nil
	}
	host, port, err := splitTarget(c.Resolver, "53")
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
		return nil, nil, broken(wire.BrokenResolver, "resolver %s: %w", c.Resolver, err)
	case err != nil:
		return nil, nil, netFail("resolver", err)
	}
	dial := func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
		for _, a := range addrs {
			if conn, err = (&net.Dialer{}).DialContext(ctx, network, netip.AddrPortFrom(a, port).String()); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
	w.heard.asked(netip.AddrPortFrom(addrs[0], port).String())
	return w.resolver(dial), other.resolver(dial), nil
}

// dialer makes connections from the source asked for to addresses of the
// family of addr.
func (c Common) dialer(network string, addr netip.Addr) (*net.Dialer, error) {
	d := &net.Dialer{FallbackDelay: -1}
	if c.Source == "" {
		return d, nil
	}
	local, err := netip.ParseAddr(c.Source)
	if err != nil {
		if err := bindTo(d, c.Source); err != nil {
			return nil, broken(wire.BrokenLocal, "source %s: %w", c.Source, err)
		}
		return d, nil
	}
	if local.Is4() != addr.Is4() {
		return nil, broken(wire.BrokenLocal, "source %s and target %s are of different IP families", local, addr)
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

// dial connects to the first of addrs that takes the connection, and notes it
// as the address measured. took is the time of the successful attempt alone.
func (c Common) dial(ctx context.Context, run *Run, network string, addrs []netip.Addr, port uint16) (conn net.Conn, took time.Duration, err error) {
	return c.dialBy(ctx, run, network, addrs, port, nil)
}

// dialBy is dial with dialers that prepare, where it is not nil, has prepared.
func (c Common) dialBy(ctx context.Context, run *Run, network string, addrs []netip.Addr, port uint16, prepare func(*net.Dialer)) (conn net.Conn, took time.Duration, err error) {
	var kept verdictOf
	for i, a := range addrs {
		if i > 0 {
			run.Stepf("falling back to %s", a)
		}
		attempt, cancel := share(ctx, len(addrs)-i)
		conn, took, err = c.dialOne(attempt, run, network, netip.AddrPortFrom(a, port), prepare)
		cancel()
		if err == nil {
			return conn, took, nil
		}
		kept.note(a, err)
		if ctx.Err() != nil || failureIs(err, wire.FailReset) { // a reset is the word of one that had taken it
			break
		}
	}
	return nil, took, kept.conclude(run)
}

func (c Common) dialOne(ctx context.Context, run *Run, network string, to netip.AddrPort, prepare func(*net.Dialer)) (net.Conn, time.Duration, error) {
	run.Reached(to.Addr().String())
	d, err := c.dialer(network, to.Addr())
	if err != nil {
		return nil, 0, err
	}
	if prepare != nil {
		prepare(d)
	}
	start := time.Now()
	conn, err := d.DialContext(ctx, network, to.String())
	took := time.Since(start)
	if err != nil {
		run.Stepf("connect to %s: %v", to, err)
		return nil, took, c.reachFail("connect to "+to.String(), to.Addr(), plain(err))
	}
	run.Stepf("connected to %s from %s in %v", to, conn.LocalAddr(), took)
	return conn, took, nil
}

// share gives an attempt its part of the time that is left for n of them.
func share(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || n <= 1 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(n))
}

// plain drops the addresses that net puts before a system error: the caller
// names the one that matters.
func plain(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
