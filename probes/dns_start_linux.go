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

// Start implements Starter: for one query over UDP to one address.
func (p DNS) Start(run *Run) (Pending, bool) {
	if p.Transport != dnsUDP || p.Attempts != 1 || p.Source != "" {
		return nil, false
	}
	target, server, _ := strings.Cut(run.Target, "@")
	if server == "" {
		server = p.Server
	}
	to, ok := p.server(run, server)
	if !ok {
		return nil, false
	}
	name, err := p.name(target)
	if err != nil {
		return nil, false
	}
	x := &dnsRun{packetRun: packetRun{run: run}, dnsExchange: dnsExchange{DNS: p, run: run, to: to}}
	x.kind = x
	if x.query, err = p.message(name); err != nil {
		return nil, false
	}
	x.details = DNSDetails{ResolveAgeNS: run.resolveAge(), Transport: dnsUDP, Question: dnsQuestionText(x.query.Question[0]), Server: to.String(), Sent: 1}
	return x.begin(to, true, func(netip.AddrPort) ([]byte, error) {
		x.query.Id = dns.Id()
		return x.query.Pack()
	}, func(at time.Time) { x.sent[0] = dnsSent{x.query.Id, at} })
}

// server is the address to ask when it is known, and the only one.
func (p DNS) server(run *Run, server string) (netip.AddrPort, bool) {
	port := dnsPorts[dnsUDP]
	if server == "" {
		addrs, err := systemDNS(resolvConf, p.allows)
		if err != nil || len(addrs) != 1 {
			return netip.AddrPort{}, false
		}
		to := netip.AddrPortFrom(addrs[0], port)
		return to, run.allow("udp", "the system's resolver", to) == nil
	}
	host, port, err := splitTarget(server, strconv.Itoa(int(port)))
	if err != nil {
		return netip.AddrPort{}, false
	}
	addr, ok := p.known(run, "udp", host, port)
	return netip.AddrPortFrom(addr, port), ok
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
	ctx := newStopContext()
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
	case silent:
		err = x.strays(x.silence(&x.details), &x.details)
	case err == nil:
		err = x.conclusion()
	}
	return x.details, err
}
