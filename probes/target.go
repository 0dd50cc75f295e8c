package probes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SplitTarget takes a target apart into host, in its form in ASCII, and port.
// Without defaultPort the port must be there. The error quotes the target and
// says what to write instead.
func SplitTarget(s, defaultPort string) (host string, port uint16, err error) {
	want := "host:port"
	if defaultPort != "" {
		want = "host or host:port"
	}
	host, port, err = ParseTarget(s, defaultPort)
	if err == nil {
		return host, port, nil
	}
	if hint := targetHint(s, defaultPort != "", nil); hint != nil {
		err = hint
	}
	return "", 0, fmt.Errorf("want %s, got %q: %w", want, s, err)
}

// ParseTarget takes "host:port" apart, or "host" where there is a default port, and
// checks both. The host comes back in ASCII.
func ParseTarget(s, defaultPort string) (host string, port uint16, err error) {
	h, p, err := net.SplitHostPort(s)
	if err != nil {
		switch {
		case defaultPort == "" && strings.Count(s, ":") > 1 && !strings.HasPrefix(s, "["):
			return "", 0, errors.New("it has more than one colon")
		case defaultPort == "":
			return "", 0, errors.New("the port is missing")
		}
		h, p = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), defaultPort
	}
	if err := CheckHost(h); err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(p, 10, 16)
	switch {
	case strings.Trim(p, "0123456789") != "":
		return "", 0, errors.New("the port must be a number, 1 to 65535")
	case err != nil || n == 0:
		return "", 0, errors.New("the port must be 1 to 65535")
	}
	return ASCIIName(h), uint16(n), nil
}

// NoPort is what a kind without ports says of a target with one.
type NoPort struct {
	Why     string // such as: ICMP has no ports
	Instead string // what to do to measure the port, which stands for %s
}

// CheckHostTarget says why a target is not a host alone, and what to write instead.
func CheckHostTarget(s string, noPort NoPort) error {
	err := CheckHost(s)
	if err == nil {
		return nil
	}
	if hint := targetHint(s, true, &noPort); hint != nil {
		err = hint
	}
	return fmt.Errorf("want a host, got %q: %w", s, err)
}

// targetHint names a common mistake in a target and what to write instead, nil
// when it is none of those. noPort is nil where the target may have a port, and
// optional says whether it may do without.
func targetHint(s string, optional bool, noPort *NoPort) error {
	m := targetMistake(s)
	why, host, port := m.why, m.host, m.port
	if port == "" && !optional {
		port = m.known
	}
	switch {
	case why == "" && port != "" && noPort != nil:
		why = noPort.Why
	case (why == "" || why == mistakeBrackets) && port == "" && !optional:
		why = "the port is missing"
	case why == mistakeNetwork:
		return errors.New(why + ": name one address")
	}
	if why == "" || CheckHost(host) != nil {
		return nil
	}
	right := host
	switch n, err := strconv.ParseUint(port, 10, 16); {
	case noPort != nil:
		if port != "" {
			return fmt.Errorf("%s: write %s, or "+noPort.Instead, why, host, port)
		}
	case err == nil && n > 0:
		right = net.JoinHostPort(host, port)
	case port != "":
		return nil // what is wrong is the port
	case !optional:
		right = net.JoinHostPort(host, "PORT")
	case strings.Contains(host, ":"):
		right = "[" + host + "]"
	}
	return fmt.Errorf("%s: write %s", why, right)
}

// mistake is what is too much in a target, and what is left.
type mistake struct {
	why        string // "" for nothing
	host, port string // port is "" for none
	known      string // port of a URL's scheme
}

const (
	mistakeURL      = "it is a URL"
	mistakeNetwork  = "it is a network"
	mistakeBrackets = "an address without a port has no brackets"
	mistakeBare     = "an IPv6 address needs brackets before its port"
)

// schemePorts are those of the URLs that people take a target from.
var schemePorts = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "ftp": "21", "ssh": "22", "smtp": "25", "ldap": "389"}

func targetMistake(s string) (m mistake) {
	note := func(why string) {
		if m.why == "" {
			m.why = why
		}
	}
	rest := strings.TrimSpace(s)
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		note(mistakeURL)
		rest, m.known = after, schemePorts[strings.ToLower(scheme)]
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		if _, err := netip.ParsePrefix(rest); err == nil {
			note(mistakeNetwork)
		}
		note("a target has no path")
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		note("a target has no user")
		rest = rest[i+1:]
	}
	if len(rest) != len(s) {
		note("there are spaces around it")
	}
	if h, p, err := net.SplitHostPort(rest); err == nil {
		m.host, m.port = h, p
		return m
	}
	m.host = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	if m.host != rest {
		note(mistakeBrackets)
	} else if h, p, ok := portAfterAddress(rest); ok && m.known == "" {
		m.why, m.host, m.port = mistakeBare, h, p
	}
	return m
}

// portAfterAddress takes an IPv6 address apart that has a port behind it, without
// the brackets that belong there. Where all of it could be an address, too, that
// is only what was meant if the kind needs a port.
func portAfterAddress(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	host, port = s[:i], s[i+1:]
	a, err := netip.ParseAddr(host)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || !a.Is6() || perr != nil || n == 0 {
		return "", "", false
	}
	return host, port, true
}

// URLHint says what to write instead of a target that is not a URL of this scheme.
// kinds are the kinds whose targets are URLs of the scheme of that name.
func URLHint(target, scheme string, kinds ...string) error {
	text := target
	given, _, ok := strings.Cut(text, "://")
	if !ok {
		given, text = scheme, scheme+"://"+text
	}
	other := strings.ToLower(given)
	if u, err := url.Parse(text); err == nil && other != scheme && u.Host != "" {
		right := *u
		right.Scheme, right.User = scheme, nil
		if slices.Contains(kinds, other) {
			return fmt.Errorf("it has %s://: measure it with the kind %s, or write %s", other, other, right.String())
		}
		return fmt.Errorf("it has %s://: write %s", other, right.String())
	}
	_, after, _ := strings.Cut(text, "://")
	host, path := after, ""
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		host, path = after[:i], after[i:]
	}
	if h, p, ok := portAfterAddress(host); ok {
		return fmt.Errorf("an IPv6 address needs brackets: write %s://%s%s", scheme, net.JoinHostPort(h, p), path)
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") != "" && strings.Count(host, ":") == 1 {
		return errors.New("the port must be a number, 1 to 65535")
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return fmt.Errorf("an IPv6 address needs brackets: write %s://[%s]%s", scheme, host, path)
	}
	return nil
}

// NameHint says what to write instead of a URL where a name is wanted, nil when it
// is not a URL.
func NameHint(name string) error {
	if m := targetMistake(name); m.why == mistakeURL {
		return fmt.Errorf("%s: write %s", m.why, m.host)
	}
	return nil
}
