package dns

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/probes"
	"netmon/probes/engine"
)

// dnsRun is a run over UDP without a goroutine, unless the answer is truncated.
type dnsRun struct {
	probes.DatagramRun
	exchange
	details Details
	sent    [1]dnsSent
	failed  error
}

// Start implements Starter: for one query over UDP.
func (p Probe) Start(run *probes.Run) (probes.Pending, bool) {
	if p.Transport != dnsUDP || p.Attempts != 1 || p.Source != "" {
		return nil, false
	}
	target, server, _ := strings.Cut(run.Target, "@")
	if server == "" {
		server = p.Server
	}
	addrs, port, ok := p.server(run, server)
	if !ok {
		return nil, false
	}
	name, err := p.name(target)
	if err != nil {
		return nil, false
	}
	to := netip.AddrPortFrom(addrs[0], port)
	x := &dnsRun{DatagramRun: probes.DatagramRun{Run: run}, exchange: exchange{Probe: p, run: run, to: to}}
	x.Exchange = x
	if x.query, err = p.message(name); err != nil {
		return nil, false
	}
	known := Details{ResolveAgeNS: run.ResolveAge(), Transport: dnsUDP, Question: questionText(x.query.Question[0]), ReverseOf: p.reverseOf(target)}
	x.Fallback = probes.Fallback{Addrs: addrs[1:], Measure: func(ctx context.Context, addrs []netip.Addr) (probes.Details, error) {
		other := exchange{Probe: p, run: run, query: x.query}
		return other.exchange(ctx, addrs, port, known)
	}}
	x.details = known
	x.details.Server, x.details.Sent = to.String(), 1
	return x.Begin(to, true, func(netip.AddrPort) ([]byte, error) {
		x.query.Id = dns.Id()
		return x.query.Pack()
	}, func(at time.Time) { x.sent[0] = dnsSent{x.query.Id, at} })
}

// server is the addresses to ask, and their port, when they are known.
func (p Probe) server(run *probes.Run, server string) (addrs []netip.Addr, port uint16, ok bool) {
	port = ports[dnsUDP]
	if server == "" {
		addrs, err := systemDNS(resolvConf, p.MatchesFamily)
		if err == nil {
			addrs, err = run.Allowed("udp", "the system's resolver", addrs, port)
		}
		return addrs, port, err == nil && (len(addrs) == 1 || run.KnowsTimeout())
	}
	host, port, err := probes.SplitTarget(server, strconv.Itoa(int(port)))
	if err != nil {
		return nil, 0, false
	}
	addrs, ok = p.CachedAddresses(run, "udp", host, port)
	return addrs, port, ok
}

// Heard implements probes.Exchange.
func (x *dnsRun) Heard(a engine.Arrival) (done bool) {
	done, x.failed = x.exchange.heard(a, x.sent[:], &x.details)
	switch {
	case !done:
	case x.failed == nil && x.mustRetry():
		x.overToTCP()
	default:
		x.DatagramRun.Run.Ended = x.sent[0].at.Add(time.Duration(x.details.RTTNS))
	}
	return done
}

// overToTCP asks again in a goroutine of its own.
func (x *dnsRun) overToTCP() {
	ctx := x.DatagramRun.Run.StopContext()
	x.Cut = ctx.Stop
	go x.DatagramRun.Run.RecoverPanics(func() {
		err := x.retry(ctx, &x.details)
		if err == nil {
			err = x.conclusion()
		}
		if ctx.Err() == context.Canceled {
			err = ctx.Err()
		}
		ctx.Stop(context.Canceled)
		x.DatagramRun.Run.End(x.details, err)
	})
}

func (x *dnsRun) conclusion() error {
	x.finish(&x.details)
	x.Expect.check(x.exchange.run, x.answer, &x.owned, x.details, x.EDNS)
	return nil
}

// Struck implements probes.Exchange.
func (x *dnsRun) Struck(err error) { x.failed = probes.NetFail("ask "+x.to.String(), err) }

// Outcome implements probes.Exchange.
func (x *dnsRun) Outcome(silent bool) (probes.Details, error) {
	err := x.failed
	switch {
	case silent && len(x.Fallback.Addrs) > 0: // strays must not keep from asking the next server
		err = x.silence(&x.details)
	case silent:
		err = x.strays(x.silence(&x.details), &x.details)
	case err == nil:
		err = x.conclusion()
	}
	return x.details, err
}
