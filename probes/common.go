package probes

import (
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"netmon/wire"
)

// Common holds the options that every kind has. Kinds embed it.
type Common struct {
	Family    string        `json:"family,omitempty" enum:"4,6,any" also:"number" help:"IP family: 4, 6 or any; any tries the addresses in the resolver's order until one works"`
	Addresses string        `json:"addresses,omitempty" enum:"first,each" help:"first or each, of the addresses that the target's name has; first measures the first that works, each measures every one at the same time (8 at most) and fails when one fails, the figures being those of the first that failed, else of the slowest; default: first"`
	Source    string        `json:"source,omitempty" help:"source address, or the name of a network interface"`
	Resolver  string        `json:"resolver,omitempty" help:"DNS server HOST[:PORT] that looks up the target's name; default: the system's resolver"`
	Within    wire.Duration `json:"within,omitempty" zero:"no" help:"the longest latency that is still ok; time spent on addresses of the target that did not answer counts too"`
	Invert    bool          `json:"invert,omitempty" help:"reverse the outcome: ok when the target does not answer"`
}

func (c Common) common() Common { return c }

func (c Common) validate() error {
	var p wire.Problems
	switch c.Family {
	case "", "any", "4", "6":
	default:
		p.Addf("family", "want 4, 6 or any, got %q", c.Family)
	}
	switch c.Addresses {
	case "", addressesFirst, addressesEach:
	default:
		p.Addf("addresses", "want %s or %s, got %q", addressesFirst, addressesEach, c.Addresses)
	}
	if c.Within < 0 {
		p.Addf("within", "want a positive duration, got %q", c.Within)
	}
	if c.Source != "" {
		if a, err := netip.ParseAddr(c.Source); err == nil {
			if a.Is4() && c.Family == "6" || !a.Is4() && c.Family == "4" {
				p.Addf("source", "address %q is not of family %s", c.Source, c.Family)
			}
		} else if len(c.Source) > 15 || strings.ContainsAny(c.Source, "/ \t:") {
			p.Addf("source", "want an IP address or an interface's name, got %q", c.Source)
		}
	}
	if c.Resolver != "" {
		if _, err := hostPort(c.Resolver, "53"); err != nil {
			p.Add("resolver", err)
		}
	}
	return p.Err()
}

// lacks reports each option that is set and that the kind does without.
func (c Common) lacks(kind string, without []string) error {
	var p wire.Problems
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if slices.Contains(without, name) && !v.Field(i).IsZero() {
			p.Addf(name, "is not for kind %s: leave it out", kind)
		}
	}
	return p.Err()
}

// MatchesFamily says whether an address is of the family asked for.
func (c Common) MatchesFamily(a netip.Addr) bool {
	switch c.Family {
	case "4":
		return a.Is4()
	case "6":
		return !a.Is4()
	}
	return true
}

// hostPort takes "host:port" apart, or "host" when there is a default port.
// An IPv6 address with a port is in brackets.
func hostPort(s, defaultPort string) (string, error) {
	host, port, err := SplitTarget(s, defaultPort)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), nil
}
