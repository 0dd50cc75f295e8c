package http

import (
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// badReference returns what looks like a reference in a text and is none.
func badReference(text string) string {
	rest := probes.WithoutSecrets(text)
	if i := strings.Index(rest, "${"); i >= 0 {
		return figures.Clip(rest[i:])
	}
	return ""
}

// headerName says whether s is a token (RFC 9110 section 5.6.2).
func headerName[T string | []byte](s T) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(s) > 0
}

// headerValue says whether s can stand in a header (RFC 9110 section 5.5).
func headerValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// message is what to send, with its secrets, before the first request.
type message struct {
	method  string
	body    string
	headers http.Header       // as sent
	shown   map[string]string // as configured, by canonical name: for people
	private map[string]bool   // headers that belong to the target alone
	secret  bool              // the body holds secrets
	cookies string            // the header Cookie of the last request, for people
}

// message reads the secrets and puts headers and body together.
func (p Probe) message(run *probes.Run) (message, error) {
	m := message{method: p.Method, headers: http.Header{}, shown: map[string]string{}, private: map[string]bool{}}
	set := func(name, value, shown string) {
		m.headers.Set(name, value)
		m.shown[http.CanonicalHeaderKey(name)] = shown
	}
	set("User-Agent", "netmon", "netmon")
	set("Accept", "*/*", "*/*")
	set("Accept-Encoding", "gzip", "gzip")
	var err error
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		value := p.Headers[name]
		v, err := run.Expand(value)
		if err != nil {
			return m, err
		}
		if !headerValue(v) {
			return m, probes.Broken(wire.BrokenSecret, "header %s: the secret in %s holds a character that headers cannot have", name, value)
		}
		set(name, v, value)
		name = http.CanonicalHeaderKey(name)
		if v != value || name == "Authorization" || name == "Cookie" {
			m.private[name] = true
		}
	}
	switch {
	case p.Auth.Bearer != "":
		token, err := run.Reveal(p.Auth.Bearer)
		if err != nil {
			return m, err
		}
		if !headerValue(token) {
			return m, probes.Broken(wire.BrokenSecret, "auth.bearer: %s holds a character that headers cannot have", p.Auth.Bearer)
		}
		set("Authorization", "Bearer "+token, "Bearer "+string(p.Auth.Bearer))
		m.private["Authorization"] = true
	case p.Auth.User != "":
		password, err := run.Reveal(p.Auth.Password)
		if err != nil {
			return m, err
		}
		pair := p.Auth.User + ":" + password
		run.Redact(pair)
		set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)), "Basic "+p.Auth.User+":"+string(p.Auth.Password))
		m.private["Authorization"] = true
	}
	if m.body, err = run.Expand(p.Body); err != nil {
		return m, err
	}
	m.secret = m.body != p.Body
	return m, nil
}

// request makes the request for one URL. Where that is not the target's origin
// it leaves out what is for the target alone.
func (x *httpRun) request(ctx context.Context, u *url.URL) (*http.Request, error) {
	var body io.Reader // nil, so that no Content-Length is sent where there is none
	if x.m.body != "" {
		body = strings.NewReader(x.m.body)
	}
	req, err := http.NewRequestWithContext(ctx, x.m.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Close = !x.KeepAlive // so that the library does not wait for what may follow
	req.Header = x.m.headers.Clone()
	if !x.ours(u) {
		for name := range x.m.private {
			req.Header.Del(name)
		}
	} else if x.Host != "" {
		if req.Host, err = probes.ASCIIHostPort(x.Host); err != nil {
			return nil, err
		}
	}
	x.addCookies(req, u)
	return req, nil
}

// ours says whether a URL is of the target's origin.
func (x *httpRun) ours(u *url.URL) bool { return httpOrigin(u) == httpOrigin(x.target) }

// showRequest shows what is sent, the way curl -v does, references unread.
func (x *httpRun) showRequest(req *http.Request, protocol string) {
	if !x.run.Watched() {
		return
	}
	x.run.Stepf("> %s %s %s", req.Method, req.URL.RequestURI(), protocol)
	x.run.Stepf("> Host: %s", req.Host)
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		shown := x.m.shown[name]
		if name == "Cookie" {
			shown = x.m.cookies
		}
		x.run.Stepf("> %s: %s", name, shown)
	}
	if req.Close && protocol == "HTTP/1.1" {
		x.run.Stepf("> Connection: close")
	}
	if req.ContentLength > 0 {
		x.run.Stepf("> (a body of %s)", figures.Counted(req.ContentLength, "byte"))
	}
}

// showResponse shows what came before the body.
func (x *httpRun) showResponse(resp *http.Response) {
	if !x.run.Watched() {
		return
	}
	x.run.Stepf("< %s %s (first byte %v after the request was sent)", protocol(resp), figures.Clip(x.hide(strings.TrimSpace(resp.Status))), time.Duration(x.d.ProcessingNS))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			x.run.Stepf("< %s: %s", name, figures.Clip(x.hide(hideCookie(name, v))))
		}
	}
}

// redirect says where a response leads, nil when it is no redirect, and turns
// the message into the one to send there (RFC 9110 section 15.4).
func (x *httpRun) redirect(resp *http.Response, from *url.URL) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := resp.Header.Get("Location")
	if location == "" {
		x.note("%d leads nowhere: it has no Location (RFC 9110 section 15.4)", resp.StatusCode)
		return nil, nil
	}
	if x.Redirects < 0 {
		return nil, nil
	}
	if len(x.d.Redirects) >= x.Redirects {
		return nil, x.tooManyRedirects(resp.StatusCode, location)
	}
	to, err := from.Parse(location)
	if err == nil && to.Scheme != "http" && to.Scheme != "https" {
		return nil, probes.Fail(wire.FailBadAnswer, "redirect to %q: the scheme is neither http nor https", figures.Clip(x.hide(location)))
	}
	var secret error // the name holds one, as it came or in its form in ASCII
	if err == nil {
		secret = x.run.AllowLookup(to.Hostname())
		err = probes.ASCIIURL(to)
	}
	if err == nil {
		_, _, err = probes.ParseTarget(address(to), "")
	}
	if err != nil {
		return nil, probes.Fail(wire.FailBadAnswer, "redirect to %q: no URL", figures.Clip(x.hide(location)))
	}
	if secret = cmp.Or(secret, x.run.AllowLookup(to.Hostname())); secret != nil && !x.ours(to) {
		return nil, secret
	}
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	same := resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect
	toGet := resp.StatusCode == http.StatusSeeOther && x.m.method != http.MethodHead || !same && x.m.method == http.MethodPost
	if toGet {
		x.m.method, x.m.body, x.m.secret = http.MethodGet, "", false
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"} {
			x.m.headers.Del(name)
		}
	}
	if x.m.secret && !x.ours(to) {
		x.run.Expect(false, "redirects", "a body with secrets to be asked for by the target alone", x.hide(to.String()))
		return nil, errHTTPUnmet
	}
	return to, nil
}
