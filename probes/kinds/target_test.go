package kinds

import (
	"strings"
	"testing"
)

// TestEveryKind_TargetMistakes: a target that people copied from somewhere else
// is refused with what to write instead.
func TestEveryKind_TargetMistakes(t *testing.T) {
	for _, c := range []struct{ kind, target, want string }{
		{"icmp", "http://x/", `want a host, got "http://x/": it is a URL: write x`},
		{"icmp", "https://x:8443/y", `it is a URL: write x, or measure port 8443 with the kind tcp or udp`},
		{"icmp", "127.0.0.1:80", `want a host, got "127.0.0.1:80": ICMP has no ports: write 127.0.0.1, or measure port 80 with the kind tcp or udp`},
		{"icmp", "[::1]", `an address without a port has no brackets: write ::1`},
		{"icmp", "[::1]:80", `ICMP has no ports: write ::1, or measure port 80 with the kind tcp or udp`},
		{"icmp", "a.b/c", `a target has no path: write a.b`},
		{"icmp", "10.0.0.0/8", `it is a network: name one address`},
		{"icmp", " a.b ", `there are spaces around it: write a.b`},
		{"icmp", "300.1.1.1", `"300.1.1.1" is not an IPv4 address: that has four numbers of 0 to 255`},
		{"tcp", "::1:80", `want host:port, got "::1:80": an IPv6 address needs brackets before its port: write [::1]:80`},
		{"udp", "2001:db8::1:53", `write [2001:db8::1]:53`},
		{"tcp", "x", `the port is missing: write x:PORT`},
		{"tcp", "::1", `the port is missing: write [::1]:PORT`},
		{"tcp", "[::1]", `the port is missing: write [::1]:PORT`},
		{"tcp", "http://x/", `it is a URL: write x:80`},
		{"tcp", "https://[::1]/", `it is a URL: write [::1]:443`},
		{"tcp", "https://bücher.test/", `it is a URL: write bücher.test:443`},
		{"tcp", "x:80/path", `a target has no path: write x:80`},
		{"tcp", "root@x:22", `a target has no user: write x:22`},
		{"tcp", "x:ssh", `the port must be a number, 1 to 65535`},
		{"tcp", "x:0", `want host:port, got "x:0": the port must be 1 to 65535`},
		{"tcp", "a:b:80", `it has more than one colon`},
		{"tcp", "b_ü.test:80", `write its form in ASCII, which begins with xn--`},
		{"udp", "udp://x:53", `it is a URL: write x:53`},
		{"ntp", "http://x/", `want host or host:port, got "http://x/": it is a URL: write x`},
		{"ntp", "10.0.0.0/8", `it is a network: name one address`},
		{"tls", "https://x:8443/", `it is a URL: write x:8443`},
		{"tls", "https://[2001:db8::1]/", `it is a URL: write [2001:db8::1]`},
		{"dns", "http://x.example/", `it is a URL: write x.example`},
		{"dns", "1.1.1.1:53", `it is a server: write NAME@1.1.1.1:53`},
		{"dns", "x.example@https://1.1.1.1/dns-query", `it is a URL: write 1.1.1.1`},
		{"http", "https://x/y?z", `want a URL with http://, got "https://x/y?z": it has https://: measure it with the kind https, or write http://x/y?z`},
		{"https", "http://x/", `measure it with the kind http, or write https://x/`},
		{"http", "ftp://x/", `it has ftp://: write http://x/`},
		{"http", "::1:80/x", `an IPv6 address needs brackets: write http://[::1]:80/x`},
		{"https", "https://2001:db8::1/", `an IPv6 address needs brackets: write https://[2001:db8::1]/`},
		{"http", "http://x:y/", `the port must be a number, 1 to 65535`},
		{"http", "http:///path", `want a URL, got "http:///path": the host is missing`},
		{"http", "http://300.1.1.1/", `"300.1.1.1" is not an IPv4 address: that has four numbers of 0 to 255`},
	} {
		if got := refused(t, c.kind, c.target, ``); !strings.HasPrefix(got, "target: want ") || !strings.HasSuffix(got, c.want) && !strings.Contains(got, c.want+",") {
			t.Errorf("%s %q:\n got %s\nwant %s", c.kind, c.target, got, c.want)
		}
	}
	for _, option := range []string{`{"resolver":"http://1.1.1.1/"}`, `{"resolver":"::1:53:53"}`} {
		if _, err := All().New(nil, "tcp", "x:1", []byte(option)); strings.Contains(option, "http") && (err == nil || !strings.Contains(err.Error(), "it is a URL: write 1.1.1.1")) {
			t.Errorf("%s: %v", option, err)
		}
	}
	if got := refused(t, "http", "x", `{"proxy":{"url":"http://a:b:c"}}`); !strings.Contains(got, "options.proxy.url: ") {
		t.Error(got)
	}
}
