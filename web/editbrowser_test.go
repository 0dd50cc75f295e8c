package web

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"netmon/internal/browsertest"
	"netmon/wire"
)

// TestBrowser_Forms: each form, on small and large screens, light and dark, can be used by
// everybody; what is added is seen on the list at once. NETMON_SHOTS=FOLDER keeps a picture of
// each.
func TestBrowser_Forms(t *testing.T) {
	ctx, quiet := browsertest.Open(t)
	m := newMesh(t, wire.RoleAdmin)
	m.agent("paris", map[string]string{"region": "eu"})
	m.agent("tokyo", map[string]string{"region": "asia"})
	target := listening(t)
	v := m.visitor("the-token")
	v.send("/add?kind=tcp", "target", target, "name", "db", "tags", "team=shop\nenv=prod", "o.steps", `[{"expect":"220 "}]`, "do", "save")
	v.send("/monitors/db/edit", "every", "1m", "o.within", "2s", "do", "save")
	browsertest.Run(t, ctx, "sign in", chromedp.Navigate(m.h.URL+"/?token=the-token"))

	fill := func(field, text string) string {
		return fmt.Sprintf(`document.querySelector('[name="%s"]').value = %q;`, field, text)
	}
	press := func(do string) string { return fmt.Sprintf(`document.querySelector("button[value=%s]").click();`, do) }
	send := `document.querySelector("form button.main").click();`
	type shown struct{ name, path, do, until string }
	look := func(pages []shown) {
		for i, page := range pages {
			for _, width := range []int64{360, 768, 1440} {
				for _, scheme := range []string{"light", "dark"} {
					if i > 0 && width == 768 || i > 0 && (scheme == "dark") == (width == 360) {
						continue // the first has all there is of a form
					}
					what := fmt.Sprintf("form-%s-%d-%s", page.name, width, scheme)
					show(t, ctx, m.h.URL+page.path, width, scheme)
					if page.do != "" {
						browsertest.Run(t, ctx, what, chromedp.Evaluate[any](page.do+"0"))
					}
					browsertest.Run(t, ctx, what, chromedp.WaitReady(page.until))
					if wrong := browsertest.Run(t, ctx, what, chromedp.Evaluate[[]string](findings)); len(wrong) > 0 {
						t.Errorf("%s:\n  %s", what, strings.Join(wrong, "\n  "))
					}
					if dir := os.Getenv("NETMON_SHOTS"); dir != "" {
						shot := browsertest.Run(t, ctx, what, chromedp.FullScreenshot(100))
						if err := os.WriteFile(filepath.Join(dir, what+".png"), shot, 0o600); err != nil {
							t.Error(err)
						}
					}
				}
			}
		}
	}
	look([]shown{
		{"all", "/add?kind=https", `document.querySelectorAll("details.more").forEach((d) => d.open = true);`, "h1"},
		{"add", "/add?kind=https", "", "h1"},
		{"kinds", "/add", "", "h1"},
		{"measured", "/add?kind=tcp", fill("target", target) + press("measure"), ".answers"},
		{"failed", "/add?kind=tcp", fill("target", "127.0.0.1:1") + fill("o.within", "1s") + press("measure"), ".answers"},
		{"edit", "/monitors/db/edit", "", "h1"},
		{"yaml", "/monitors/db/edit?as=yaml", "", "h1"},
		{"rollback", "/monitors/db/rollback?to=1", "", "h1"},
		{"history", "/monitors/db/rollback", "", "h1"},
		{"pause", "/monitors/db/stop", "", "h1"},
		{"delete", "/monitors/db/delete", "", "h1"},
		{"monitor", "/monitors/db", "", "h1"},
		{"list", "/", "", "h1"},
		{"run", "/monitors/db/run", send, "pre"},
	})

	// By keyboard and mouse: known words go into their fields; what is saved is on the list.
	show(t, ctx, m.h.URL, 1440, "light")
	list, stop := chromedp.NewContext(ctx)
	defer stop()
	if _, err := chromedp.Run(list, chromedp.Navigate(m.h.URL)); err != nil {
		t.Fatal(err)
	}
	browsertest.Run(t, ctx, "n", chromedp.KeyEvent("n"))
	browsertest.Run(t, ctx, "kinds", chromedp.Click(`a[href="/add?kind=tcp"]`))
	browsertest.Run(t, ctx, "target", chromedp.WaitVisible("#f-target"))
	browsertest.Run(t, ctx, "fill", chromedp.Evaluate[any](fill("target", target)+fill("name", "new")+"0"))
	browsertest.Run(t, ctx, "choose", chromedp.Click(`button[data-word="region=eu"]`))
	browsertest.Run(t, ctx, "choose", chromedp.Click(`button[data-word="tokyo"]`))
	browsertest.Run(t, ctx, "save", chromedp.Click(`button[value=save]`))
	said := browsertest.Run(t, ctx, "done", chromedp.Text("main"))
	if !strings.Contains(said, "new saved") || !strings.Contains(said, "--on tokyo,region=eu") && !strings.Contains(said, "--on region=eu,tokyo") {
		t.Error(said)
	}
	browsertest.Run(t, list, "on the list", chromedp.WaitVisible("#m-new"))

	quiet() // a browser logs each form that is refused
	look([]shown{
		{"wrong", "/add?kind=https", fill("target", "ftp://x") + fill("every", "soon") + fill("o.redirects", "many") + fill("tags", "shop") + press("save"), ".trouble"},
		{"yaml-wrong", "/monitors/db/edit?as=yaml", fill("text", "monitors:\n- name: db\n  kind: tcp\n  target: x\n  every: soon\n  nosuch: 1\n") + send, ".trouble"},
		{"conflict", "/monitors/db/edit", fill("revision", "1") + fill("every", "30s") + press("save"), ".meanwhile"},
	})
}
