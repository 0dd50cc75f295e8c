package probes

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Footprint is what one run of a monitor sends and where to, as far as its
// configuration tells: what names resolve to, and where redirects lead, is known
// only when it comes, see [Env.Allow].
type Footprint struct {
	Places []Place       // the target first
	Probes int           // most packets or requests that a run sends to the target by itself, at least 1
	Gap    time.Duration // least time between two of them; 0 where they follow what the target does
	Number string        // the option that says how many, where there is a Gap

	Secrets []string // the options that name secrets, by path
}

// Place is a host and port that a monitor names.
type Place struct {
	Option  string // whose value names it: target, or options.proxy.url
	Network string // tcp, udp or icmp, which has port 0
	Host    string // a name or an address; "" stands for the system's resolvers
	Port    uint16

	Resolver bool // it is asked for names alone: no secret goes there
}

// Footprint is what a run of the check does to the network.
func (c *Check) Footprint() Footprint {
	f := c.asked.footprint(c.target)
	f.Places = append(f.Places, c.asked.common().places()...)
	f.Secrets = c.secretsNamed()
	return f
}

// atTarget is the footprint of a kind whose target is host and port.
func atTarget(network, target, defaultPort string) Footprint {
	host, port, _ := splitTarget(target, defaultPort) // validated before
	return Footprint{Probes: 1, Places: []Place{{Option: "target", Network: network, Host: bare(host), Port: port}}}
}

// bare is an address as netip writes it, so that two forms of one are the same,
// or a name in lower case.
func bare(host string) string {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func (c Common) places() []Place {
	if c.Resolver == "" {
		return nil
	}
	host, port, _ := splitTarget(c.Resolver, "53")
	return []Place{{Option: "options.resolver", Network: "udp", Host: bare(host), Port: port, Resolver: true}}
}

func (p TCP) footprint(target string) Footprint { return atTarget("tcp", target, "") }
func (p TLS) footprint(target string) Footprint { return atTarget("tcp", target, "443") }

func (p UDP) footprint(target string) Footprint {
	f := atTarget("udp", target, "")
	f.Probes, f.Gap, f.Number = p.Count, p.Interval.Std(), "count"
	return f
}

func (p NTP) footprint(target string) Footprint {
	f := atTarget("udp", target, p.defaultPort())
	f.Probes, f.Gap, f.Number = p.Samples, p.Interval.Std(), "samples"
	return f
}

func (p ICMP) footprint(target string) Footprint {
	return Footprint{Probes: p.Count, Gap: p.Interval.Std(), Number: "count", Places: []Place{{Option: "target", Network: "icmp", Host: bare(target)}}}
}

func (p DNS) footprint(target string) Footprint {
	_, server, _ := strings.Cut(target, "@")
	option := "target"
	if server == "" && p.Server != "" {
		server, option = p.Server, "options.server"
	}
	place := Place{Option: option, Network: p.network(), Port: dnsPorts[p.Transport]}
	if server != "" {
		host, port, _ := splitTarget(server, strconv.Itoa(int(place.Port)))
		place.Host, place.Port = bare(host), port
	}
	return Footprint{Probes: p.Attempts, Places: []Place{place}}
}

func (p HTTP) footprint(target string) Footprint {
	f := Footprint{Probes: 1}
	if u, err := p.parse(target); err == nil {
		f = atTarget("tcp", httpAddress(u), "")
	}
	if u, err := url.Parse(p.Proxy.URL); err == nil && u.Host != "" {
		host, port, _ := splitTarget(u.Host, p.Proxy.port(u))
		f.Places = append(f.Places, Place{Option: "options.proxy.url", Network: "tcp", Host: bare(host), Port: port})
	}
	return f
}
