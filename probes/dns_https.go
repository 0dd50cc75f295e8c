package probes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

const dnsMediaType = "application/dns-message"

// overHTTPS asks over HTTPS with POST (RFC 8484), which no cache answers.
func (x *dnsExchange) overHTTPS(ctx context.Context, d *DNSDetails) error {
	conn, err := x.secure(ctx, d, "h2", "http/1.1")
	if err != nil {
		return err
	}
	defer conn.Close()
	x.query.Id = 0 // RFC 8484 section 4.1
	b, err := x.query.Pack()
	if err != nil {
		return broken(wire.BrokenInternal, "pack the query: %w", err)
	}
	authority := net.JoinHostPort(x.serverName(), strconv.Itoa(int(x.to.Port())))
	u := url.URL{Scheme: "https", Host: strings.TrimSuffix(authority, ":443"), Path: x.Path}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(b))
	if err != nil {
		return broken(wire.BrokenInternal, "make the request: %w", err)
	}
	req.Header = http.Header{"Content-Type": {dnsMediaType}, "Accept": {dnsMediaType}, "User-Agent": {"netmon"}}
	given := false
	tr := &http.Transport{
		ForceAttemptHTTP2: true, DisableCompression: true, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			if given { // the transport tries again when the server drops the connection
				return nil, fail(wire.FailClosed, "the server closed the connection before the response")
			}
			given = true
			return conn, nil
		},
	}
	defer tr.CloseIdleConnections()
	x.run.Stepf("POST %s: asked for %s, %d bytes", u.String(), d.Question, len(b))
	// The query's time begins when HTTP is ready for it. The callbacks come from
	// other goroutines.
	var ready atomic.Pointer[time.Time]
	ready.Store(new(time.Now()))
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { ready.Store(new(time.Now())) },
		WroteRequest: func(httptrace.WroteRequestInfo) { quickAck(conn) },
	}))
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return netFail("POST "+u.String(), httpsError(ctx, err))
	}
	defer resp.Body.Close()
	d.HTTPStatus, d.HTTPVersion = resp.StatusCode, resp.Proto
	body, err := io.ReadAll(io.LimitReader(resp.Body, dns.MaxMsgSize+1))
	at := *ready.Load()
	rtt := time.Since(at)
	x.run.Stepf("%s %s, %d bytes of %q", resp.Proto, resp.Status, len(body), resp.Header.Get("Content-Type"))
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode != http.StatusOK:
		return fail(wire.FailBadAnswer, "the server answers with HTTP status %d %s, want 200", resp.StatusCode, http.StatusText(resp.StatusCode))
	case media != dnsMediaType:
		return fail(wire.FailBadAnswer, "the server answers with content type %q, want %s", clip(resp.Header.Get("Content-Type")), dnsMediaType)
	case err != nil:
		return netFail(fmt.Sprintf("read the response (%d bytes came)", len(body)), httpsError(ctx, err))
	case len(body) > dns.MaxMsgSize:
		return fail(wire.FailLimit, "the response is over %d bytes, the most that a DNS message can have", dns.MaxMsgSize)
	}
	m, _, err := acceptDNS(body, x.query.Question[0], []dnsSent{{x.query.Id, at}})
	if x.isStray(err, d) {
		return fail(wire.FailBadAnswer, "the response is %w", err)
	}
	if err != nil {
		return err
	}
	x.take(d, m, len(body), rtt, ClockUser)
	return nil
}

// httpsError says what ended a request: net/http hides it behind its own words
// when the context did.
func httpsError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return ctx.Err()
	}
	return plain(err)
}
