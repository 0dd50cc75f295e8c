package status

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"netmon/internal/browsertest"
)

// serveFacts serves the page of facts.
func serveFacts(t *testing.T, w *world, o Options) (*Keeper, *httptest.Server) {
	t.Helper()
	k := &Keeper{o: o, log: slog.New(slog.DiscardHandler)}
	k.render(Compose(w.Facts, o))
	h := httptest.NewServer(k)
	t.Cleanup(h.Close)
	return k, h
}

// open opens a page as on a screen of this width, light or dark.
func open(t *testing.T, ctx context.Context, url string, width int64, scheme string) {
	t.Helper()
	browsertest.Run(t, ctx, url, chromedp.EmulateViewport(width, 900))
	browsertest.Run(t, ctx, url, func(ctx context.Context, on *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, on, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, err
	})
	browsertest.Run(t, ctx, url, chromedp.Navigate(url))
	browsertest.Run(t, ctx, url, chromedp.WaitReady("main"))
}

// TestBrowser_EveryPage: each page, on small and large screens, light and dark, can be read
// by everybody. NETMON_SHOTS=FOLDER keeps a picture of each.
func TestBrowser_EveryPage(t *testing.T) {
	ctx, _ := browsertest.Open(t)
	_, h := serveFacts(t, shop(), Options{Title: "Example AS", Show: Show{Targets: true, Agents: true, Reasons: true}})
	_, plain := serveFacts(t, shop(), Options{Title: "Example AS"})
	blind := shop()
	blind.Blind, blind.Since = true, now
	_, away := serveFacts(t, blind, Options{Title: "Example AS"})
	for name, url := range map[string]string{"index": plain.URL + "/", "shown": h.URL + "/", "away": away.URL + "/", "history": plain.URL + "/history.html", "service": plain.URL + "/services/online-shop.html"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 768, 1440} {
				what := fmt.Sprintf("%s-%d-%s", name, width, scheme)
				open(t, ctx, url, width, scheme)
				if wrong := browsertest.Run(t, ctx, what, chromedp.Evaluate[[]string](browsertest.Findings)); len(wrong) > 0 {
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

// TestBrowser_Old: a page that nobody keeps current says so by itself.
func TestBrowser_Old(t *testing.T) {
	ctx, _ := browsertest.Open(t)
	w := shop()
	w.At = time.Now().Add(-3 * time.Hour)
	_, h := serveFacts(t, w, Options{})
	open(t, ctx, h.URL, 768, "light")
	browsertest.Run(t, ctx, "its age", chromedp.Poll[bool](`document.getElementById("age").textContent === "That is 3 hours ago: it may be different now."`))
}
