package probes

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"netmon/probes/engine"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// lookupFailure is the error of a lookup that began at since and that w watched: what
// was asked, of whom, what came, and whose fault it is.
func lookupFailure(h *engine.ResolverHealth, host, family string, since time.Time, w *engine.LookupWatch, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var dns *net.DNSError
	isDNS := errors.As(err, &dns)
	silent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || isDNS && dns.IsTimeout
	told, denied := w.Summary()
	if told == "" { // nobody was asked, or the system, whose words these are
		switch {
		case silent:
			told = "no answer"
		case isDNS:
			told = words.GoWords(dns.Err)
		default:
			told = words.Plain(err).Error()
		}
	}
	answered, blind := h.Known(since)
	some, all, none := w.Heard()
	answers := answered || some || blind && !silent
	var address *net.AddrError
	switch {
	case errors.As(err, &address) && address.Err == "no suitable address found": // the hosts file has addresses, all of the other family
		return Fail(wire.FailNoSuchHost, "resolve %s: no address of family %s", host, family)
	case denied, isDNS && dns.IsNotFound && none:
		return Fail(wire.FailNoSuchHost, "resolve %s: %s", host, told)
	case some && silent && !all:
		return Fail(wire.FailDNSTimeout, "resolve %s: %s", host, told)
	case answers && silent && !all:
		return Fail(wire.FailDNSTimeout, "resolve %s: %s, but other questions are answered: the name servers of this name may be silent", host, told)
	case answers:
		return Fail(wire.FailResolve, "resolve %s: %s", host, told)
	}
	return Broken(wire.BrokenResolver, "resolve %s: the resolver answers no queries: %s: nothing is known of the target", host, told)
}

// AddressesOf returns the addresses that env remembers.
func AddressesOf(env *Env) *engine.AddressCache {
	c, _ := env.Shared("addresses", func() (io.Closer, error) { return engine.NewAddressCache(), nil })
	return c.(*engine.AddressCache)
}
