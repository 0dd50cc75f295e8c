package probes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// webPKI is an authority of the tests' own.
type webPKI struct {
	dir  string
	ca   string // file
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newWebPKI(t *testing.T) *webPKI {
	t.Helper()
	p := &webPKI{dir: t.TempDir()}
	p.ca = filepath.Join(p.dir, "ca.pem")
	der, key := p.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "Test CA"}, NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	p.key = key
	var err error
	if p.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(p.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	return p
}

func (p *webPKI) sign(t *testing.T, c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore = c.NotAfter.Add(-365 * 24 * time.Hour)
	parent, signer := p.cert, p.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// issue makes a certificate for a name or address and returns its files.
func (p *webPKI) issue(t *testing.T, name string, notAfter time.Time) (cert, key string) {
	t.Helper()
	c := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotAfter: notAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	der, k := p.sign(t, c)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(p.dir, strings.ReplaceAll(name, ":", "_")+notAfter.Format("20060102"))
	os.WriteFile(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	os.WriteFile(base+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	return base + ".crt", base + ".key"
}

// serve starts webServer with a certificate for name, HTTP/2 included.
func (p *webPKI) serve(t *testing.T, name string, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	return p.serveUntil(t, name, time.Now().Add(10*24*time.Hour+time.Hour), change)
}

func (p *webPKI) serveUntil(t *testing.T, name string, notAfter time.Time, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	cert, key := p.issue(t, name, notAfter)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(webServer())
	s.Config.ErrorLog = quietLog
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if change != nil {
		change(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestHTTPS(t *testing.T) {
	pki, other := newWebPKI(t), newWebPKI(t)
	good := pki.serve(t, "127.0.0.1", nil)
	expired := pki.serveUntil(t, "127.0.0.1", time.Now().Add(-time.Hour), nil)
	named := pki.serve(t, "www.example.com", nil)
	only11 := pki.serve(t, "127.0.0.1", func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} })
	noALPN := pki.serve(t, "127.0.0.1", func(c *tls.Config) { c.NextProtos = []string{}; c.MaxVersion = tls.VersionTLS12 })
	clients := pki.serve(t, "127.0.0.1", func(c *tls.Config) {
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AddCert(pki.cert)
		c.ClientAuth = tls.RequireAndVerifyClientCert
	})
	plain := serveWeb(t)
	cert, key := pki.issue(t, "client", time.Now().Add(time.Hour))
	ca := `"ca":"${file:` + pki.ca + `}"`
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
		"a CA that nobody knows":             {good.URL, ``, wire.FailCertificate, "unknown authority", ""},
		"another CA":                         {good.URL, `{"tls":{"ca":"${file:` + other.ca + `}"}}`, wire.FailCertificate, "unknown authority", ""},
		"the same, and it is to be taken":    {good.URL, `{"tls":{"insecure":true}}`, "", "", "HTTP/2"},
		"expired":                            {expired.URL, `{"tls":{` + ca + `}}`, wire.FailCertificate, "expired", ""},
		"a certificate for another name":     {named.URL, `{"tls":{` + ca + `}}`, wire.FailCertificate, "doesn't contain any IP SANs", ""},
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
		"a client's certificate stays there": {clients.URL + "/to?301=" + pki.serve(t, "127.0.0.1", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }).URL, `{"tls":{` + ca + `,"cert":"${file:` + cert + `}","key":"${file:` + key + `}"}}`, wire.FailTLS, "certificate required", ""},
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
			d := detailsOf[HTTPDetails](t, r)
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
