package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/testcert"
	"netmon/wire"
)

// certFiles writes a certificate of a name, and its key, into two files.
func certFiles(t *testing.T, dir, name string) (cert, key string, root *testcert.Cert) {
	t.Helper()
	c := testcert.New(t, name, -1, 10, nil, func(c *testcert.Cert) { testcert.CA(c); testcert.Server(c) })
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, c
}

// TestTLS: pages, sessions and what is live over HTTP/2.
func TestTLS(t *testing.T) {
	cert, key, root := certFiles(t, t.TempDir(), "one")
	conf, err := TLS(cert, key, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	w.save("shop", "tcp", "h:1")
	s := New(Options{Archive: w, Follow: w.follow, Own: Actor{Name: "olga", Role: wire.RoleOperator, Ops: &console.Ops{}}, Token: "right", TLS: conf, Secure: true,
		Write: func(wire.Saved) (string, error) { return "", nil }, History: func(context.Context, string) ([]console.Revision, error) { return nil, nil }})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	roots := x509.NewCertPool()
	roots.AddCert(root.Certificate)
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	at := "https://" + l.Addr().String()
	resp, err := c.Get(at + "/?token=right")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cookie := resp.Request.Response.Header.Get("Set-Cookie")
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") == "" || !strings.HasPrefix(cookie, "__Host-netmon") || !strings.Contains(cookie, "Secure") {
		t.Errorf("%s %s, HSTS %q, cookie %s", resp.Proto, resp.Status, resp.Header.Get("Strict-Transport-Security"), cookie)
	}
	live, err := c.Get(at + "/events?page=monitors")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(live.Body)
	sees := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("the stream ends without %q: %v", text, lines.Err())
	}
	sees("shop")
	w.judge("shop", wire.VerdictDown, "refused")
	sees("refused")
	stop()
	for lines.Scan() { // it ends
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestTLS_RenewedCertificate is taken; files that do not fit, or cannot be read, change nothing.
func TestTLS_RenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := certFiles(t, dir, "one")
	var troubles []error
	f := &certificate{cert: cert, key: key, trouble: func(err error) { troubles = append(troubles, err) }}
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	presents := func(want string) {
		t.Helper()
		f.looked = time.Now().Add(-certificateEach)
		if got := f.now().Leaf.Subject.CommonName; got != want {
			t.Errorf("it presents %q, want %q", got, want)
		}
	}
	write := func(path, text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	presents("one")
	write(key, "not a key", time.Now().Add(time.Minute))
	presents("one")
	presents("one")
	if len(troubles) != 1 || !strings.Contains(troubles[0].Error(), "stays in use") {
		t.Errorf("it reports %v, want it once", troubles)
	}
	certFiles(t, dir, "two")
	later := time.Now().Add(2 * time.Minute)
	for _, path := range []string{cert, key} {
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	presents("two")
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	presents("two")
	if _, err := TLS(cert, key, nil); err == nil || !strings.Contains(err.Error(), cert) {
		t.Errorf("a file that is not there: %v", err)
	}
}
