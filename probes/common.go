package probes

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"netmon/wire"
)

// Common holds the options that every kind has. Kinds embed it.
type Common struct {
	Family   string        `json:"family,omitempty" help:"IP family: 4, 6 or any; any tries the addresses in the resolver's order until one works"`
	Source   string        `json:"source,omitempty" help:"source address, or the name of a network interface"`
	Resolver string        `json:"resolver,omitempty" help:"DNS server HOST[:PORT] that looks up the target's name; default: the system's resolver"`
	Within   wire.Duration `json:"within,omitempty" zero:"no" help:"the longest latency that is still ok"`
	Invert   bool          `json:"invert,omitempty" help:"turn the outcome round: ok when the target does not answer"`
}

func (c Common) common() Common { return c }

func (c Common) validate() error {
	var p wire.Problems
	switch c.Family {
	case "", "any", "4", "6":
	default:
		p.Addf("family", "want 4, 6 or any, got %q", c.Family)
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

// allows says whether an address is of the family asked for.
func (c Common) allows(a netip.Addr) bool {
	switch c.Family {
	case "4":
		return a.Is4()
	case "6":
		return !a.Is4()
	}
	return true
}

// hostPort takes "host:port" apart, or "host" when there is a default port.
// An IPv6 address with a port stands in brackets.
func hostPort(s, defaultPort string) (string, error) {
	host, port, err := splitTarget(s, defaultPort)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), nil
}

// splitTarget takes a target apart into host and port. Without defaultPort the
// port must be there. The error quotes the target.
func splitTarget(s, defaultPort string) (host string, port uint16, err error) {
	want := "host:port"
	if defaultPort != "" {
		want = "host or host:port"
	}
	h, p, err := net.SplitHostPort(s)
	if err != nil {
		if defaultPort == "" {
			return "", 0, fmt.Errorf("want %s, got %q: the port is missing", want, s)
		}
		h, p = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), defaultPort
	}
	if err := checkHost(h); err != nil {
		return "", 0, fmt.Errorf("want %s, got %q: %w", want, s, err)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("want %s, got %q: the port must be 1 to 65535", want, s)
	}
	return h, uint16(n), nil
}

// checkHost says why h is neither an IP address nor a possible host name.
func checkHost(h string) error {
	if h == "" {
		return fmt.Errorf("the host is missing")
	}
	if _, err := netip.ParseAddr(h); err == nil {
		return nil
	}
	if strings.Contains(h, ":") {
		return fmt.Errorf("%q is not an IPv6 address", h)
	}
	if len(h) > 253 {
		return fmt.Errorf("the name is over 253 bytes")
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(h, "."), ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("%q is not a host name", h)
		}
		for _, c := range []byte(label) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`/@?#%\"'<>[]{}|^`+"`", c) >= 0 {
				return fmt.Errorf("%q is not a host name", h)
			}
		}
	}
	return nil
}
