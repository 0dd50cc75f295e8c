package dns

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"netmon/probes"
)

// name is the name to ask for, of a target's.
func (p Probe) name(target string) (string, error) {
	if p.isPTR() {
		if reverse, ok := dnsReverse(target); ok {
			target = reverse
		}
	}
	name, err := dnsName(target)
	if err != nil || !p.Unique {
		return name, err
	}
	name = unique() + "." + strings.TrimPrefix(name, ".")
	if name, err = dnsName(name); err != nil {
		return "", fmt.Errorf("the name has no room for one more label of %d bytes", uniqueLength)
	}
	return name, nil
}

func (p Probe) isPTR() bool {
	t, err := dnsType(p.Type)
	return err == nil && t == dns.TypePTR
}

// dnsReverse is the name under which the name of an address is found (RFC 1035
// section 3.5, RFC 3596 section 2.5). ok is false for what is not an address.
func dnsReverse(s string) (name string, ok bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", false
	}
	name, err = dns.ReverseAddr(a.Unmap().String())
	return name, err == nil
}

// reverseOf is the address in the target that the question is about, "" when
// it is not asked for by an address.
func (p Probe) reverseOf(target string) string {
	if !p.isPTR() {
		return ""
	}
	if _, ok := dnsReverse(target); !ok {
		return ""
	}
	return target
}

// validateAddress says what to do about an address in the place of a name.
func (p Probe) validateAddress(name string) error {
	if _, isAddress := dnsReverse(name); !isAddress || p.isPTR() {
		return nil
	}
	return fmt.Errorf("want a domain name or NAME@SERVER, got the address %q, which has no %s record: type PTR asks for the name of an address (to ask for this text as a name, put a dot at its end)", name, strings.ToUpper(p.Type))
}

// uniqueLength is long enough for 80 random bits.
const uniqueLength = 16

// unique is a label that nobody asked for before.
func unique() string { return strings.ToLower(rand.Text()[:uniqueLength]) }

// dnsName brings a name into the form in which answers spell it: with a dot at
// its end, and escapes (RFC 1035 section 5.1) only where they are needed.
func dnsName(s string) (string, error) {
	if s == "" {
		return "", errors.New("the name is missing")
	}
	s, err := probes.ASCIIHost(s)
	if err != nil {
		return "", err
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return "", errors.New("a name has no spaces")
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

// numbered reads names such as TYPE65 and CLASS1 (RFC 3597 section 5).
func numbered(s, prefix string) (uint16, bool) {
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
		t, ok = numbered(name, "TYPE")
	}
	switch {
	case !ok:
		return 0, fmt.Errorf("want a record type such as A or TYPE65, got %q", s)
	case t == dns.TypeAXFR || t == dns.TypeIXFR:
		return 0, fmt.Errorf("a zone transfer is not a question with one answer, got %q", s)
	case t == dns.TypeNone || t == dns.TypeOPT || t == dns.TypeTSIG || t == dns.TypeTKEY || t == dns.TypeReserved:
		return 0, fmt.Errorf("want a type that a server has records of, got %q", s)
	}
	return t, nil
}

// dnsClass reads a class.
func dnsClass(s string) (uint16, error) {
	name := strings.ToUpper(s)
	c, ok := dns.StringToClass[name]
	if !ok {
		c, ok = numbered(name, "CLASS")
	}
	if !ok || c == 0 || c == dns.ClassNONE {
		return 0, fmt.Errorf("want IN, CH, HS, ANY or a class such as CLASS1, got %q", s)
	}
	return c, nil
}

// rcode reads a response code by its IANA name, or as RCODE and its number.
func rcode(s string) (int, error) {
	name := strings.ToUpper(s)
	if name == "BADVERS" { // 16 has two names, by where it is (RFC 6895 section 2.3)
		return dns.RcodeBadVers, nil
	}
	if code, ok := dns.StringToRcode[name]; ok {
		return code, nil
	}
	if n, ok := numbered(name, "RCODE"); ok && n < 1<<12 {
		return int(n), nil
	}
	return 0, fmt.Errorf("want a response code such as NXDOMAIN or RCODE11, got %q", s)
}

// subnet reads a network, or an address, which stands for itself. Bits after
// the prefix are dropped, as RFC 7871 section 6 wants.
func subnet(s string) (netip.Prefix, error) {
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

func subnetOption(n netip.Prefix) *dns.EDNS0_SUBNET {
	o := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 2, SourceNetmask: uint8(n.Bits()), Address: n.Addr().AsSlice()}
	if n.Addr().Is4() {
		o.Family = 1
	}
	return o
}
