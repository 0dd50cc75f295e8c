package probetest

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var QuietLog = log.New(io.Discard, "", 0)

const HTTPPage = `{"status":"up","jobs":[{"name":"a b","ok":true,"load":0.5},{"name":"c","ok":false,"load":7}],"n":12345678901234567890}`

// WebServer answers each path with one behaviour.
func WebServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello "+r.Header.Get("X-Word"))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s\n", r.Method, r.Host, r.Proto)
		for _, name := range []string{"Authorization", "Cookie", "X-Word", "X-Plain", "User-Agent", "Accept-Encoding", "Content-Type", "Proxy-Authorization"} {
			if v, ok := r.Header[name]; ok {
				fmt.Fprintf(w, "%s: %s\n", name, strings.Join(v, ", "))
			}
		}
		fmt.Fprintf(w, "body: %s\n", body)
	})
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, HTTPPage)
	})
	mux.HandleFunc("/500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	mux.HandleFunc("/204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/hop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) { // ?301=URL
		for code, to := range r.URL.Query() {
			var n int
			fmt.Sscan(code, &n)
			w.Header().Set("Location", to[0])
			w.WriteHeader(n)
		}
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, strings.Repeat("hello ", 1000))
		z.Close()
	})
	mux.HandleFunc("/zlib", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "deflate")
		z := zlib.NewWriter(w)
		io.WriteString(z, strings.Repeat("hello ", 1000))
		z.Close()
	})
	mux.HandleFunc("/deflate", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "deflate")
		z, _ := flate.NewWriter(w, 9)
		io.WriteString(z, strings.Repeat("hello ", 1000))
		z.Close()
	})
	mux.HandleFunc("/br", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "\x0b\x02\x80hello\x03")
	})
	mux.HandleFunc("/nogzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hello")
	})
	var count atomic.Int64
	mux.HandleFunc("/changes", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, count.Add(1)/3) })
	return mux
}

// WebPKI is an authority of the tests' own.
type WebPKI struct {
	dir  string
	Ca   string // file
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

func NewWebPKI(t *testing.T) *WebPKI {
	t.Helper()
	p := &WebPKI{dir: t.TempDir()}
	p.Ca = filepath.Join(p.dir, "ca.pem")
	der, key := p.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "Test CA"}, NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	p.Key = key
	var err error
	if p.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(p.Ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	return p
}

func (p *WebPKI) sign(t *testing.T, c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore = c.NotAfter.Add(-365 * 24 * time.Hour)
	parent, signer := p.Cert, p.Key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// Issue makes a certificate for a name or address and returns its files.
func (p *WebPKI) Issue(t *testing.T, name string, notAfter time.Time) (cert, key string) {
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

// Serve starts WebServer with a certificate for name, HTTP/2 included.
func (p *WebPKI) Serve(t *testing.T, name string, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	return p.ServeUntil(t, name, time.Now().Add(10*24*time.Hour+time.Hour), change)
}

func (p *WebPKI) ServeUntil(t *testing.T, name string, notAfter time.Time, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	cert, key := p.Issue(t, name, notAfter)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(WebServer())
	s.Config.ErrorLog = QuietLog
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if change != nil {
		change(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
