package store

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"netmon/wire"
)

// TestStore_Spans: states by time, cut where nobody judged, split by windows, in pages,
// committed or not.
func TestStore_Spans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	at := func(min int) time.Time { return day.Add(time.Duration(min) * time.Minute) }
	seq := uint64(0)
	verdict := func(monitor string, state wire.VerdictState, min int, blame wire.BlameClass) {
		v := wire.Verdict{Monitor: monitor, State: state, Since: at(min), At: at(min)}
		if blame != "" {
			v.Blame = &wire.Blame{Class: blame}
		}
		seq++
		s.AddVerdict(&v, false, seq)
	}
	verdict("web", wire.VerdictUp, 0, "")
	s.Judged(at(0), at(1))
	verdict("web", wire.VerdictUp, 0, "") // says nothing new
	verdict("db", wire.VerdictUp, 2, "")
	s.Judged(at(1), at(60))
	verdict("web", wire.VerdictDown, 30, wire.BlameTarget)
	s.Mute("web", true, at(35))
	verdict("web", wire.VerdictDown, 29, wire.BlameDNS) // it began before, and is not muted
	verdict("web", wire.VerdictUp, 40, "")
	must(t, s.Commit(t.Context(), at(60)))
	s.Judged(at(70), at(100)) // nobody judged for 10 minutes
	s.Ended("db", at(80))
	verdict("db", wire.VerdictDown, 85, wire.BlameTarget) // made again
	s.Mute("web", true, at(90))
	want := []string{
		"db up 2-60 new", "db up 70-80 gone at 80", "db down 85-100 target open new",
		"web up 0-29 new", "web down 29-40 dns", "web up 40-60", "web up 70-90", "web up 90-100 muted open",
	}
	check := func(what string, limit int) {
		t.Helper()
		q := wire.HistoryQuery{What: wire.HistoryVerdicts, From: at(-10), To: at(500), Limit: limit}
		var got []string
		for range 20 {
			reply, err := s.Query(t.Context(), q)
			must(t, err)
			for _, x := range reply.Spans {
				line := x.Monitor + " " + string(x.State) + " " + mins(x.Since) + "-" + mins(x.Until)
				if x.Blame != "" {
					line += " " + string(x.Blame)
				}
				if x.Muted {
					line += " muted"
				}
				if x.Open {
					line += " open"
				}
				if x.New {
					line += " new"
				}
				if !x.Gone.IsZero() {
					line += " gone at " + mins(x.Gone)
				}
				got = append(got, line)
			}
			if q.After = reply.Next; q.After == "" {
				break
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %q, want %q", what, got, want)
			return
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: span %d is %q, want %q", what, i, got[i], want[i])
			}
		}
	}
	check("not committed", 0)
	check("in pages", 2)
	must(t, s.Commit(t.Context(), at(100)))
	check("committed", 0)
	must(t, s.Close())
	s = openAt(t, path)
	check("opened again", 1)
	if s.Position().Verdicts != seq {
		t.Errorf("at verdict %d, want %d", s.Position().Verdicts, seq)
	}
	verdict("x", wire.VerdictUp, 0, "")
	s.Judged(at(101), at(102)) // a minute is no gap
	q := wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: []string{"web"}, From: at(95), To: at(99)}
	reply, err := s.Query(t.Context(), q)
	must(t, err)
	if len(reply.Spans) != 1 || reply.Spans[0].New || !reply.Spans[0].Since.Equal(at(95)) || !reply.Spans[0].Until.Equal(at(99)) {
		t.Errorf("%+v", reply.Spans)
	}
}

func mins(at time.Time) string {
	s := at.Sub(day).Truncate(time.Second).String()
	if d := at.Sub(day); d%time.Minute == 0 {
		return strconv.Itoa(int(d / time.Minute))
	}
	return s
}
