package console

import (
	"testing"
	"time"

	"netmon/wire"
)

// TestUptime_OfANewMonitor: what was before a monitor is not unknown, and its error budget
// is that of the whole window.
func TestUptime_OfANewMonitor(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("new") // and never judged
	to := time.Now().UTC().Truncate(time.Second)
	made := to.Add(-2 * time.Minute)
	f.save("web")
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		r := wire.HistoryReply{OK: true}
		for _, s := range []wire.HistorySpan{
			{Monitor: "web", State: wire.VerdictDown, Since: made, Until: made.Add(42 * time.Second), New: true},
			{Monitor: "web", State: wire.VerdictUnknown, Since: made.Add(42 * time.Second), Until: made.Add(time.Minute)},
			{Monitor: "web", State: wire.VerdictUp, Since: made.Add(time.Minute), Until: to, Open: true},
			{Monitor: "wiki", State: wire.VerdictUp, Since: to.Add(-time.Hour), Until: to.Add(-30 * time.Minute), Gone: to.Add(-30 * time.Minute)},
		} {
			if asked(q.Monitors) == nil || s.Monitor == q.Monitors[0] {
				r.Spans = append(r.Spans, s)
			}
		}
		return r.Encode()
	})
	const month = 30 * 24 * time.Hour
	rows, _, err := f.model.c.Uptime(t.Context(), UptimeFilter{From: to.Add(-month), To: to, SLO: 0.999})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v %v", rows, err)
	}
	web, wiki := rows[0], rows[1]
	if !web.Since.Equal(made) || web.AbsentNS != int64(month-2*time.Minute) || web.GapNS != 0 || web.UnknownNS != int64(18*time.Second) {
		t.Errorf("it was made 2 minutes ago: %+v", web)
	}
	if b := web.Budget; b == nil || b.AllowedNS != int64(43*time.Minute+12*time.Second) || b.SpentNS != int64(42*time.Second) || b.LeftNS != b.AllowedNS-b.SpentNS || b.Window != wire.Duration(month) {
		t.Errorf("its budget is %+v", web.Budget)
	}
	if !wiki.Since.IsZero() || wiki.AbsentNS != int64(30*time.Minute) {
		t.Errorf("it was deleted half an hour ago: %+v", wiki)
	}
	rows, _, err = f.model.c.Uptime(t.Context(), UptimeFilter{Monitors: []string{"new"}, From: to.Add(-month), To: to.Add(time.Hour), SLO: 0.999})
	if err != nil || len(rows) != 1 || rows[0].Budget != nil || rows[0].Since.Before(made) || rows[0].AbsentNS < int64(month-time.Minute) || rows[0].GapNS < int64(50*time.Minute) {
		t.Errorf("saved and never judged: %+v %v", rows, err)
	}
	rows, _, err = f.model.c.Uptime(t.Context(), UptimeFilter{Monitors: []string{"web"}, From: to.Add(-time.Hour), To: to, SLO: 0.999, By: "month"})
	if err != nil || len(rows) == 0 || rows[len(rows)-1].Budget == nil {
		t.Fatalf("%+v %v", rows, err)
	}
	last := rows[len(rows)-1]
	y, m, _ := to.Local().Date()
	if end := time.Date(y, m+1, 1, 0, 0, 0, 0, time.Local); last.Budget.Window != wire.Duration(end.Sub(last.From)) || !last.To.Equal(to) {
		t.Errorf("a month that is not over has the budget of all of it: %+v", last)
	}
}

// TestUptime_OwnObjective: the budget of a monitor's own objective is of its own window,
// whatever time is asked for.
func TestUptime_OwnObjective(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	store, err := f.model.c.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := web()
	m.SLO = &wire.SLO{Objective: 99}
	if _, err := store.Save(t.Context(), m, "added"); err != nil {
		t.Fatal(err)
	}
	to := time.Now().UTC().Truncate(time.Second)
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		r := wire.HistoryReply{OK: true}
		down, up := to.Add(-50*time.Hour), to.Add(-49*time.Hour)
		for _, s := range []wire.HistorySpan{{State: wire.VerdictDown, Since: down, Until: up}, {State: wire.VerdictUp, Since: up, Until: to, Open: true}} {
			if s.Monitor = "web"; s.Since.Before(q.From) {
				s.Since = q.From
			}
			if s.Until.After(s.Since) {
				r.Spans = append(r.Spans, s)
			}
		}
		return r.Encode()
	})
	rows, _, err := f.model.c.Uptime(t.Context(), UptimeFilter{From: to.Add(-time.Hour), To: to})
	if err != nil || len(rows) != 1 || rows[0].Budget == nil {
		t.Fatalf("%+v %v", rows, err)
	}
	if b := rows[0].Budget; rows[0].DownNS != 0 || b.SpentNS != int64(time.Hour) || b.LeftNS != int64(6*time.Hour+12*time.Minute) || !b.From.Equal(to.Add(-30*24*time.Hour)) {
		t.Errorf("its budget is %+v", b)
	}
}
