// Package browsertest opens pages in Chromium, for tests alone.
package browsertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"netmon/internal/need"
	"netmon/internal/race"
)

// Open starts Chromium, and fails the test for what its console says is wrong; quiet ends
// that.
func Open(t *testing.T) (ctx context.Context, quiet func()) {
	t.Helper()
	if race.Enabled { // a browser looks at what is drawn: other tests ask the same of the server
		t.Skip("skipped with the race detector: a browser looks at pages without it")
	}
	need.Time(t)
	path := need.Tool(t, "chromium", "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil { // it lives as long as the context of the first call
		t.Fatal(err)
	}
	listening, over := context.WithCancel(ctx)
	messages := chromedp.Console(listening)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for m, err := range messages {
			if err != nil {
				return
			}
			t.Errorf("the console says %s", m)
		}
	}()
	quiet = sync.OnceFunc(func() { over(); <-ended })
	t.Cleanup(quiet)
	return ctx, quiet
}

// within is how long one step in the browser may take on a busy machine.
const within = 30 * time.Second

// Run does one step, and fails the test where it cannot be done.
func Run[T any](t *testing.T, ctx context.Context, what string, a chromedp.Action[T]) T {
	t.Helper()
	bounded, stop := context.WithTimeout(ctx, within)
	defer stop()
	v, err := chromedp.Run(bounded, a)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return v
}
