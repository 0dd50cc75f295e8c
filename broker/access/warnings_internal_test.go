package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netmon/internal/testlog"
)

// TestWarnings_Counted: the first of a kind at once, then one a minute, whoever asks.
func TestWarnings_Counted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out testlog.Buffer
		w := newWarnings(slog.New(slog.NewTextHandler(&out, nil)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.run(ctx); close(ended) }()
		lines := func() int { return strings.Count(out.String(), "\n") }
		why := errors.New("no")
		for range 1000 {
			w.report("refused", "access.rotate.vic", "vic", why)
		}
		w.report("refused", "access.rotate.max", "max", why)
		if lines() != 2 {
			t.Errorf("%s", &out)
		}
		time.Sleep(2 * warnEvery)
		synctest.Wait()
		if lines() != 3 || !strings.Contains(out.String(), "more=999") {
			t.Errorf("%s", &out)
		}
		time.Sleep(3 * warnEvery)
		synctest.Wait()
		w.report("refused", "access.rotate.vic", "vic", why) // a first one again
		if lines() != 4 {
			t.Errorf("%s", &out)
		}
		for i := range 10 * warnKinds {
			w.report("refused", "x", fmt.Sprint(i), why)
		}
		if len(w.kinds) > warnKinds+1 {
			t.Errorf("%d kinds are kept", len(w.kinds))
		}
		stop()
		<-ended
		if !strings.Contains(out.String(), fmt.Sprintf("more=%d", 9*warnKinds)) {
			t.Errorf("at the end: %s", out.String()[len(out.String())-300:])
		}
	})
}
