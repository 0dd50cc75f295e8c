package probes

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// otherDots are the characters that people type for the dot between labels
// (RFC 3490 section 3.1).
var otherDots = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

// ASCIIHost is a host as it goes over the network: labels with letters beyond
// ASCII become their A-labels (RFC 5891; the mapping is that of browsers, UTS 46,
// lookup profile). All else stays as it is: a label such as _sip is not a host name
// and is looked up anyway. What looks like an address only once it is
// mapped is that address from then on, to those who ask where we may send, too.
func ASCIIHost(h string) (string, error) {
	if isASCII(h) {
		return h, nil
	}
	labels := strings.Split(otherDots.Replace(h), ".")
	for i, label := range labels {
		if isASCII(label) {
			continue
		}
		a, err := idna.Lookup.ToASCII(label)
		if err != nil {
			return "", fmt.Errorf("%q has letters beyond ASCII that no name can have (RFC 5891): write its form in ASCII, which begins with xn--", label)
		}
		labels[i] = a
	}
	return strings.Join(labels, "."), nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0
}

// ASCIIName is ASCIIHost for a host that was validated.
func ASCIIName(h string) string {
	if a, err := ASCIIHost(h); err == nil {
		return a
	}
	return h
}

// ASCIIURL brings the host of a URL into its form in ASCII.
func ASCIIURL(u *url.URL) (err error) {
	u.Host, err = ASCIIHostPort(u.Host)
	return err
}

// ASCIIHostPort is ASCIIHost for a host that may have a port behind it.
func ASCIIHostPort(s string) (string, error) {
	if isASCII(s) {
		return s, nil
	}
	host, port, found := strings.Cut(s, ":")
	host, err := ASCIIHost(host)
	if found {
		host += ":" + port
	}
	return host, err
}

// bothForms is a host for people: one whose form in ASCII stands for another one
// shows both.
func bothForms(h string) string {
	ascii := ASCIIName(h)
	if !strings.Contains(strings.ToLower(ascii), "xn--") {
		return h
	}
	if u, err := idna.Display.ToUnicode(ascii); err == nil && u != ascii {
		return u + " (" + ascii + ")"
	}
	return ascii
}

// CheckHost says why h is neither an IP address nor a possible host name.
func CheckHost(h string) error {
	if h == "" {
		return errors.New("the host is missing")
	}
	if _, err := netip.ParseAddr(h); err == nil {
		return nil
	}
	h, err := ASCIIHost(h)
	if err != nil {
		return err
	}
	if strings.Contains(h, ":") {
		return fmt.Errorf("%q is not an IPv6 address", h)
	}
	if len(h) > 253 {
		return errors.New("the name is over 253 bytes")
	}
	digits := true
	for label := range strings.SplitSeq(strings.TrimSuffix(h, "."), ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("%q is not a host name", h)
		}
		for _, c := range []byte(label) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`/@?#%\"'<>[]{}|^`+"`", c) >= 0 {
				return fmt.Errorf("%q is not a host name", h)
			}
		}
		digits = digits && strings.Trim(label, "0123456789") == ""
	}
	if _, err := netip.ParseAddr(h); digits && err != nil && strings.Contains(h, ".") {
		return fmt.Errorf("%q is not an IPv4 address: that has four numbers of 0 to 255", h)
	}
	return nil
}
