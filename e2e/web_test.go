package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"netmon/internal/browsertest"
)

// TestWeb looks at the page of netmon up as a person does: a target is up, it is broken, and
// the page says so and why; it is mended; netmon is killed and started again, and the page
// comes back by itself.
func TestWeb(t *testing.T) {
	t.Parallel()
	ctx, quiet := browsertest.Open(t)
	addr, pages, target, store := freeAddr(t), freeAddr(t), freeAddr(t), t.TempDir()
	file := filepath.Join(store, "shop.yaml")
	text := fmt.Sprintf("monitors:\n- {name: shop, kind: http, target: \"http://%s/\", every: 500ms}\n", target)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func() *http.Server {
		l, err := net.Listen("tcp", target)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "open") })}
		go s.Serve(l)
		t.Cleanup(func() { s.Close() })
		return s
	}
	shop := serve()
	up := func() *proc {
		return spawn(t, "up", "--listen", addr, "--web", pages, "--store", filepath.Join(store, "broker"), "--state", filepath.Join(store, "agent"), "--id", "home", "--results", file)
	}
	p := up()
	p.line("pages:", "http://"+pages+"/")
	sees := func(what string) {
		t.Helper()
		browsertest.Run(t, ctx, what, chromedp.WaitVisible(what))
	}
	browsertest.Run(t, ctx, "open", chromedp.Navigate("http://"+pages+"/"))
	sees("#m-shop.up")
	shop.Close()
	sees("#m-shop.down")
	if why := browsertest.Run(t, ctx, "why", chromedp.Text("#m-shop td.why")); !strings.HasPrefix(why, "refused from 1 of 1 agent (the target") {
		t.Errorf("it says %q", why)
	}
	serve()
	sees("#m-shop.up")

	quiet() // a browser logs a connection that breaks
	p.kill()
	sees("#link .dot.down")
	up()
	sees("#link .dot.up")
	sees("#m-shop.up")
	browsertest.Run(t, ctx, "open the monitor", chromedp.Click("#m-shop a"))
	sees("#head")
	sees("#o-home")
}
