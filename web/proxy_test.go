package web

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/freeport"
	"netmon/internal/need"
	"netmon/wire"
)

// TestProxy_Nginx: a real one, by the lines of docs/web.md, passes each event on at once,
// and names who asks.
func TestProxy_Nginx(t *testing.T) {
	tool := need.Tool(t, "nginx", "nginx-light")
	doc, err := os.ReadFile("../docs/web.md")
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(doc), "```nginx\n")
	lines, _, ok := strings.Cut(lines, "```")
	if !ok {
		t.Fatal("docs/web.md shows no lines for nginx")
	}
	w := newWorld()
	w.save("shop", "tcp", "h:1")
	_, pages := w.serve(t, func(o *Options) {
		o.Open, o.Hosts, o.Secure = false, []string{"mon.example.org"}, true
		o.Proxy = Proxy{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, User: "X-Forwarded-User"}
	})
	dir, front := t.TempDir(), freeport.Addr(t)
	lines = strings.NewReplacer("listen 443 ssl;", "listen "+front+";", "http://127.0.0.1:4280", pages.URL,
		"proxy_http_version 1.1;", "proxy_http_version 1.1; proxy_set_header X-Forwarded-User $remote_user;").Replace(lines)
	conf := fmt.Sprintf("daemon off; master_process off; pid %s/pid; events {}\nhttp { access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;\nauth_basic mon; auth_basic_user_file %[1]s/users;\n%s}", dir, lines)
	for name, text := range map[string]string{"nginx.conf": conf, "users": "ann:{PLAIN}secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { // its workers are another user
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(tool, "-c", filepath.Join(dir, "nginx.conf"), "-p", dir, "-e", "stderr")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended })
	for { // until it listens
		c, err := net.Dial("tcp", front)
		if err == nil {
			c.Close()
			break
		}
		select {
		case <-ended:
			t.Fatal(said.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	ask := func(path string, header ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+front+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "mon.example.org"
		r.SetBasicAuth("ann", "secret")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	// The name is that of who gave the password, whatever the browser says.
	var page bytes.Buffer
	if _, err := page.ReadFrom(ask("/session", "X-Forwarded-User", "root").Body); err != nil {
		t.Fatal(err)
	}
	inOrder(t, page.String(), "Signed in as <b>ann</b> by the proxy. Role: viewer.")
	live := bufio.NewScanner(ask("/events?page=monitors").Body)
	sees := func(text string) {
		t.Helper()
		for live.Scan() {
			if strings.Contains(live.Text(), text) {
				return
			}
		}
		t.Fatalf("the stream ends without %q: %v", text, live.Err())
	}
	sees("shop")
	w.judge("shop", wire.VerdictDown, "refused")
	sees("refused")
	if resp := ask("/", "Host", "x"); resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}
