package probes

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

	"netmon/wire"
)

// errHTTPUnmet ends a run whose unmet expectation has been noted.
var errHTTPUnmet = errors.New("an expectation is not met")

// httpRun is one run: a request, and those to which redirects lead.
type httpRun struct {
	HTTP
	run    *Run
	start  time.Time
	target *url.URL
	proxy  *url.URL // with credentials; nil without
	m      httpMessage
	kept   *httpKept            // what the run before left
	conns  map[string]*httpConn // by origin
	d      HTTPDetails
}

// httpKept is what a run leaves for the next one.
type httpKept struct {
	conns  map[string]*httpConn
	sha256 string // of the last body that came with an expected status
}

// begin reads the secrets, before anything is timed.
func (p HTTP) begin(run *Run, target *url.URL) (*httpRun, error) {
	x := &httpRun{HTTP: p, run: run, target: target, conns: map[string]*httpConn{}}
	x.kept, _ = run.Prev.(*httpKept)
	if x.kept == nil {
		x.kept = &httpKept{}
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
	x.start = time.Now()
	return x, nil
}

// end closes the connections, or leaves them for the next run.
func (x *httpRun) end() {
	for origin, c := range x.kept.conns { // not used this time
		if c.take() {
			c.close()
		}
		delete(x.kept.conns, origin)
	}
	for origin, c := range x.conns {
		if !x.KeepAlive || c.cc.Err() != nil || c.cc.Available() == 0 || !c.park(x.run.Env) {
			c.close()
			continue
		}
		if x.kept.conns == nil {
			x.kept.conns = map[string]*httpConn{}
		}
		x.kept.conns[origin] = c
	}
}

func (x *httpRun) hide(s string) string { return x.run.conceal(s) }

// follow makes the request and follows redirects until there is an answer.
func (x *httpRun) follow(ctx context.Context) error {
	for u := x.target; ; {
		begin := time.Now()
		x.d.RedirectNS = 0
		if len(x.d.Redirects) > 0 {
			x.d.RedirectNS = int64(begin.Sub(x.start))
		}
		x.d.forget()
		if u != x.target {
			x.d.URL = clip(x.hide(u.String()))
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
		if x.KeepAlive { // a short body is read, so that the connection can serve again
			io.CopyN(io.Discard, resp.Body, 64<<10)
		}
		resp.Body.Close()
		if !x.KeepAlive {
			x.conns[httpOrigin(u)].close()
			delete(x.conns, httpOrigin(u))
		}
		step := HTTPRedirect{Status: resp.StatusCode, URL: clip(x.hide(to.String())), NS: int64(took)}
		x.d.Redirects = append(x.d.Redirects, step)
		x.run.Stepf("redirected to %s", step.URL)
		if !x.ours(to) && len(x.m.private) > 0 {
			x.run.Stepf("another origin: credentials are not sent there")
		}
		u = to
	}
}

// ask sends one request and returns the response with its body unread.
func (x *httpRun) ask(ctx context.Context, u *url.URL) (*http.Response, *httpTimes, error) {
	for {
		conn, reused, err := x.connection(ctx, u)
		if err != nil {
			return nil, nil, err
		}
		x.d.Reused, x.d.Remote, x.d.Proxy, x.d.TLS = reused, conn.remote, conn.proxy, conn.tls
		resp, ph, err := x.roundTrip(ctx, conn, u)
		if err == nil {
			return resp, ph, nil
		}
		if reused && ctx.Err() == nil && !ph.answered() && httpIdempotent(x.m.method) {
			// The server closed it as we asked (RFC 9110 section 9.2.2).
			x.run.Stepf("the kept connection was closed (%s): connecting anew", clip(x.hide(err.Error())))
			conn.close()
			delete(x.conns, httpOrigin(u))
			x.d.forget()
			continue
		}
		if broke := conn.meter.broke(); broke != nil && strings.Contains(err.Error(), "could not be established") {
			err = broke // which HTTP/2 keeps to itself
		}
		return nil, nil, x.failed(ctx, x.m.method+" "+u.Host, err)
	}
}

func httpIdempotent(method string) bool {
	return slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}, method)
}

// httpShowAfter is how long a body may take before the headers are shown without it.
const httpShowAfter = 50 * time.Millisecond

// answer reads the body of the last response and compares all with what is expected.
func (x *httpRun) answer(ctx context.Context, resp *http.Response, t *httpTimes) error {
	// The headers are shown after the body, unless that is long in coming: to
	// show them takes time.
	show := sync.OnceFunc(func() { x.showResponse(resp) })
	late := time.AfterFunc(httpShowAfter, show)
	b, err := x.readBody(ctx, resp)
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
	x.expect(resp, b)
	return nil
}

// failed classifies an error of an exchange.
func (x *httpRun) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() == context.Canceled {
		return ctx.Err()
	}
	if ctx.Err() != nil { // what the library makes of it varies
		err = ctx.Err()
	}
	text := err.Error()
	var ours *Error
	switch {
	case errors.As(err, &ours): // such as too many interim responses, with the library's words around it
		return &Error{Failure: ours.Failure, Broken: ours.Broken, Err: fmt.Errorf("%s: %w", what, ours)}
	case strings.Contains(text, "server response headers exceeded"), strings.Contains(text, "header list larger than"):
		return fail(wire.FailLimit, "%s: the headers are over %d bytes", what, httpMaxHeader)
	case strings.Contains(text, "remote error: tls: "): // an alert after the handshake: TLS 1.3 asks for the client's certificate that late
		return fail(wire.FailTLS, "%s: %s", what, text[strings.Index(text, "remote error: tls: "):])
	case strings.Contains(text, "server closed idle connection"), strings.Contains(text, "client connection lost"),
		strings.Contains(text, "GOAWAY"):
		return fail(wire.FailClosed, "%s: %s", what, clip(x.hide(text)))
	}
	if f, isBroken := reason(err); f == wire.FailBadAnswer && !isBroken { // the library quotes what came
		return fail(f, "%s: %s", what, clip(x.hide(text)))
	}
	return netFail(what, plain(err))
}
