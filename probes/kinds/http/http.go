package http

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"netmon/probes"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// Probe makes one request (RFC 9110), over a connection of its own unless told
// to keep it. The kinds http and https differ in the scheme alone.
type Probe struct {
	probes.Common
	Method           string            `json:"method,omitempty" help:"request method (RFC 9110 section 9)"`
	Headers          map[string]string `json:"headers,omitempty" help:"request headers; values may hold ${env:NAME} or ${file:PATH}" secret:"text"`
	Body             string            `json:"body,omitempty" help:"request body; may hold ${env:NAME} or ${file:PATH}" secret:"text"`
	Auth             Auth              `json:"auth,omitzero"`
	Host             string            `json:"host,omitempty" help:"Host header (:authority in HTTP/2) instead of the URL's; for the name in TLS see tls.server_name"`
	Redirects        int               `json:"redirects" help:"most redirects to follow; 0 fails on the first, -1 takes a redirect as the answer"`
	Cookies          bool              `json:"cookies" help:"keep the cookies that redirects set for the requests that follow in the same run (RFC 6265)"`
	HTTPVersion      string            `json:"http_version" enum:"1.1,2,any" also:"number" help:"1.1, 2 or any; any lets the server choose by ALPN and is 1.1 without TLS; 2 without TLS is HTTP/2 with prior knowledge (RFC 9113 section 3.3)"`
	KeepAlive        bool              `json:"keep_alive,omitempty" help:"keep the connection for the next run, up to max_connection_age, instead of a fresh one each time"`
	MaxConnectionAge wire.Duration     `json:"max_connection_age,omitempty" help:"age at which a connection that is kept (keep_alive) is closed and a fresh one made, 1s to 1d: a new certificate, address or server is seen after that at the latest"`
	Proxy            Proxy             `json:"proxy,omitzero"`
	TLS              tlsconf.Options   `json:"tls,omitzero"`
	MaxBody          int64             `json:"max_body" help:"most bytes of a body that are taken, both as it comes and decoded"`
	ReadBody         *int64            `json:"read_body,omitempty" help:"bytes of the body, decoded, that are enough: the connection is closed then, as for a stream that never ends; 0 is the headers alone; default: all of it"`
	Expect           Expect            `json:"expect,omitzero"`

	scheme string
}

// Auth is who we are. It goes to the target alone, not to where redirects lead.
type Auth struct {
	User     string        `json:"user,omitempty" help:"user name for Basic authentication (RFC 7617)"`
	Password probes.Secret `json:"password,omitempty" help:"password for Basic authentication, as ${env:NAME} or ${file:PATH}"`
	Bearer   probes.Secret `json:"bearer,omitempty" help:"token for Bearer authentication (RFC 6750), as ${env:NAME} or ${file:PATH}"`
}

// Proxy is the way to the target. The environment's proxies are not used.
type Proxy struct {
	URL      string        `json:"url,omitempty" help:"proxy as http://HOST:PORT, socks5://HOST:PORT (this agent looks names up) or socks5h://HOST:PORT (the proxy does); default: none, whatever the environment says"`
	User     string        `json:"user,omitempty" help:"user name at the proxy"`
	Password probes.Secret `json:"password,omitempty" help:"password at the proxy, as ${env:NAME} or ${file:PATH}"`
}

const (
	maxBody      = 4 << 20   // the default of max_body
	mostBody     = 256 << 20 // the greatest
	maxHeader    = 256 << 10 // bytes of a response's headers
	maxRedirects = 50
	maxInterim   = 20 // responses with 1xx before the one that counts
)

func newHTTP() Probe { return newWeb("http") }

func newHTTPS() Probe { return newWeb("https") }

func newWeb(scheme string) Probe {
	return Probe{Method: "GET", Redirects: 10, Cookies: true, HTTPVersion: "any", MaxBody: maxBody,
		MaxConnectionAge: wire.Duration(defaultAge), Expect: Expect{Status: "200-399", HeaderSyntax: "lenient"}, scheme: scheme}
}

// parse reads the target; one without a scheme gets the kind's.
func (p Probe) parse(target string) (*url.URL, error) {
	text := target
	if !strings.Contains(text, "://") {
		text = p.scheme + "://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != p.scheme:
		want := "a URL"
		if err == nil {
			want = "a URL with " + p.scheme + "://"
		}
		if hint := probes.URLHint(target, p.scheme, "http", "https"); hint != nil {
			return nil, fmt.Errorf("want %s, got %q: %w", want, target, hint)
		}
		return nil, fmt.Errorf("want %s, got %q", want, target)
	case u.User != nil: // not quoted: it may be a password
		return nil, fmt.Errorf("want a URL without user and password: see auth.user and auth.password")
	}
	if err = probes.ASCIIURL(u); err == nil {
		_, _, err = probes.ParseTarget(address(u), "")
	}
	if err != nil {
		return nil, fmt.Errorf("want a URL, got %q: %w", target, err)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// address is the host and port of a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// httpOrigin is scheme, host and port (RFC 6454): what credentials belong to.
func httpOrigin(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(address(u)) }

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	_, err := p.parse(target)
	problems.Add("target", err)
	if _, err := http.NewRequest(p.Method, "http://x/", nil); err != nil || p.Method == "" {
		problems.Addf("method", "%q is not a request method", p.Method)
	}
	problems.Add("headers", p.validateHeaders())
	problems.Add("auth", p.Auth.validate())
	if p.Host != "" {
		h, _, err := net.SplitHostPort(p.Host)
		if err != nil {
			h = p.Host
		}
		if err := probes.CheckHost(strings.Trim(h, "[]")); err != nil {
			problems.Addf("host", "want HOST or HOST:PORT, got %q: %w", p.Host, err)
		}
	}
	if p.Redirects < -1 || p.Redirects > maxRedirects {
		problems.Addf("redirects", "want -1 to %d, got %d", maxRedirects, p.Redirects)
	}
	switch p.HTTPVersion {
	case "any", "1.1", "2":
	default:
		problems.Addf("http_version", "want 1.1, 2 or any, got %q", p.HTTPVersion)
	}
	switch age := p.MaxConnectionAge.Std(); {
	case age < leastAge || age > mostAge:
		problems.Addf("max_connection_age", "want 1s to 1d, got %q", p.MaxConnectionAge)
	case age != defaultAge && !p.KeepAlive:
		problems.Addf("max_connection_age", "needs keep_alive: true, without which each run has a fresh connection")
	}
	problems.Add("proxy", p.Proxy.validate(p.HTTPVersion, p.scheme))
	problems.Add("tls", p.TLS.Validate())
	if p.MaxBody < 1 || p.MaxBody > mostBody {
		problems.Addf("max_body", "want 1 to %d, got %d", mostBody, p.MaxBody)
	}
	if p.ReadBody != nil && (*p.ReadBody < 0 || *p.ReadBody > p.MaxBody) {
		problems.Addf("read_body", "want 0 to max_body, which is %d, got %d", p.MaxBody, *p.ReadBody)
	}
	problems.Add("expect", p.Expect.validate())
	problems.Add("expect", p.possible())
	return problems.Err()
}

// validateHeaders never quotes a value: it may be a secret that somebody wrote out.
func (p Probe) validateHeaders() error {
	var problems wire.Problems
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		value, canonical := p.Headers[name], http.CanonicalHeaderKey(name)
		if seen[canonical] {
			problems.Addf(name, "is given twice: case does not matter")
		}
		seen[canonical] = true
		switch {
		case !headerName(name):
			problems.Addf(name, "%q is not a header name", name)
		case !headerValue(value):
			problems.Addf(name, "the value holds a character that headers cannot have")
		case badReference(value) != "":
			problems.Addf(name, "want ${env:NAME} or ${file:PATH}, got %q", badReference(value))
		case canonical == "Host":
			problems.Addf(name, "give it as the option host")
		case canonical == "Content-Length", canonical == "Transfer-Encoding", canonical == "Connection", canonical == "Trailer":
			problems.Addf(name, "is made from the request and cannot be given")
		case canonical == "Proxy-Authorization":
			problems.Addf(name, "give it as the options proxy.user and proxy.password")
		case canonical == "Authorization" && p.Auth != (Auth{}):
			problems.Addf(name, "give either this header or auth")
		case canonical == "Authorization" && !probes.NamesSecret(value):
			problems.Addf(name, "want a reference in it, ${env:NAME} or ${file:PATH}, not the secret itself")
		}
	}
	return problems.Err()
}

func (a Auth) validate() error {
	var problems wire.Problems
	if strings.Contains(a.User, ":") {
		problems.Addf("user", "want a name without a colon (RFC 7617), got %q", a.User)
	}
	if a.Password != "" && a.User == "" {
		problems.Addf("password", "is of no use without user")
	}
	if a.Bearer != "" && a.User != "" {
		problems.Addf("bearer", "give either user and password or bearer")
	}
	return problems.Err()
}

// Measure implements Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	u, err := p.parse(run.Target)
	if err != nil {
		return Details{}, err
	}
	x, err := p.begin(run, u)
	if err != nil {
		return Details{}, err
	}
	complete := false
	defer func() { x.end(complete) }()
	err = x.follow(ctx)
	complete = err == nil
	if err == errHTTPUnmet {
		err = nil
	}
	return x.d, err
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	f := probes.Footprint{Probes: 1}
	if u, err := p.parse(target); err == nil {
		f = probes.TargetFootprint("tcp", address(u), "")
	}
	if u, err := url.Parse(p.Proxy.URL); err == nil && u.Host != "" {
		host, port, _ := probes.SplitTarget(u.Host, p.Proxy.port(u))
		f.Places = append(f.Places, probes.Place{Option: "options.proxy.url", Network: "tcp", Host: probes.CanonicalHost(host), Port: port})
	}
	return f
}

// Kinds returns the kinds http and https.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "http", Target: "URL", Example: "http://example.com/", Doc: "makes a request and times each of its phases",
			Main:   []string{"expect.status", "expect.body_regex", "method", "headers", "within"},
			Limits: limits, Metrics: metrics(), Modules: modules("http"),
		}, newHTTP),
		probes.NewKind(probes.Kind{
			Usual: true,
			Name:  "https", Target: "URL", Example: "https://example.com/", Doc: "makes a request over TLS and checks the certificates",
			Main:    []string{"expect.status", "expect.body_regex", "expect.days_left", "tls.insecure", "method", "headers", "within"},
			Metrics: metrics(),
			Modules: modules("https"),
		}, newHTTPS),
	}
}
