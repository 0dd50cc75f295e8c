package probes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"netmon/wire"
)

// maxBody bounds the bytes of a body that are read; what is beyond them fails the run.
const maxBody = 4 << 20

// HTTP makes one request (RFC 9110) over a connection of its own.
type HTTP struct {
	Common
	Method    string            `json:"method,omitempty" help:"request method"`
	Headers   map[string]string `json:"headers,omitempty" help:"request headers; values may hold ${env:NAME} or ${file:PATH}"`
	Body      string            `json:"body,omitempty" help:"request body"`
	Redirects int               `json:"redirects,omitempty" help:"most redirects to follow; -1 follows none"`
	Insecure  bool              `json:"insecure,omitempty" help:"do not verify the certificate"`
	Expect    HTTPExpect        `json:"expect,omitzero"`

	scheme string
}

// HTTPExpect is what the response must be like.
type HTTPExpect struct {
	Status string `json:"status,omitempty" help:"status codes that are ok, such as 200, 200-299 or 200,301"`
	Body   string `json:"body,omitempty" help:"RE2 expression that the body must match"`
}

// HTTPDetails is what an HTTP probe learns.
type HTTPDetails struct {
	ResolveNS    int64     `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address"`
	ConnectNS    int64     `json:"connect_ns,omitempty" help:"TCP connect, ns"`
	TLSNS        int64     `json:"tls_ns,omitempty" help:"TLS handshake, ns"`
	ProcessingNS int64     `json:"processing_ns,omitempty" help:"from the request sent to the first byte of the response, ns"`
	TransferNS   int64     `json:"transfer_ns,omitempty" help:"from the first to the last byte of the response, ns"`
	TotalNS      int64     `json:"total_ns,omitempty" help:"the last request in all, redirects before it included, ns"`
	Status       int       `json:"status,omitempty" help:"status code (RFC 9110 section 15)"`
	Protocol     string    `json:"protocol,omitempty" help:"protocol of the response, such as HTTP/1.1 or HTTP/2.0"`
	Bytes        *int64    `json:"bytes,omitempty" help:"body, decoded, bytes"`
	Redirects    []string  `json:"redirects,omitempty" help:"URLs that redirects led to"`
	TLSVersion   string    `json:"tls_version,omitempty" help:"TLS version"`
	TLSCipher    string    `json:"tls_cipher,omitempty" help:"TLS cipher suite"`
	CertSubject  string    `json:"cert_subject,omitempty" help:"subject of the server's certificate"`
	CertExpires  time.Time `json:"cert_expires,omitzero" help:"earliest end of the certificates sent, UTC"`
}

func newHTTP() HTTP  { return newWeb("http") }
func newHTTPS() HTTP { return newWeb("https") }

func newWeb(scheme string) HTTP {
	return HTTP{Method: "GET", Redirects: 10, Expect: HTTPExpect{Status: "200-399"}, scheme: scheme}
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
	case u.User != nil:
		return nil, fmt.Errorf("want a URL without user and password: give a header with ${env:NAME}")
	}
	if err := checkHost(u.Hostname()); err != nil {
		return nil, fmt.Errorf("want a URL, got %q: %w", target, err)
	}
	return u, nil
}

// Validate implements Probe.
func (p HTTP) Validate(target string) error {
	var problems wire.Problems
	_, err := p.parse(target)
	problems.Add("target", err)
	if _, err := http.NewRequest(p.Method, "http://x/", nil); err != nil || p.Method == "" {
		problems.Addf("method", "%q is no request method", p.Method)
	}
	if p.Redirects < -1 || p.Redirects > 50 {
		problems.Addf("redirects", "want -1 to 50, got %d", p.Redirects)
	}
	if _, err := statusRanges(p.Expect.Status); err != nil {
		problems.Add("expect.status", err)
	}
	if _, err := regexp.Compile(p.Expect.Body); err != nil {
		problems.Addf("expect.body", "%q is no RE2 expression: %w", p.Expect.Body, err)
	}
	return problems.Err()
}

// statusRanges reads "200-299,301" as pairs of bounds.
func statusRanges(s string) ([][2]int, error) {
	var out [][2]int
	for part := range strings.SplitSeq(s, ",") {
		lo, hi, ok := strings.Cut(strings.TrimSpace(part), "-")
		if !ok {
			hi = lo
		}
		a, errA := strconv.Atoi(lo)
		b, errB := strconv.Atoi(hi)
		if errA != nil || errB != nil || a < 100 || b > 599 || a > b {
			return nil, fmt.Errorf("want codes and ranges such as 200-299,301, got %q", s)
		}
		out = append(out, [2]int{a, b})
	}
	return out, nil
}

// phases notes the times of the last request. The callbacks of httptrace come
// from several goroutines, some after the response is there.
type phases struct {
	mu                        sync.Mutex
	tlsStart, sent, firstByte time.Time
	resolve, connect, tls     time.Duration
}

func (ph *phases) note(f func()) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	f()
}

func (ph *phases) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() { ph.note(func() { ph.tlsStart = time.Now() }) },
		TLSHandshakeDone: func(tls.ConnectionState, error) {
			ph.note(func() { ph.tls = time.Since(ph.tlsStart) })
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { ph.note(func() { ph.sent = time.Now() }) },
		GotFirstResponseByte: func() { ph.note(func() { ph.firstByte = time.Now() }) },
	}
}

// Measure implements Probe.
func (p HTTP) Measure(ctx context.Context, run *Run) (HTTPDetails, error) {
	var d HTTPDetails
	u, err := p.parse(run.Target)
	if err != nil {
		return d, err
	}
	ph := &phases{}
	tr := &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: p.Insecure},
		MaxResponseHeaderBytes: 256 << 10,
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return p.connect(ctx, run, ph, addr)
		},
	}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if p.Redirects < 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > p.Redirects {
			return fail(wire.FailLimit, "over %d redirects", p.Redirects)
		}
		d.Redirects = append(d.Redirects, clip(req.URL.Redacted()))
		run.Stepf("redirected to %s", req.URL.Redacted())
		return nil
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, ph.trace()), p.Method, u.String(), strings.NewReader(p.Body))
	if err != nil {
		return d, err
	}
	req.Header.Set("User-Agent", "netmon")
	for k, v := range p.Headers {
		if v, err = expand(v); err != nil {
			return d, err
		}
		if http.CanonicalHeaderKey(k) == "Host" {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		ph.note(func() { d.fill(ph) })
		var ue *url.Error
		if errors.As(err, &ue) { // its text repeats the URL
			err = ue.Err
		}
		if errors.Is(err, http.ErrSchemeMismatch) {
			err = fail(wire.FailTLS, "the server speaks HTTP without TLS")
		}
		return d, netFail(p.Method+" "+u.Host, err)
	}
	defer resp.Body.Close()
	d.Status, d.Protocol = resp.StatusCode, resp.Proto
	d.certificates(resp.TLS)
	run.Stepf("%s %s", resp.Proto, resp.Status)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	end := time.Now()
	n := int64(len(body))
	d.Bytes = &n
	ph.note(func() {
		d.fill(ph)
		if !ph.firstByte.IsZero() {
			d.TransferNS = int64(end.Sub(ph.firstByte))
		}
	})
	d.TotalNS = int64(end.Sub(start))
	if err != nil {
		return d, netFail("read the body", err)
	}
	if n > maxBody {
		return d, fail(wire.FailLimit, "the body is over %d bytes", maxBody)
	}
	run.Stepf("read %d bytes", n)
	ranges, err := statusRanges(p.Expect.Status)
	if err != nil {
		return d, err
	}
	ok := false
	for _, r := range ranges {
		ok = ok || d.Status >= r[0] && d.Status <= r[1]
	}
	run.Expect(ok, "expect.status", p.Expect.Status, strconv.Itoa(d.Status))
	if p.Expect.Body != "" {
		run.Expect(regexp.MustCompile(p.Expect.Body).Match(body), "expect.body", p.Expect.Body, string(body[:min(len(body), 200)]))
	}
	return d, nil
}

// connect resolves and connects as its own phases.
func (p HTTP) connect(ctx context.Context, run *Run, ph *phases, addr string) (net.Conn, error) {
	host, port, err := splitTarget(addr, "")
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	addrs, resolved, err := p.resolve(ctx, run, host)
	if err != nil {
		return nil, err
	}
	conn, took, err := p.dial(ctx, run, "tcp", addrs, port)
	ph.note(func() { ph.resolve, ph.connect = resolved, took })
	return conn, err
}

func (d *HTTPDetails) fill(ph *phases) {
	d.ResolveNS, d.ConnectNS, d.TLSNS = int64(ph.resolve), int64(ph.connect), int64(ph.tls)
	if !ph.firstByte.IsZero() && !ph.sent.IsZero() {
		d.ProcessingNS = int64(max(0, ph.firstByte.Sub(ph.sent)))
	}
}

func (d *HTTPDetails) certificates(s *tls.ConnectionState) {
	if s == nil || len(s.PeerCertificates) == 0 {
		return
	}
	d.TLSVersion, d.TLSCipher = tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite)
	d.CertSubject = clip(s.PeerCertificates[0].Subject.String())
	for _, c := range s.PeerCertificates {
		if d.CertExpires.IsZero() || c.NotAfter.Before(d.CertExpires) {
			d.CertExpires = c.NotAfter.UTC()
		}
	}
}

// Headline implements Details.
func (d HTTPDetails) Headline() Headline {
	h := Headline{Latency: time.Duration(d.TotalNS), Expires: d.CertExpires}
	if d.Status > 0 {
		h.Clock = ClockUser
		h.Summary = strings.TrimSpace(fmt.Sprintf("%d %s", d.Status, http.StatusText(d.Status)))
		if d.Bytes != nil {
			h.Summary += fmt.Sprintf(", %s, %d bytes", d.Protocol, *d.Bytes)
		}
	}
	return h
}

// Report implements Details.
func (d HTTPDetails) Report(w io.Writer) {
	if d.Status > 0 {
		fmt.Fprintf(w, "%s %d %s\n", d.Protocol, d.Status, http.StatusText(d.Status))
	}
	for _, r := range d.Redirects {
		fmt.Fprintf(w, "redirected to %s\n", r)
	}
	if d.TLSVersion != "" {
		fmt.Fprintf(w, "%s, %s, %s, expires %s\n", d.TLSVersion, d.TLSCipher, d.CertSubject, d.CertExpires.Format("2006-01-02 15:04 MST"))
	}
	for _, ph := range []struct {
		name string
		ns   int64
	}{{"resolve", d.ResolveNS}, {"connect", d.ConnectNS}, {"tls", d.TLSNS}, {"processing", d.ProcessingNS}, {"transfer", d.TransferNS}, {"total", d.TotalNS}} {
		if ph.ns > 0 {
			fmt.Fprintf(w, "%-11s %10.3f ms\n", ph.name, float64(ph.ns)/1e6)
		}
	}
	if d.Bytes != nil {
		fmt.Fprintf(w, "body        %10d bytes\n", *d.Bytes)
	}
}
