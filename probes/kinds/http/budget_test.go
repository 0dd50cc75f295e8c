package http

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// TestHTTP_BodyBudget: several bombs at once stay within the budget of all; none of
// them looks like a target that failed, and small bodies are looked at meanwhile.
func TestHTTP_BodyBudget(t *testing.T) {
	const budget, size = 8 << 20, 24 << 20
	env := &probes.Env{Bodies: budget}
	defer env.Close()
	bomb, err := targets.HTTPBomb("127.0.0.1:0", size)
	target := serveHTTP(t, bomb, err)
	run := func(target, options string) wire.Result {
		c, err := Kinds().New(env, "http", target, []byte(options))
		if err != nil {
			t.Error(err)
			return wire.Result{}
		}
		return c.Run(t.Context(), time.Minute, nil)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := run(target, `{"max_body":268435456,"expect":{"body_contains":["\u0000"],"body_regex":"x|\u0000"}}`)
			if r.Outcome != wire.Broken || r.Failure != wire.BrokenLocal || !strings.Contains(r.Error, "expect.body_regex was not checked: there was no room for the body") ||
				!strings.Contains(r.Error, fmt.Sprintf("may hold %d bytes", budget)) {
				t.Errorf("bomb %d: %s %s: %s", i, r.Outcome, r.Failure, r.Error)
			}
			if d := probetest.DetailsOf[Details](t, r); d.Status != 200 || *d.DecodedBytes != size || d.BodySHA256 == "" || d.TotalNS == 0 {
				t.Errorf("bomb %d: %s", i, r.Details)
			}
		})
		wg.Go(func() { // words need no room
			if r := run(target, `{"max_body":268435456,"expect":{"body_contains":["\u0000"]}}`); r.Outcome != wire.OK {
				t.Errorf("words: %s %s: %s", r.Outcome, r.Failure, r.Error)
			}
		})
	}
	web := serveWeb(t)
	for range 50 {
		wg.Go(func() {
			if r := run(web.URL+"/gzip", `{"expect":{"body_regex":"^(hello ){1000}$"}}`); r.Outcome != wire.OK {
				t.Errorf("a small body: %s %s: %s", r.Outcome, r.Failure, r.Error)
			}
		})
	}
	wg.Wait()
	// What the target alone decides is reported anyway.
	if r := run(target, `{"max_body":16777216,"expect":{"body_regex":"x"}}`); r.Outcome != wire.Failed || r.Failure != wire.FailLimit {
		t.Errorf("over max_body: %s %s: %s", r.Outcome, r.Failure, r.Error)
	}
	if r := run(target, `{"max_body":268435456,"expect":{"status":"404","body_regex":"x"}}`); r.Outcome != wire.Failed || r.Failure != wire.FailMismatch {
		t.Errorf("another status: %s %s: %s", r.Outcome, r.Failure, r.Error)
	}
	b := env.BodyBudget()
	if used, peak := b.State(); peak > budget || peak < budget/2 || used != 0 {
		t.Errorf("%d bytes at most, of %d; %d at the end", peak, budget, used)
	}
}
