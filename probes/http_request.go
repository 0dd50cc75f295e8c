package probes

import (
	"context"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// httpBadReference returns what looks like a reference in a text and is none.
func httpBadReference(text string) string {
	rest := inText.ReplaceAllString(text, "")
	if i := strings.Index(rest, "${"); i >= 0 {
		return clip(rest[i:])
	}
	return ""
}

// httpHeaderName says whether s is a token (RFC 9110 section 5.6.2).
func httpHeaderName(s string) bool {
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// httpHeaderValue says whether s can stand in a header (RFC 9110 section 5.5).
func httpHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// httpMessage is what to send, with its secrets, before the first request.
type httpMessage struct {
	method  string
	body    string
	headers http.Header       // as sent
	shown   map[string]string // as configured, by canonical name: for people
	private map[string]bool   // headers that belong to the target alone
	secret  bool              // the body holds secrets
}

// message reads the secrets and puts headers and body together.
func (p HTTP) message(run *Run) (httpMessage, error) {
	m := httpMessage{method: p.Method, headers: http.Header{}, shown: map[string]string{}, private: map[string]bool{}}
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
		v, err := run.expand(value)
		if err != nil {
			return m, err
		}
		if !httpHeaderValue(v) {
			return m, broken(wire.BrokenSecret, "header %s: the secret in %s holds a character that headers cannot have", name, value)
		}
		set(name, v, value)
		name = http.CanonicalHeaderKey(name)
		if v != value || name == "Authorization" || name == "Cookie" {
			m.private[name] = true
		}
	}
	switch {
	case p.Auth.Bearer != "":
		token, err := run.reveal(p.Auth.Bearer)
		if err != nil {
			return m, err
		}
		if !httpHeaderValue(token) {
			return m, broken(wire.BrokenSecret, "auth.bearer: %s holds a character that headers cannot have", p.Auth.Bearer)
		}
		set("Authorization", "Bearer "+token, "Bearer "+string(p.Auth.Bearer))
		m.private["Authorization"] = true
	case p.Auth.User != "":
		password, err := run.reveal(p.Auth.Password)
		if err != nil {
			return m, err
		}
		pair := p.Auth.User + ":" + password
		run.guard(pair)
		set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)), "Basic "+p.Auth.User+":"+string(p.Auth.Password))
		m.private["Authorization"] = true
	}
	if m.body, err = run.expand(p.Body); err != nil {
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
		req.Host = x.Host
	}
	return req, nil
}

// ours says whether a URL is of the target's origin.
func (x *httpRun) ours(u *url.URL) bool { return httpOrigin(u) == httpOrigin(x.target) }

// showRequest tells what is sent, the way curl -v does, references unread.
func (x *httpRun) showRequest(req *http.Request, protocol string) {
	if x.run.onStep == nil {
		return
	}
	x.run.Stepf("> %s %s %s", req.Method, req.URL.RequestURI(), protocol)
	x.run.Stepf("> Host: %s", req.Host)
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		x.run.Stepf("> %s: %s", name, x.m.shown[name])
	}
	if req.Close && protocol == "HTTP/1.1" {
		x.run.Stepf("> Connection: close")
	}
	if req.ContentLength > 0 {
		x.run.Stepf("> (a body of %d bytes)", req.ContentLength)
	}
}

// showResponse tells what came before the body.
func (x *httpRun) showResponse(resp *http.Response) {
	if x.run.onStep == nil {
		return
	}
	x.run.Stepf("< %s %s (first byte %v after the request was sent)", httpProtocol(resp), clip(x.hide(strings.TrimSpace(resp.Status))), time.Duration(x.d.ProcessingNS))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			x.run.Stepf("< %s: %s", name, clip(x.hide(v)))
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
	if location == "" || x.Redirects < 0 {
		return nil, nil
	}
	if len(x.d.Redirects) >= x.Redirects {
		return nil, fail(wire.FailLimit, "over %d redirects: %d leads to %s", x.Redirects, resp.StatusCode, clip(x.hide(location)))
	}
	to, err := from.Parse(location)
	if err == nil && to.Scheme != "http" && to.Scheme != "https" {
		return nil, fail(wire.FailBadAnswer, "redirect to %q: the scheme is neither http nor https", clip(x.hide(location)))
	}
	if err == nil {
		_, _, err = splitTarget(httpAddress(to), "")
	}
	if err != nil {
		return nil, fail(wire.FailBadAnswer, "redirect to %q: no URL", clip(x.hide(location)))
	}
	if err := x.run.mayLookUp(to.Hostname()); err != nil && !x.ours(to) {
		return nil, err
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
