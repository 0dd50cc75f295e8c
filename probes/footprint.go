package probes

import (
	"net/netip"
	"strings"
	"time"
)

// Footprint is what one run of a monitor sends and where to, as far as its
// configuration says: what names resolve to, and where redirects lead, is known
// only when it comes, see [Env.Allow].
type Footprint struct {
	Places []Place       // the target first
	Probes int           // most packets or requests that a run sends to the target by itself, at least 1
	Gap    time.Duration // least time between two of them; 0 where they follow what the target does
	Number string        // the option that says how many, where there is a Gap

	Program Program // that a run starts on the agent's host; most kinds start none

	Secrets []string // the options that name secrets, by path
}

// Program is a program of the agent's host that a monitor wants to run. Where a
// program sends anything is for it to choose: no place says it.
type Program struct {
	Path    string   // absolute; "" asks whether any may run
	Env     []string // names of the environment variables that the monitor sets, by options.env.NAME
	Secrets bool     // the monitor names secrets
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
	f := c.asked.Footprint(c.target)
	if c.each { // how many there are is known only when it runs
		f.Probes *= mostAddresses
	}
	f.Places = append(f.Places, c.asked.common().places()...)
	f.Secrets = c.secretsNamed()
	f.Program.Secrets = len(f.Secrets) > 0
	return f
}

// TargetFootprint is the footprint of a kind whose target is host and port.
func TargetFootprint(network, target, defaultPort string) Footprint {
	host, port, _ := SplitTarget(target, defaultPort) // validated before
	return Footprint{Probes: 1, Places: []Place{{Option: "target", Network: network, Host: CanonicalHost(host), Port: port}}}
}

// CanonicalHost is an address as netip writes it, so that two forms of one are the same,
// or a name in lower case and ASCII.
func CanonicalHost(host string) string {
	host = ASCIIName(host)
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func (c Common) places() []Place {
	if c.Resolver == "" {
		return nil
	}
	host, port, _ := SplitTarget(c.Resolver, "53")
	return []Place{{Option: "options.resolver", Network: "udp", Host: CanonicalHost(host), Port: port, Resolver: true}}
}

// targetHost is the host of a footprint's target, "" where there is none.
func targetHost(f Footprint) string {
	if len(f.Places) == 0 {
		return ""
	}
	return f.Places[0].Host
}
