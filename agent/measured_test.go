package agent

import (
	"log/slog"
	"math"
	"testing"

	"netmon/agent/spool"
	"netmon/wire"
)

// TestRecord_MeasuredWithoutASpool: who shows what the agent measures has it, whether or not it can be kept.
func TestRecord_MeasuredWithoutASpool(t *testing.T) {
	s, _, err := spool.Open(t.TempDir(), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []wire.Result
	a := &Agent{o: Options{ID: "paris", Measured: func(r *wire.Result) { got = append(got, *r) }}, log: slog.New(slog.DiscardHandler), spool: s}
	a.record(wire.Result{Monitor: "web", Kind: "tcp", Outcome: wire.OK})
	nothing := math.NaN() // which cannot be written
	a.record(wire.Result{Monitor: "web", Kind: "tcp", Outcome: wire.Failed, Loss: &nothing})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Seq != 1 || got[0].Epoch == "" || got[1].Outcome != wire.Failed || got[1].Seq != 0 || got[1].Epoch != "" || got[1].Agent != "paris" {
		t.Errorf("%+v", got)
	}
}
