package tls

import (
	"crypto/tls"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"netmon/internal/probetest"
	"netmon/wire"
)

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	s.StartTLS()
	t.Cleanup(s.Close)
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	addr, bare := s.Listener.Addr().String(), plain.Listener.Addr().String()
	for _, c := range []struct {
		name, target, options string
		failure               wire.Failure
		unmet                 string
	}{
		{"a certificate that nobody vouches for", addr, `{}`, wire.FailCertificate, ""},
		{"the same, and it is to be taken", addr, `{"tls":{"insecure":true}}`, "", ""},
		{"all that is expected holds", addr, `{"tls":{"insecure":true},"alpn":["http/1.1"],"expect":{"days_left":1,"version":"1.2","alpn":"http/1.1","subject":"example.com"}}`, "", ""},
		{"days left", addr, `{"tls":{"insecure":true},"expect":{"days_left":99999}}`, wire.FailMismatch, "expect.days_left"},
		{"version", addr, `{"tls":{"insecure":true},"expect":{"version":"1.3"}}`, wire.FailMismatch, "expect.version"},
		{"another protocol", addr, `{"tls":{"insecure":true},"alpn":["http/1.1"],"expect":{"alpn":"h2"}}`, wire.FailMismatch, "expect.alpn: want h2, got http/1.1"},
		{"no protocol", addr, `{"tls":{"insecure":true},"expect":{"alpn":"h2"}}`, wire.FailMismatch, "expect.alpn: want h2, got none"},
		{"subject", addr, `{"tls":{"insecure":true},"expect":{"subject":"nobody"}}`, wire.FailMismatch, "expect.subject"},
		{"no common version", addr, `{"tls":{"insecure":true,"min_version":"1.3"}}`, wire.FailTLS, ""},
		{"a server without TLS", bare, `{}`, wire.FailTLS, ""},
		{"a secret that is not there", addr, `{"tls":{"ca":"${env:NO_SUCH}"}}`, wire.BrokenSecret, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := measure(t, "tls", c.target, c.options)
			if r.Failure != c.failure {
				t.Fatalf("failure %q, want %q: %s", r.Failure, c.failure, r.Error)
			}
			if c.unmet != "" && (len(r.Unmet) != 1 || !strings.HasPrefix(r.Error, c.unmet)) {
				t.Errorf("unmet %+v, want %s", r.Unmet, c.unmet)
			}
			var d Details
			if err := json.Unmarshal(r.Details, &d); err != nil {
				t.Fatal(err)
			}
			known := r.Failure == "" || r.Failure == wire.FailCertificate || r.Failure == wire.FailMismatch
			if known && (len(d.TLS.Chain) != 1 || d.TLS.VerifyFault != "self_signed" || r.CertExpires == nil) {
				t.Errorf("figures %+v", d.TLS)
			}
		})
	}
}

func TestTLS_RefusesBadOptions(t *testing.T) {
	got := refused(t, "tls", "example.com:0", `{"alpn":[""],"tls":{"server_name":"a b","cert":"${env:A}","min_version":"2"},"expect":{"version":"x"}}`)
	for _, want := range []string{"target: ", "options.tls.server_name: ", "options.tls.key: ", `options.tls.min_version: want 1.0, 1.1, 1.2 or 1.3, got "2"`, "options.expect.version: ", "options.alpn[0]: "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

func TestTLSGolden(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	s.StartTLS()
	t.Cleanup(s.Close)
	probetest.Golden(t, measure(t, "tls", s.Listener.Addr().String(), `{"tls":{"insecure":true},"alpn":["http/1.1"],"expect":{"version":"1.3"}}`),
		map[string]string{`\d+ days left`: "1000 days left"}) // its certificate ends in 2084
}
