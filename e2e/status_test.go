package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStatusPage: a target is killed, and the public page says so in plain words, its feed
// and its badge as well, and files for a web host; it comes back; the broker is killed, and
// the page does not say that all is well.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	target, dir := newFlaky(t, "127.0.0.1"), t.TempDir()
	file := filepath.Join(dir, "shop.yaml")
	text := fmt.Sprintf(`monitors:
  - {name: shop-private-name, kind: tcp, target: %q, every: 500ms, tags: {status-page: Shop, status-name: Online shop}}
  - {name: intern-db, kind: tcp, target: %q, every: 500ms}
`, target.addr, target.addr)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, page := freeAddr(t), freeAddr(t)
	up := spawn(t, "up", "--results", "--web", "off", "--listen", addr, "--store", t.TempDir(), "--state", t.TempDir(), "--id", "private-agent", file)
	up.line("private-agent intern-db", "ok")
	web := spawn(t, "web", "--broker", "nats://"+addr, "--listen", "off", "--status-listen", page, "--status-title", "Example")
	web.line("status page of", "http://"+page+"/")
	get := func(path string) string {
		t.Helper()
		resp, err := http.Get("http://" + page + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v", path, resp.Status, err)
		}
		for _, private := range []string{"private", "intern-db", target.addr, addr, "127.0.0.1"} {
			if strings.Contains(string(b), private) {
				t.Errorf("%s holds %q", path, private)
			}
		}
		return string(b)
	}
	says := func(path, what string) {
		t.Helper()
		for limit := time.Now().Add(time.Minute); !strings.Contains(get(path), what); time.Sleep(50 * time.Millisecond) { // between two looks
			if time.Now().After(limit) {
				t.Fatalf("%s never says %q:\n%s", path, what, get(path))
			}
		}
	}
	says("/", "Online shop is running")
	target.die()
	says("/", "Online shop is down")
	says("/", "it refuses connections")
	says("/feed.atom", "<title>Online shop is down</title>")
	says("/badge/online-shop.svg", "Online shop: down")
	says("/api/v2/status.json", `"indicator":"critical"`)
	out := filepath.Join(dir, "www")
	netmonDo(t, 0, "status-page", "--broker", "nats://"+addr, "--out", out, "--status-title", "Example")
	if b, err := os.ReadFile(filepath.Join(out, "index.html")); err != nil || !strings.Contains(string(b), "Online shop is down") {
		t.Errorf("the written page: %v\n%s", err, b)
	}
	keeps := spawn(t, "status-page", "--broker", "nats://"+addr, "--out", out, "--every", "1s", "--status-title", "Example")
	keeps.line("the status page was written")
	target.rise(t)
	says("/", "Online shop is running")
	says("/feed.atom", "<title>Online shop was down</title>")
	says("/services/online-shop.html", "Online shop is running again.")
	for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) { // between two looks
		b, err := os.ReadFile(filepath.Join(out, "index.html"))
		if err == nil && strings.Contains(string(b), "Online shop is running") {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("the written page is not kept current: %v\n%s", err, b)
		}
	}
	if code, _ := keeps.stop(); code != 0 {
		t.Errorf("status-page ended with %d", code)
	}
	up.kill()
	says("/", "We cannot see how the services are")
	says("/badge.svg", "not known")
	if code, _ := web.stop(); code != 0 {
		t.Errorf("web ended with %d", code)
	}
}
