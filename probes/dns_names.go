package probes

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// name is the name to ask for, of a target's.
func (p DNS) name(target string) (string, error) {
	name, err := dnsName(target)
	if err != nil || !p.Unique {
		return name, err
	}
	name = dnsUnique() + "." + strings.TrimPrefix(name, ".")
	if name, err = dnsName(name); err != nil {
		return "", fmt.Errorf("the name has no room for one more label of %d bytes", dnsUniqueLength)
	}
	return name, nil
}

// dnsUniqueLength is long enough for 80 random bits.
const dnsUniqueLength = 16

// dnsUnique is a label that nobody asked for before.
func dnsUnique() string { return strings.ToLower(rand.Text()[:dnsUniqueLength]) }

// dnsName brings a name into the form in which answers spell it: with a dot at
// its end, and escapes (RFC 1035 section 5.1) only where they are needed.
func dnsName(s string) (string, error) {
	if s == "" {
		return "", errors.New("the name is missing")
	}
	for _, c := range []byte(s) {
		switch {
		case c <= ' ' || c == 0x7f:
			return "", errors.New("a name has no spaces")
		case c > 0x7f:
			return "", errors.New("write the name in ASCII, such as xn--bcher-kva.example")
		}
	}
	wire := make([]byte, 256)
	n, err := dns.PackDomainName(dns.Fqdn(s), wire, 0, nil, false)
	if err != nil || n > 255 {
		return "", errors.New("labels have 1 to 63 bytes, and a name 255 at most (RFC 1035 section 2.3.4)")
	}
	name, _, err := dns.UnpackDomainName(wire[:n], 0)
	return name, err
}

// dnsNumbered reads names such as TYPE65 and CLASS1 (RFC 3597 section 5).
func dnsNumbered(s, prefix string) (uint16, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok || digits == "" || digits[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return uint16(n), err == nil
}

// dnsType reads a record type that one can ask for.
func dnsType(s string) (uint16, error) {
	name := strings.ToUpper(s)
	t, ok := dns.StringToType[name]
	if !ok {
		t, ok = dnsNumbered(name, "TYPE")
	}
	switch {
	case !ok:
		return 0, fmt.Errorf("want a record type such as A or TYPE65, got %q", s)
	case t == dns.TypeAXFR || t == dns.TypeIXFR:
		return 0, fmt.Errorf("a zone transfer is no question with one answer, got %q", s)
	case t == dns.TypeNone || t == dns.TypeOPT || t == dns.TypeTSIG || t == dns.TypeTKEY || t == dns.TypeReserved:
		return 0, fmt.Errorf("want a type that a server has records of, got %q", s)
	}
	return t, nil
}

func dnsTypeName(t uint16) string { return dns.Type(t).String() }

// dnsClass reads a class.
func dnsClass(s string) (uint16, error) {
	name := strings.ToUpper(s)
	c, ok := dns.StringToClass[name]
	if !ok {
		c, ok = dnsNumbered(name, "CLASS")
	}
	if !ok || c == 0 || c == dns.ClassNONE {
		return 0, fmt.Errorf("want IN, CH, HS, ANY or a class such as CLASS1, got %q", s)
	}
	return c, nil
}

func dnsClassName(c uint16) string { return dns.Class(c).String() }

// dnsRcode reads a response code by its IANA name, or as RCODE and its number.
func dnsRcode(s string) (int, error) {
	name := strings.ToUpper(s)
	if name == "BADVERS" { // 16 has two names, by where it stands (RFC 6895 section 2.3)
		return dns.RcodeBadVers, nil
	}
	if code, ok := dns.StringToRcode[name]; ok {
		return code, nil
	}
	if n, ok := dnsNumbered(name, "RCODE"); ok && n < 1<<12 {
		return int(n), nil
	}
	return 0, fmt.Errorf("want a response code such as NXDOMAIN or RCODE11, got %q", s)
}

func dnsRcodeName(code int) string {
	if code == dns.RcodeBadVers {
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return fmt.Sprintf("RCODE%d", code)
}

// dnsSubnet reads a network, or an address, which stands for itself. Bits after
// the prefix are dropped, as RFC 7871 section 6 wants.
func dnsSubnet(s string) (netip.Prefix, error) {
	n, err := netip.ParsePrefix(s)
	if err != nil {
		a, aerr := netip.ParseAddr(s)
		if aerr != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("want a network such as 192.0.2.0/24, got %q", s)
		}
		n = netip.PrefixFrom(a, a.BitLen())
	}
	if n.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("want an IPv4 network as such, got %q", s)
	}
	return n.Masked(), nil
}

func dnsSubnetOption(n netip.Prefix) *dns.EDNS0_SUBNET {
	o := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 2, SourceNetmask: uint8(n.Bits()), Address: n.Addr().AsSlice()}
	if n.Addr().Is4() {
		o.Family = 1
	}
	return o
}
