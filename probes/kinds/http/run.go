package http

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// errHTTPUnmet ends a run whose unmet expectation has been noted.
var errHTTPUnmet = errors.New("an expectation is not met")

// httpRun is one run: a request, and those to which redirects lead.
type httpRun struct {
	Probe
	run     *probes.Run
	start   time.Time
	target  *url.URL
	proxy   *url.URL // with credentials; nil without
	m       message
	kept    *kept                // what the run before left
	conns   map[string]*httpConn // by origin
	cookies cookies
	odd     []string // of the heads of all responses: see expect.header_syntax
	at      string   // host:port of the request that is being made
	d       Details
}

// kept is what a run leaves for the next one.
type kept struct {
	conns  map[string]*httpConn
	sha256 string // of the last body that came with an expected status
}

// begin reads the secrets, before anything is timed.
func (p Probe) begin(run *probes.Run, target *url.URL) (*httpRun, error) {
	x := &httpRun{Probe: p, run: run, target: target, conns: map[string]*httpConn{}}
	x.kept, _ = run.Prev.(*kept)
	if x.kept == nil {
		x.kept = &kept{}
	}
	run.Keep(x.kept)
	var err error
	if x.m, err = p.message(run); err != nil {
		return nil, err
	}
	if x.proxy, err = p.Proxy.withCredentials(run); err != nil {
		return nil, err
	}
	if p.scheme == "https" && p.TLS.CA == "" {
		x509.SystemCertPool() // has them read, once in a process, before anything is timed
	}
	x.start = time.Now().Add(-run.LookupTime())
	return x, nil
}

func (x *httpRun) hide(s string) string { return x.run.Conceal(s) }

// follow makes the request and follows redirects until there is an answer.
func (x *httpRun) follow(ctx context.Context) error {
	for u := x.target; ; {
		begin := time.Now()
		x.d.RedirectNS = 0
		if len(x.d.Redirects) > 0 {
			x.d.RedirectNS = int64(begin.Sub(x.start))
		}
		x.d.resetRequest()
		x.at = x.hide(address(u))
		if u != x.target {
			x.d.URL = figures.Clip(x.hide(u.String()))
		}
		resp, ph, err := x.ask(ctx, u)
		if err != nil {
			return err
		}
		took := time.Since(begin)
		to, err := x.redirect(resp, u)
		if err == nil && to == nil {
			defer resp.Body.Close()
			return x.answer(ctx, resp, ph)
		}
		x.showResponse(resp)
		if err != nil {
			resp.Body.Close()
			return err
		}
		x.takeCookies(resp, u)
		if x.KeepAlive { // a short body is read, so that the connection can serve again
			io.CopyN(io.Discard, resp.Body, 64<<10)
		}
		resp.Body.Close()
		if !x.KeepAlive {
			x.conns[httpOrigin(u)].close()
			delete(x.conns, httpOrigin(u))
		}
		step := Redirect{Status: resp.StatusCode, URL: figures.Clip(x.hide(to.String())), NS: int64(took)}
		x.d.keepHandshake(&step, x.at)
		x.d.Redirects = append(x.d.Redirects, step)
		x.run.Stepf("redirected to %s", step.URL)
		if !x.ours(to) && len(x.m.private) > 0 {
			x.run.Stepf("another origin: credentials are not sent there")
		}
		u = to
	}
}

// ask sends one request and returns the response with its body unread.
func (x *httpRun) ask(ctx context.Context, u *url.URL) (*http.Response, *times, error) {
	for {
		conn, reused, err := x.connection(ctx, u)
		if err != nil {
			return nil, nil, err
		}
		x.d.Reused, x.d.Remote, x.d.Proxy, x.d.TLS = reused, conn.remote, conn.proxy, conn.tls
		x.d.dropSameChain()
		if age := x.start.Sub(conn.made); age > 0 {
			x.d.ConnectionAgeNS = new(int64(age))
			x.d.TLS.Age = age
		}
		odd, notes := len(x.odd), len(x.d.Notes)
		resp, ph, err := x.roundTrip(ctx, conn, u)
		// The server may have ended the idle connection just as we asked: by closing
		// it (RFC 9110 section 9.2.2), or by a 408, which was sent before the request
		// came (section 15.5.9).
		again := reused && ctx.Err() == nil && idempotent(x.m.method)
		ended := ""
		switch {
		case err == nil && again && !conn.h2 && resp.StatusCode == http.StatusRequestTimeout:
			resp.Body.Close()
			ended = "408 Request Timeout"
		case err == nil:
			return resp, ph, nil
		case again && !ph.answered():
			ended = figures.Clip(x.hide(err.Error()))
		}
		if ended != "" {
			x.run.Stepf("the server ended the kept connection (%s): connecting again", ended)
			conn.close()
			delete(x.conns, httpOrigin(u))
			x.d.resetRequest()
			x.odd, x.d.Notes = x.odd[:odd], x.d.Notes[:notes] // what was odd is not of the answer
			continue
		}
		if broke := conn.meter.broke(); broke != nil && strings.Contains(err.Error(), "could not be established") {
			err = broke // which HTTP/2 keeps to itself
		}
		return nil, nil, x.failed(ctx, x.m.method+" "+u.Host, x.headAwaited(), err)
	}
}

func idempotent(method string) bool {
	return slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}, method)
}

// showAfter is how long a body may take before the headers are shown without it.
const showAfter = 50 * time.Millisecond

// answer reads the body of the last response and compares all with what is expected.
func (x *httpRun) answer(ctx context.Context, resp *http.Response, t *times) error {
	// The headers are shown after the body, unless that is long in coming: to
	// show them takes time.
	show := sync.OnceFunc(func() { x.showResponse(resp) })
	late := time.AfterFunc(showAfter, show)
	b, err := x.readBody(ctx, resp)
	defer b.text.release()
	end := time.Now()
	late.Stop()
	show()
	x.d.body(b)
	if first := t.firstByte; !first.IsZero() {
		x.d.TransferNS = int64(end.Sub(first))
	}
	if err != nil {
		return err
	}
	x.d.TotalNS = int64(end.Sub(x.start))
	x.run.Stepf("body: %s, transferred in %v", b, time.Duration(x.d.TransferNS))
	if b.cut {
		origin := httpOrigin(resp.Request.URL)
		if c := x.conns[origin]; c != nil {
			c.close()
			delete(x.conns, origin)
		}
	}
	return x.expect(resp, b)
}

// failed classifies an error of an exchange. what was being done, and awaited is
// what should have come.
func (x *httpRun) failed(ctx context.Context, what, awaited string, err error) error {
	if ctx.Err() == context.Canceled {
		return ctx.Err()
	}
	if ctx.Err() != nil { // what the library makes of it varies
		return x.outOfTime(ctx, what, awaited)
	}
	text := strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ")
	var ours *probes.Error
	switch {
	case errors.As(err, &ours): // such as too many interim responses, with the library's words around it
		return &probes.Error{Failure: ours.Failure, Broken: ours.Broken, Err: fmt.Errorf("%s: %w", what, ours)}
	case strings.Contains(text, "server response headers exceeded"), strings.Contains(text, "header list larger than"):
		return probes.Fail(wire.FailLimit, "%s: the headers are over %d bytes", what, maxHeader)
	case strings.Contains(text, "remote error: tls: "): // an alert after the handshake: TLS 1.3 asks for the client's certificate that late
		return probes.Fail(wire.FailTLS, "%s: %s", what, words.GoWords(text[strings.Index(text, "remote error: tls: "):]))
	case strings.Contains(text, "GOAWAY"):
		return probes.Fail(wire.FailClosed, "%s: %s", what, x.hide(goAway(text)))
	case strings.Contains(text, "server closed idle connection"), strings.Contains(text, "client connection lost"):
		err = io.EOF
	}
	if f, isBroken := probes.Reason(err); f == wire.FailBadAnswer && !isBroken { // the library quotes what came
		return probes.Fail(f, "%s: %s", what, figures.Clip(x.hide(words.GoWords(text))))
	}
	return probes.NetFail(what, endedBefore(words.Plain(err), awaited))
}
