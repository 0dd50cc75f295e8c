package store

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/history"
	"netmon/wire"
)

// TestAttack_Backdated has an agent write history of months that are over: what is due
// longer before it was stored than a spool holds changes nothing, whatever it says of itself.
func TestAttack_Backdated(t *testing.T) {
	var said bytes.Buffer
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), Options{Figures: figures, Log: slog.New(slog.NewTextHandler(&said, nil))})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	seq, latency := uint64(0), int64(1)
	send := func(back time.Duration, asked string) {
		seq++
		due := day.Add(-back)
		s.Add(&wire.Result{Agent: "evil", Monitor: "web", Kind: "tcp", Outcome: wire.OK, Epoch: "e", Seq: seq, Run: seq, LatencyNS: &latency, Due: due, Started: due, Asked: asked}, seq, day)
	}
	send(0, "")
	send(history.Backlog, "") // a backlog of all that a spool may hold
	for hours := 1; hours < 2*365*24; hours += 100 {
		send(history.Backlog+time.Duration(hours)*time.Hour, []string{"", "x"}[hours/100%2])
	}
	must(t, s.Commit(t.Context(), day))
	series, reply := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day.Add(-3 * 365 * 24 * time.Hour), To: day.Add(time.Hour), Step: wire.Duration(time.Hour)})
	if len(series[0].Rows) != 2 || !reply.Since.Equal(day.Add(-history.Backlog)) {
		t.Errorf("history has %d rows, want 2, and begins at %s, want %s", len(series[0].Rows), reply.Since, day.Add(-history.Backlog))
	}
	if st := s.Stats(); st.Results != 2 || st.TooOld != seq-2 {
		t.Errorf("%d results count and %d of %d are too old", st.Results, st.TooOld, seq)
	}
	if n := strings.Count(said.String(), "older"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, said.String())
	}
}
