package agent

import (
	"encoding/json"
	"strings"
	"testing"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestAgent_UnsendableResults measures what no message can hold, and finds a
// record in its spool that is none of a monitor: what follows is stored anyway.
func TestAgent_UnsendableResults(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	l := launch(t, "paris", t.TempDir(), over(b))
	l.awaitOpen()
	got := results(t, nc)
	long := strings.Repeat("x", 2*wire.MaxMessage)
	if err := l.spool.Append("no token\x1b", func(buf []byte, _ string, _, _ uint64) ([]byte, error) { return append(buf, "{}"...), nil }); err != nil {
		t.Fatal(err)
	}
	l.record(wire.Result{Monitor: "big", Outcome: wire.Failed, Failure: wire.FailMismatch, Error: long, Summary: long,
		Details: json.RawMessage(`"` + long + `"`), Unmet: []wire.Unmet{{Expect: "x", Want: long, Got: long}}})
	l.record(wire.Result{Monitor: "small", Outcome: wire.OK, Details: json.RawMessage(`{"a":1}`)})
	for seen := map[string]bool{}; !seen["big"] || !seen["small"]; {
		r := await(t, got, "both results")
		seen[r.Monitor] = true
		switch {
		case r.Monitor == "big" && (r.Details != nil || !strings.Contains(r.Error, "details left out: is 2097154 bytes long")):
			t.Errorf("%.300s: %.300s", r.Error, r.Details)
		case r.Monitor == "small" && string(r.Details) != `{"a":1}`:
			t.Errorf("%+v", r)
		}
	}
}
