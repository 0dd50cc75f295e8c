package http

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/testcert"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// redirecting serves HTTPS and leads from / to where it is asked to, or answers.
func redirecting(t *testing.T, config *tls.Config, to string) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to != "" && r.URL.Path == "/" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}))
	s.Config.ErrorLog, s.EnableHTTP2, s.TLS = probetest.QuietLog, config != nil && config.NextProtos == nil, config
	if config == nil {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s
}

// TestHTTP_EveryHop: what is expected of certificates and TLS holds for each
// host on the way, and the one for which it does not is named.
func TestHTTP_EveryHop(t *testing.T) {
	root, stranger := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA), testcert.New(t, "Stranger", -1000, 4000, nil, testcert.CA)
	with := func(parent *testcert.Cert, name string, days int, change func(*tls.Config)) *tls.Config {
		c := testcert.Chain(testcert.New(t, name, -100, days, parent, testcert.Server))
		if change != nil {
			change(c)
		}
		return c
	}
	only12 := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	only11 := func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }
	for name, c := range map[string]struct {
		hops    []*tls.Config // nil: without TLS
		more    string        // in tls
		expect  string
		failure wire.Failure
		says    string // with ADDR0, ADDR1 ... for the hosts
		days    int    // of cert_expires
	}{
		"the target's ends first":    {[]*tls.Config{with(root, "first", 4, nil), with(root, "last", 79, nil)}, ``, `"days_left":14`, wire.FailMismatch, "want at least 14, got 4: ADDR0 has 4 days left by the server's certificate 'CN=first'", 4},
		"one on the way does":        {[]*tls.Config{with(root, "first", 30, nil), with(root, "second", 4, nil), with(root, "last", 79, nil)}, ``, `"days_left":14`, wire.FailMismatch, "got 4: ADDR1 has 4 days left by the server's certificate 'CN=second'", 4},
		"the last one does":          {[]*tls.Config{with(root, "first", 30, nil), with(root, "last", 4, nil)}, ``, `"days_left":14`, wire.FailMismatch, "got 4: ADDR1 has 4 days left by the server's certificate 'CN=last'", 4},
		"all last long enough":       {[]*tls.Config{with(root, "first", 30, nil), with(root, "last", 79, nil)}, ``, `"days_left":30`, "", "", 30},
		"HTTP leads to HTTPS":        {[]*tls.Config{nil, with(root, "last", 4, nil)}, ``, `"days_left":14`, wire.FailMismatch, "got 4: ADDR1 has 4 days left", 4},
		"HTTPS leads to HTTP":        {[]*tls.Config{with(root, "first", 4, nil), nil}, ``, ``, "", "", 4},
		"an old version at first":    {[]*tls.Config{with(root, "first", 30, only12), with(root, "last", 79, nil)}, ``, `"version":"1.3"`, wire.FailMismatch, "expect.version: want at least 1.3, got 1.2 at ADDR0", 30},
		"an old version at last":     {[]*tls.Config{with(root, "first", 30, nil), with(root, "last", 79, only12)}, ``, `"version":"1.3"`, wire.FailMismatch, "expect.version: want at least 1.3, got 1.2 at ADDR1", 30},
		"no HTTP/2 at first":         {[]*tls.Config{with(root, "first", 30, only11), with(root, "last", 79, nil)}, ``, `"alpn":"h2"`, wire.FailMismatch, "expect.alpn: want h2, got http/1.1 at ADDR0", 30},
		"no HTTP/2 at last":          {[]*tls.Config{with(root, "first", 30, nil), with(root, "last", 79, only11)}, ``, `"alpn":"h2"`, wire.FailMismatch, "expect.alpn: want h2, got http/1.1 at ADDR1", 30},
		"the subject of the last":    {[]*tls.Config{with(root, "first", 30, nil), with(root, "last", 79, nil)}, ``, `"subject":"CN=last"`, "", "", 30},
		"the first does not verify":  {[]*tls.Config{with(stranger, "first", 4, nil), with(root, "last", 79, nil)}, ``, ``, wire.FailCertificate, "the server does not send the certificate of its issuer 'CN=Stranger'", 4},
		"the second does not":        {[]*tls.Config{with(root, "first", 30, nil), with(stranger, "last", 79, nil)}, ``, ``, wire.FailCertificate, "ADDR1: the server does not send the certificate of its issuer 'CN=Stranger'", 30},
		"it has expired":             {[]*tls.Config{with(root, "first", 30, nil), with(root, "last", -2, nil)}, ``, ``, wire.FailCertificate, "ADDR1: the server's certificate 'CN=last' expired on ", -2},
		"nobody minds that it has":   {[]*tls.Config{with(root, "first", -2, nil), with(root, "last", 79, nil)}, `,"insecure":true`, ``, "", "", -2},
		"nobody minds, but its days": {[]*tls.Config{with(root, "first", -2, nil), with(root, "last", 79, nil)}, `,"insecure":true`, `"days_left":14`, wire.FailMismatch, "got -2: ADDR0 has -2 days left by the server's certificate 'CN=first'", -2},
	} {
		for _, keep := range []string{"false", "true"} {
			t.Run(name+"/keep "+keep, func(t *testing.T) {
				t.Parallel()
				addrs := make([]string, len(c.hops))
				replace := []string{}
				next := ""
				for i := len(c.hops) - 1; i >= 0; i-- {
					s := redirecting(t, c.hops[i].Clone(), next)
					addrs[i], next = s.Listener.Addr().String(), s.URL+"/"
					replace = append(replace, fmt.Sprintf("ADDR%d", i), addrs[i])
				}
				kind := "https"
				if c.hops[0] == nil {
					kind = "http"
				}
				r := measureWithin(t, 20*time.Second, kind, next, `{"keep_alive":`+keep+`,"tls":{`+testcert.Trust(t, root)+c.more+`},"expect":{`+c.expect+`}}`)
				if r.Failure != c.failure {
					t.Fatalf("failure %q, want %q: %s", r.Failure, c.failure, r.Error)
				}
				if says := strings.NewReplacer(replace...).Replace(c.says); !strings.Contains(r.Error, says) {
					t.Errorf("error %q, want %q in it", r.Error, says)
				}
				if r.CertExpires == nil || (tlsconf.Figures{Expires: *r.CertExpires}).DaysLeft(time.Now()) != c.days {
					t.Errorf("expires %v, want %d days", r.CertExpires, c.days)
				}
				d := probetest.DetailsOf[Details](t, r)
				for i, step := range d.Redirects {
					if c.hops[i] == nil {
						if step.TLS != nil || step.Host != "" {
							t.Errorf("hop %d has TLS: %+v", i, step)
						}
						continue
					}
					if step.TLS == nil || step.Host != addrs[i] || len(step.TLS.Chain) != 1 || step.TLS.Version == "" || (step.TLS.VerifyError != "") != (c.more != "") {
						t.Errorf("hop %d: %+v", i, step)
					}
				}
				var report strings.Builder
				d.Report(&report)
				if c.more != "" && !strings.Contains(report.String(), "NOT verified: the server's certificate 'CN=first' expired on ") {
					t.Errorf("report:\n%s", report.String())
				}
			})
		}
	}
}

// TestHTTP_HopsAreBounded: many hosts on the way, each with a long chain, leave
// room for the result; the same chain is listed once.
func TestHTTP_HopsAreBounded(t *testing.T) {
	root := testcert.New(t, "Root", -1000, 4000, nil, testcert.CA)
	var sent []*testcert.Cert
	for i := range tlsconf.MaxChain + 2 {
		sent = append(sent, testcert.New(t, fmt.Sprintf("%d %s", i, strings.Repeat("x", 60)), -100, 100, root, testcert.CA))
	}
	next := redirecting(t, testcert.Chain(testcert.New(t, "last", -10, 79, root, testcert.Server), sent...), "").URL
	for i := range maxRedirects / 5 {
		days := 50
		if i == 0 { // far from the target, beyond the chains that are listed
			days = 4
		}
		next = redirecting(t, testcert.Chain(testcert.New(t, "hop", -10, days, root, testcert.Server), sent...), next).URL
	}
	r := measureWithin(t, 20*time.Second, "https", next, `{"redirects":50,"tls":{`+testcert.Trust(t, root)+`},"expect":{"days_left":14}}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
	d := probetest.DetailsOf[Details](t, r)
	told := 0
	for _, step := range d.Redirects {
		told += len(step.TLS.Chain)
	}
	if told != maxHopCerts || len(r.Details) > wire.MaxDetails || len(d.Redirects) != 10 {
		t.Errorf("%d certificates, details of %d bytes, %d redirects", told, len(r.Details), len(d.Redirects))
	}
	u, _ := url.Parse(d.Redirects[8].URL)
	if !strings.Contains(r.Error, "got 4: "+u.Host+" has 4 days left by the server's certificate 'CN=hop'") {
		t.Errorf("error %q", r.Error)
	}

	same := testcert.Chain(testcert.New(t, "same", -10, 79, root, testcert.Server), sent[0])
	s := redirecting(t, same, "/there")
	r = measureWithin(t, 20*time.Second, "https", s.URL+"/", `{"tls":{`+testcert.Trust(t, root)+`}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	d = probetest.DetailsOf[Details](t, r)
	if len(d.Redirects) != 1 || d.Redirects[0].TLS == nil || d.Redirects[0].TLS.Chain != nil || d.Redirects[0].TLS.Expires.IsZero() || len(d.TLS.Chain) != 2 {
		t.Errorf("%s", r.Details)
	}
}
