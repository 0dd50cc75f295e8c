package dns

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
	"time"

	"github.com/miekg/dns"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/h2"
	"netmon/probes/internal/words"
	"netmon/wire"
)

const mediaType = "application/dns-message"

// overHTTPS asks over HTTPS with POST (RFC 8484), which no cache answers.
func (x *exchange) overHTTPS(ctx context.Context, d *Details) error {
	conn, err := x.secure(ctx, d, "h2", "http/1.1")
	if err != nil {
		return err
	}
	defer conn.Close()
	x.query.Id = 0 // RFC 8484 section 4.1
	b, err := x.query.Pack()
	if err != nil {
		return probes.Broken(wire.BrokenInternal, "pack the query: %w", err)
	}
	authority := net.JoinHostPort(x.serverName(), strconv.Itoa(int(x.to.Port())))
	u := url.URL{Scheme: "https", Host: strings.TrimSuffix(authority, ":443"), Path: x.Path}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(b))
	if err != nil {
		return probes.Broken(wire.BrokenInternal, "make the request: %w", err)
	}
	req.Header = http.Header{"Content-Type": {mediaType}, "Accept": {mediaType}, "User-Agent": {"netmon"}}
	cc, err := x.overHTTP(ctx, conn, d.TLS.ALPN == "h2", authority)
	if err != nil {
		return probes.NetFail("begin HTTP", httpsError(ctx, err))
	}
	defer cc.Close()
	x.run.Stepf("POST %s: asked for %s, %d bytes", u.String(), d.Question, len(b))
	// The callback comes from another goroutine.
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { quickAck(conn) },
	}))
	at := time.Now()
	resp, err := cc.RoundTrip(req)
	if err != nil && strings.Contains(err.Error(), "server closed idle connection") { // it was faster than our request
		err = probes.Fail(wire.FailClosed, "the server closed the connection before the response")
	}
	if err != nil {
		return probes.NetFail("POST "+u.String(), httpsError(ctx, err))
	}
	defer resp.Body.Close()
	d.HTTPStatus, d.HTTPVersion = resp.StatusCode, resp.Proto
	body, err := io.ReadAll(io.LimitReader(resp.Body, dns.MaxMsgSize+1))
	rtt := time.Since(at)
	x.run.Stepf("%s %s, %s of %q", resp.Proto, resp.Status, figures.Counted(len(body), "byte"), resp.Header.Get("Content-Type"))
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode != http.StatusOK:
		return probes.Fail(wire.FailBadAnswer, "the server answers with HTTP status %d %s, want 200", resp.StatusCode, http.StatusText(resp.StatusCode))
	case media != mediaType:
		return probes.Fail(wire.FailBadAnswer, "the server answers with content type %q, want %s", figures.Clip(resp.Header.Get("Content-Type")), mediaType)
	case err != nil:
		return probes.NetFail(fmt.Sprintf("read the response (%s came)", figures.Counted(len(body), "byte")), httpsError(ctx, err))
	case len(body) > dns.MaxMsgSize:
		return probes.Fail(wire.FailLimit, "the response is over %d bytes, the most that a DNS message can have", dns.MaxMsgSize)
	}
	m, _, err := acceptDNS(body, x.query.Question[0], []dnsSent{{x.query.Id, at}})
	if x.isStray(err, d) {
		return probes.Fail(wire.FailBadAnswer, "the response is %w", err)
	}
	if err != nil {
		return err
	}
	x.applyAnswer(d, m, len(body), rtt, engine.ClockUser)
	return nil
}

// overHTTP hands a connection to net/http. TLS is done by then, so that to
// net/http it is a plain one whose protocol is known.
func (x *exchange) overHTTP(ctx context.Context, conn net.Conn, overH2 bool, authority string) (*http.ClientConn, error) {
	if overH2 {
		conn = h2.NewWatch(conn)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(!overH2)
	protocols.SetUnencryptedHTTP2(overH2)
	tr := &http.Transport{
		DisableCompression: true, MaxResponseHeaderBytes: 64 << 10, Protocols: &protocols,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	return tr.NewClientConn(ctx, "http", authority)
}

// httpsError says what ended a request: net/http hides it behind its own words
// when the context did.
func httpsError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return ctx.Err()
	}
	return words.Plain(err)
}
