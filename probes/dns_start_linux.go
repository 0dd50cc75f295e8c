package probes

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// dnsRun is a run over UDP without a goroutine, unless the answer is truncated.
type dnsRun struct {
	packetRun
	dnsExchange
	details DNSDetails
	sent    [1]dnsSent
	failed  error
}

// Start implements Starter: for one query over UDP.
func (p DNS) Start(run *Run) (Pending, bool) {
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
	x := &dnsRun{packetRun: packetRun{run: run}, dnsExchange: dnsExchange{DNS: p, run: run, to: to}}
	x.kind = x
	if x.query, err = p.message(name); err != nil {
		return nil, false
	}
	known := DNSDetails{ResolveAgeNS: run.resolveAge(), Transport: dnsUDP, Question: dnsQuestionText(x.query.Question[0])}
	x.rest = rest{addrs: addrs[1:], measure: func(ctx context.Context, addrs []netip.Addr) (Details, error) {
		other := dnsExchange{DNS: p, run: run, query: x.query}
		return other.exchange(ctx, addrs, port, known)
	}}
	x.details = known
	x.details.Server, x.details.Sent = to.String(), 1
	return x.begin(to, true, func(netip.AddrPort) ([]byte, error) {
		x.query.Id = dns.Id()
		return x.query.Pack()
	}, func(at time.Time) { x.sent[0] = dnsSent{x.query.Id, at} })
}

// server is the addresses to ask, and their port, when they are known.
func (p DNS) server(run *Run, server string) (addrs []netip.Addr, port uint16, ok bool) {
	port = dnsPorts[dnsUDP]
	if server == "" {
		addrs, err := systemDNS(resolvConf, p.allows)
		if err == nil {
			addrs, err = run.allowed("udp", "the system's resolver", addrs, port)
		}
		return addrs, port, err == nil && (len(addrs) == 1 || run.timeout > 0)
	}
	host, port, err := splitTarget(server, strconv.Itoa(int(port)))
	if err != nil {
		return nil, 0, false
	}
	addrs, ok = p.known(run, "udp", host, port)
	return addrs, port, ok
}

// heard implements packetKind.
func (x *dnsRun) heard(a arrival) (done bool) {
	done, x.failed = x.dnsExchange.heard(a, x.sent[:], &x.details)
	switch {
	case !done:
	case x.failed == nil && x.mustRetry():
		x.overToTCP()
	default:
		x.packetRun.run.Ended = x.sent[0].at.Add(time.Duration(x.details.RTTNS))
	}
	return done
}

// overToTCP asks again in a goroutine of its own.
func (x *dnsRun) overToTCP() {
	ctx := newStopContext(x.packetRun.run)
	x.cut = ctx.stop
	go x.packetRun.run.Guard(func() {
		err := x.retry(ctx, &x.details)
		if err == nil {
			err = x.conclusion()
		}
		if ctx.Err() == context.Canceled {
			err = ctx.Err()
		}
		ctx.stop(context.Canceled)
		x.packetRun.run.End(x.details, err)
	})
}

func (x *dnsRun) conclusion() error {
	x.conclude(&x.details)
	x.Expect.check(x.dnsExchange.run, x.answer, x.details)
	return nil
}

// struck implements packetKind.
func (x *dnsRun) struck(err error) { x.failed = netFail("ask "+x.to.String(), err) }

// outcome implements packetKind.
func (x *dnsRun) outcome(silent bool) (Details, error) {
	err := x.failed
	switch {
	case silent && len(x.rest.addrs) > 0: // strays must not keep from asking the next server
		err = x.silence(&x.details)
	case silent:
		err = x.strays(x.silence(&x.details), &x.details)
	case err == nil:
		err = x.conclusion()
	}
	return x.details, err
}
