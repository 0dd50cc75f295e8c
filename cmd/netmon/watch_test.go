package main

import (
	"testing"

	"netmon/internal/natstest"
)

// TestWatch_ShowsWhatStandsBeforeGarbage: what comes with a result, and is none,
// holds it up no longer than it takes to say so.
func TestWatch_ShowsWhatStandsBeforeGarbage(t *testing.T) {
	b := natstest.Start(t)
	t.Setenv("NETMON_BROKER", b.URL())
	js := natstest.JetStream(t, natstest.Connect(t, b))
	for _, data := range []string{`{"agent":"a","monitor":"m","started":"2026-11-24T11:37:34Z","outcome":"ok"}`, "garbage"} {
		if _, err := js.Publish(t.Context(), "results.a.m", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	for form, word := range map[string]string{"lines": "a m", "ndjson": `"monitor":"m"`} {
		f := follow(t, "watch", "--since", "1h", "-o", form)
		f.line(word)
		f.stop()
		f.ended(130)
	}
}
