package http

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/wire"
)

func TestHTTPS(t *testing.T) {
	pki, other := probetest.NewWebPKI(t), probetest.NewWebPKI(t)
	good := pki.Serve(t, "127.0.0.1", nil)
	expired := pki.ServeUntil(t, "127.0.0.1", time.Now().Add(-time.Hour), nil)
	named := pki.Serve(t, "www.example.com", nil)
	only11 := pki.Serve(t, "127.0.0.1", func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} })
	noALPN := pki.Serve(t, "127.0.0.1", func(c *tls.Config) { c.NextProtos = []string{}; c.MaxVersion = tls.VersionTLS12 })
	clients := pki.Serve(t, "127.0.0.1", func(c *tls.Config) {
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AddCert(pki.Cert)
		c.ClientAuth = tls.RequireAndVerifyClientCert
	})
	plain := serveWeb(t)
	cert, key := pki.Issue(t, "client", time.Now().Add(time.Hour))
	ca := `"ca":"${file:` + pki.Ca + `}"`
	for name, c := range map[string]struct {
		target, options string
		failure         wire.Failure
		unmet           string // or a part of the error
		protocol        string
	}{
		"a page":                             {good.URL, `{"tls":{` + ca + `}}`, "", "", "HTTP/2"},
		"a page over HTTP/1.1":               {good.URL, `{"http_version":"1.1","tls":{` + ca + `}}`, "", "", "HTTP/1.1"},
		"a page over HTTP/2":                 {good.URL, `{"http_version":"2","tls":{` + ca + `}}`, "", "", "HTTP/2"},
		"a server without HTTP/2":            {only11.URL, `{"tls":{` + ca + `}}`, "", "", "HTTP/1.1"},
		"HTTP/2 from it":                     {only11.URL, `{"http_version":"2","tls":{` + ca + `}}`, wire.FailMismatch, "http_version", ""},
		"a CA that nobody knows":             {good.URL, ``, wire.FailCertificate, "does not send the certificate of its issuer 'CN=Test CA'", ""},
		"another CA":                         {good.URL, `{"tls":{"ca":"${file:` + other.Ca + `}"}}`, wire.FailCertificate, "unknown authority", ""},
		"the same, and it is to be taken":    {good.URL, `{"tls":{"insecure":true}}`, "", "", "HTTP/2"},
		"expired":                            {expired.URL, `{"tls":{` + ca + `}}`, wire.FailCertificate, "expired", ""},
		"a certificate for another name":     {named.URL, `{"tls":{` + ca + `}}`, wire.FailCertificate, "the server's certificate 'CN=www.example.com' is not for 127.0.0.1: it is for www.example.com", ""},
		"its name, told":                     {named.URL, `{"tls":{` + ca + `,"server_name":"www.example.com"},"host":"www.example.com"}`, "", "", "HTTP/2"},
		"a CA file that is not there":        {good.URL, `{"tls":{"ca":"${file:/no/such/file}"}}`, wire.BrokenSecret, "/no/such/file", ""},
		"days left":                          {good.URL, `{"tls":{` + ca + `},"expect":{"days_left":10,"version":"1.3","alpn":"h2","subject":"127.0.0.1"}}`, "", "", "HTTP/2"},
		"too few":                            {good.URL, `{"tls":{` + ca + `},"expect":{"days_left":11}}`, wire.FailMismatch, "expect.days_left", "HTTP/2"},
		"an old version":                     {noALPN.URL, `{"tls":{` + ca + `},"expect":{"version":"1.3"}}`, wire.FailMismatch, "expect.version", "HTTP/1.1"},
		"a version that it lacks":            {noALPN.URL, `{"tls":{` + ca + `,"min_version":"1.3"}}`, wire.FailTLS, "", ""},
		"HTTP/2 without ALPN":                {noALPN.URL, `{"http_version":"2","tls":{` + ca + `}}`, wire.FailMismatch, "http_version", ""},
		"a client's certificate":             {clients.URL, `{"tls":{` + ca + `,"cert":"${file:` + cert + `}","key":"${file:` + key + `}"}}`, "", "", "HTTP/2"},
		"none where one is asked for":        {clients.URL, `{"tls":{` + ca + `}}`, wire.FailTLS, "certificate required", ""},
		"none, with HTTP/1.1":                {clients.URL, `{"http_version":"1.1","tls":{` + ca + `}}`, wire.FailTLS, "certificate required", ""},
		"a server without TLS":               {"https://" + plain.Listener.Addr().String(), ``, wire.FailTLS, "", ""},
		"a redirect to HTTP":                 {good.URL + "/to?301=" + plain.URL + "/json", `{"tls":{` + ca + `}}`, "", "", "HTTP/1.1"},
		"a redirect to another name":         {named.URL + "/to?301=" + good.URL, `{"tls":{` + ca + `,"server_name":"www.example.com"}}`, "", "", "HTTP/2"},
		"a client's certificate stays there": {clients.URL + "/to?301=" + pki.Serve(t, "127.0.0.1", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }).URL, `{"tls":{` + ca + `,"cert":"${file:` + cert + `}","key":"${file:` + key + `}"}}`, wire.FailTLS, "certificate required", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := measure(t, "https", c.target, c.options)
			if r.Failure != c.failure {
				t.Fatalf("failure %q, want %q: %s", r.Failure, c.failure, r.Error)
			}
			if r.Failure == wire.FailMismatch {
				if len(r.Unmet) != 1 || r.Unmet[0].Expect != c.unmet {
					t.Errorf("unmet %+v, want %s", r.Unmet, c.unmet)
				}
			} else if !strings.Contains(r.Error, c.unmet) {
				t.Errorf("error %q, want %q in it", r.Error, c.unmet)
			}
			d := probetest.DetailsOf[Details](t, r)
			if d.Protocol != c.protocol {
				t.Errorf("protocol %q, want %q", d.Protocol, c.protocol)
			}
			if r.Failure == wire.FailCertificate && (len(d.TLS.Chain) == 0 || d.TLS.VerifyError == "" || r.CertExpires == nil || d.ConnectNS <= 0) {
				t.Errorf("the certificates are not told: %s", r.Details)
			}
			if r.Failure == "" && d.TLSNS <= 0 && !strings.Contains(name, "to HTTP") {
				t.Errorf("no time of the handshake: %s", r.Details)
			}
		})
	}
}
