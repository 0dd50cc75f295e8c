package probes

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"netmon/wire"
)

// HTTP makes one request (RFC 9110), over a connection of its own unless told
// to keep it. The kinds http and https differ in the scheme alone.
type HTTP struct {
	Common
	Method      string            `json:"method,omitempty" help:"request method (RFC 9110 section 9)"`
	Headers     map[string]string `json:"headers,omitempty" help:"request headers; values may hold ${env:NAME} or ${file:PATH}" secret:"text"`
	Body        string            `json:"body,omitempty" help:"request body; may hold ${env:NAME} or ${file:PATH}" secret:"text"`
	Auth        HTTPAuth          `json:"auth,omitzero"`
	Host        string            `json:"host,omitempty" help:"Host header (:authority in HTTP/2) instead of the URL's; for the name in TLS see tls.server_name"`
	Redirects   int               `json:"redirects" help:"most redirects to follow; 0 fails on the first, -1 takes a redirect for the answer"`
	HTTPVersion string            `json:"http_version" help:"1.1, 2 or any; any lets the server choose by ALPN and is 1.1 without TLS; 2 without TLS is HTTP/2 with prior knowledge (RFC 9113 section 3.3)"`
	KeepAlive   bool              `json:"keep_alive,omitempty" help:"keep the connection for the next run, 5 minutes at most, instead of a fresh one each time"`
	Proxy       HTTPProxy         `json:"proxy,omitzero"`
	TLS         TLSOptions        `json:"tls,omitzero"`
	MaxBody     int64             `json:"max_body" help:"most bytes of a body that are taken, both as it comes and decoded"`
	Expect      HTTPExpect        `json:"expect,omitzero"`

	scheme string
}

// HTTPAuth is who we are. It goes to the target alone, not to where redirects lead.
type HTTPAuth struct {
	User     string `json:"user,omitempty" help:"user name for Basic authentication (RFC 7617)"`
	Password Secret `json:"password,omitempty" help:"password for Basic authentication, as ${env:NAME} or ${file:PATH}"`
	Bearer   Secret `json:"bearer,omitempty" help:"token for Bearer authentication (RFC 6750), as ${env:NAME} or ${file:PATH}"`
}

// HTTPProxy is the way to the target. The environment's proxies are not used.
type HTTPProxy struct {
	URL      string `json:"url,omitempty" help:"proxy as http://HOST:PORT, socks5://HOST:PORT (this agent looks names up) or socks5h://HOST:PORT (the proxy does); default: none, whatever the environment says"`
	User     string `json:"user,omitempty" help:"user name at the proxy"`
	Password Secret `json:"password,omitempty" help:"password at the proxy, as ${env:NAME} or ${file:PATH}"`
}

const (
	httpMaxBody      = 4 << 20   // the default of max_body
	httpMostBody     = 256 << 20 // the greatest
	httpMaxHeader    = 256 << 10 // bytes of a response's headers
	httpMaxRedirects = 50
	httpMaxInterim   = 20 // responses with 1xx before the one that counts
)

func newHTTP() HTTP  { return newWeb("http") }
func newHTTPS() HTTP { return newWeb("https") }

func newWeb(scheme string) HTTP {
	return HTTP{Method: "GET", Redirects: 10, HTTPVersion: "any", MaxBody: httpMaxBody,
		Expect: HTTPExpect{Status: "200-399"}, scheme: scheme}
}

// parse reads the target; one without a scheme gets the kind's.
func (p HTTP) parse(target string) (*url.URL, error) {
	text := target
	if !strings.Contains(text, "://") {
		text = p.scheme + "://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("want a URL, got %q", target)
	case u.Scheme != p.scheme:
		return nil, fmt.Errorf("want a URL with %s://, got %q", p.scheme, target)
	case u.User != nil: // not quoted: it may be a password
		return nil, fmt.Errorf("want a URL without user and password: see auth.user and auth.password")
	}
	if _, _, err := splitTarget(httpAddress(u), ""); err != nil {
		return nil, fmt.Errorf("want a URL, got %q: %w", target, err)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// httpAddress is the host and port of a URL.
func httpAddress(u *url.URL) string {
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
func httpOrigin(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(httpAddress(u)) }

// Validate implements Probe.
func (p HTTP) Validate(target string) error {
	var problems wire.Problems
	_, err := p.parse(target)
	problems.Add("target", err)
	if _, err := http.NewRequest(p.Method, "http://x/", nil); err != nil || p.Method == "" {
		problems.Addf("method", "%q is no request method", p.Method)
	}
	problems.Add("headers", p.validateHeaders())
	problems.Add("auth", p.Auth.validate())
	if p.Host != "" {
		h, _, err := net.SplitHostPort(p.Host)
		if err != nil {
			h = p.Host
		}
		if err := checkHost(strings.Trim(h, "[]")); err != nil {
			problems.Addf("host", "want HOST or HOST:PORT, got %q: %w", p.Host, err)
		}
	}
	if p.Redirects < -1 || p.Redirects > httpMaxRedirects {
		problems.Addf("redirects", "want -1 to %d, got %d", httpMaxRedirects, p.Redirects)
	}
	switch p.HTTPVersion {
	case "any", "1.1", "2":
	default:
		problems.Addf("http_version", "want 1.1, 2 or any, got %q", p.HTTPVersion)
	}
	problems.Add("proxy", p.Proxy.validate(p.HTTPVersion, p.scheme))
	problems.Add("tls", p.TLS.validate())
	if p.MaxBody < 1 || p.MaxBody > httpMostBody {
		problems.Addf("max_body", "want 1 to %d, got %d", httpMostBody, p.MaxBody)
	}
	problems.Add("expect", p.Expect.validate())
	problems.Add("expect", p.possible())
	return problems.Err()
}

// validateHeaders never quotes a value: it may be a secret that somebody wrote out.
func (p HTTP) validateHeaders() error {
	var problems wire.Problems
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		value, canonical := p.Headers[name], http.CanonicalHeaderKey(name)
		if seen[canonical] {
			problems.Addf(name, "is given twice: case does not matter")
		}
		seen[canonical] = true
		switch {
		case !httpHeaderName(name):
			problems.Addf(name, "%q is no header name", name)
		case !httpHeaderValue(value):
			problems.Addf(name, "the value holds a character that headers cannot have")
		case httpBadReference(value) != "":
			problems.Addf(name, "want ${env:NAME} or ${file:PATH}, got %q", httpBadReference(value))
		case canonical == "Host":
			problems.Addf(name, "give it as the option host")
		case canonical == "Content-Length", canonical == "Transfer-Encoding", canonical == "Connection", canonical == "Trailer":
			problems.Addf(name, "is made from the request and cannot be given")
		case canonical == "Proxy-Authorization":
			problems.Addf(name, "give it as the options proxy.user and proxy.password")
		case canonical == "Authorization" && p.Auth != (HTTPAuth{}):
			problems.Addf(name, "give either this header or auth")
		case canonical == "Authorization" && !inText.MatchString(value):
			problems.Addf(name, "want a reference in it, ${env:NAME} or ${file:PATH}, not the secret itself")
		}
	}
	return problems.Err()
}

func (a HTTPAuth) validate() error {
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
func (p HTTP) Measure(ctx context.Context, run *Run) (HTTPDetails, error) {
	u, err := p.parse(run.Target)
	if err != nil {
		return HTTPDetails{}, err
	}
	x, err := p.begin(run, u)
	if err != nil {
		return HTTPDetails{}, err
	}
	defer x.end()
	err = x.follow(ctx)
	if err == errHTTPUnmet {
		err = nil
	}
	return x.d, err
}
