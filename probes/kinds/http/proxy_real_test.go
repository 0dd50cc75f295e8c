package http

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"netmon/internal/freeport"
	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/wire"
)

// untilListening waits until a program that is just starting takes connections.
func untilListening(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestHTTP_RealProxies goes through proxies that we did not write.
func TestHTTP_RealProxies(t *testing.T) {
	pki := probetest.NewWebPKI(t)
	https, plain := pki.Serve(t, "127.0.0.1", nil), serveWeb(t)
	secret := func(word string) string {
		file := filepath.Join(t.TempDir(), "secret")
		os.WriteFile(file, []byte(word+"\n"), 0o600)
		return "${file:" + file + "}"
	}
	right, wrong := secret("s3cret"), secret("wr0ng")
	for name, start := range map[string]func(t *testing.T, addr, port string) (scheme string){
		"tinyproxy": func(t *testing.T, _, port string) string {
			conf := filepath.Join(t.TempDir(), "tinyproxy.conf")
			os.WriteFile(conf, []byte("Port "+port+"\nListen 127.0.0.1\nTimeout 10\nMaxClients 20\nBasicAuth joe s3cret\n"), 0o600)
			probetest.Daemon(t, need.Tool(t, "tinyproxy", "tinyproxy-bin"), "-d", "-c", conf)
			return "http"
		},
		"microsocks": func(t *testing.T, _, port string) string {
			probetest.Daemon(t, need.Tool(t, "microsocks", "microsocks"), "-i", "127.0.0.1", "-p", port, "-u", "joe", "-P", "s3cret")
			return "socks5"
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr := freeport.Addr(t)
			_, port, _ := net.SplitHostPort(addr)
			scheme := start(t, addr, port)
			untilListening(t, addr)
			run := func(kind, target, password string) wire.Result {
				return measure(t, kind, target, fmt.Sprintf(`{"tls":{"ca":"${file:%s}"},"proxy":{"url":"%s://%s","user":"joe","password":%q}}`, pki.Ca, scheme, addr, password))
			}
			for kind, target := range map[string]string{"http": plain.URL, "https": https.URL} {
				r := run(kind, target, right)
				probetest.WantFailure(t, r, wire.OK, "")
				if d := probetest.DetailsOf[Details](t, r); d.Status != 200 || d.ProxyConnectNS <= 0 || d.Remote != addr {
					t.Errorf("%s", r.Details)
				}
			}
			probetest.WantFailure(t, run("https", https.URL, wrong), wire.Broken, wire.BrokenProxy)
			r := run("https", "https://"+nobodyThere(t), right)
			if want := map[string]wire.Failure{"http": wire.FailUnreachable, "socks5": wire.FailRefused}[scheme]; r.Outcome != wire.Failed || r.Failure != want {
				t.Errorf("nobody there: %s %q: %s", r.Outcome, r.Failure, r.Error)
			}
		})
	}
}
