package reach

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Rule is a set of networks, and of ports when it names some.
type Rule struct {
	Name     string // how an error calls it
	networks []netip.Prefix
	ports    []portRange // none: all, and what has no port
	Any      bool        // of every address
}

type portRange struct{ first, last uint16 }

const ruleForm = "want NETWORK or NETWORK ports LIST, such as 10.0.0.0/8, any ports 25,465 or 192.0.2.1 ports 8000-8099"

// ParseRule reads a rule as people write it.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if len(words) != 1 && (len(words) != 3 || words[1] != "ports" && words[1] != "port") {
		return Rule{}, fmt.Errorf("%s, got %q", ruleForm, text)
	}
	r := Rule{Any: words[0] == "any"}
	var err error
	if r.networks, err = parseNetwork(words[0]); err != nil {
		return Rule{}, err
	}
	if len(words) == 3 {
		if r.ports, err = parsePorts(words[2]); err != nil {
			return Rule{}, err
		}
	}
	return r, nil
}

func parseNetwork(s string) ([]netip.Prefix, error) {
	if n, ok := Named[s]; ok {
		return n, nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" && !a.Is4In6() {
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("want a network such as 10.0.0.0/8, an address without zone, or one of %s, got %q",
			strings.Join(slices.Sorted(maps.Keys(Named)), ", "), s)
	case p.Addr().Is4In6():
		return nil, fmt.Errorf("want an IPv4 network in its own form, got %q", s)
	case p != p.Masked():
		return nil, fmt.Errorf("want the network %s or the address %s, got %q", p.Masked(), p.Addr(), s)
	}
	return []netip.Prefix{p}, nil
}

func parsePorts(s string) (out []portRange, err error) {
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, aerr := strconv.ParseUint(first, 10, 16)
		b, berr := strconv.ParseUint(last, 10, 16)
		if aerr != nil || berr != nil || a == 0 || b < a {
			return nil, fmt.Errorf("want ports of 1 to 65535 such as 443 or 80,8000-8099, got %q", s)
		}
		out = append(out, portRange{uint16(a), uint16(b)})
	}
	return out, nil
}

// covers says whether the rule is about one of the addresses, with this port. A
// rule with ports is not about icmp, which has port 0.
func (r Rule) covers(addrs []netip.Addr, port uint16) bool {
	return r.CoversPort(port) && slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		return slices.ContainsFunc(r.networks, func(n netip.Prefix) bool { return n.Contains(a) })
	})
}

// CoversPort says whether the rule is about a port, whatever the address.
func (r Rule) CoversPort(port uint16) bool {
	return len(r.ports) == 0 || slices.ContainsFunc(r.ports, func(p portRange) bool { return p.first <= port && port <= p.last })
}
