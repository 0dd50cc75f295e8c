package e2e

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"netmon/internal/browsertest"
)

// TestWeb uses the pages of netmon up as a person does, by the link that it prints: adds a
// monitor and sees it up; the target is broken, and the page says so and why; somebody takes
// care of it; it is mended; netmon is killed and started again, and the page comes back by
// itself.
func TestWeb(t *testing.T) {
	t.Parallel()
	ctx, quiet := browsertest.Open(t)
	addr, pages, target, store := freeAddr(t), freeAddr(t), freeAddr(t), t.TempDir()
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
		return spawn(t, "up", "--listen", addr, "--web", pages, "--store", filepath.Join(store, "broker"), "--state", filepath.Join(store, "agent"), "--id", "home", "--results")
	}
	p := up()
	_, link, _ := strings.Cut(p.line("pages:", "http://"+pages+"/?token="), "pages:")
	sees := func(what string) {
		t.Helper()
		browsertest.Run(t, ctx, what, chromedp.WaitVisible(what))
	}
	press := func(what string) {
		t.Helper()
		browsertest.Run(t, ctx, what, chromedp.Click(what))
	}
	browsertest.Run(t, ctx, "open", chromedp.Navigate(strings.TrimSpace(link)))
	press(`a[href="/add"]`)
	press(`a[href="/add?kind=http"]`)
	sees("#f-target")
	browsertest.Run(t, ctx, "fill in", chromedp.Evaluate[any](fmt.Sprintf(`for (const [k, v] of [["target", "http://%s/"], ["name", "shop"], ["every", "500ms"]]) document.querySelector("[name=" + k + "]").value = v;`, target)))
	press("button[value=measure]")
	sees(".answers li.up")
	press("button[value=save]")
	sees("main a.btn.main") // the page that says what came of it
	if said := browsertest.Run(t, ctx, "what came of it", chromedp.Text("main h1")); !strings.HasPrefix(said, "shop saved") {
		t.Errorf("it says %q", said)
	}
	browsertest.Run(t, ctx, "the list", chromedp.Navigate("http://"+pages+"/"))
	sees("#m-shop.up")
	shop.Close()
	sees("#m-shop.down")
	if why := browsertest.Run(t, ctx, "why", chromedp.Text("#m-shop td.why")); !strings.HasPrefix(why, "refused from 1 of 1 agent (the target") {
		t.Errorf("it says %q", why)
	}
	press(`a[href="/incidents"]`)
	press("#rows tr a")
	press(`a[href$="/ack"]`)
	browsertest.Run(t, ctx, "say why", chromedp.SendKeys("textarea[name=text]", "on it"))
	press("main form button.main")
	sees("main a.btn.main")
	browsertest.Run(t, ctx, "the incidents", chromedp.Navigate("http://"+pages+"/incidents"))
	if said := browsertest.Run(t, ctx, "who has it", chromedp.Text("#rows tr .ack")); !strings.HasPrefix(said, "acknowledged by ") {
		t.Errorf("the incident says %q", said)
	}
	browsertest.Run(t, ctx, "the list", chromedp.Navigate("http://"+pages+"/"))
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
