package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// pastRows are the rows of a past as it is now, in a line each.
func pastRows(p *Past) string {
	var b strings.Builder
	for _, r := range p.Snapshot(view.Query{Sort: view.ByName}).Monitors {
		fmt.Fprintf(&b, "%s %s %s; ", r.Name, r.State, r.Why)
	}
	return b.String()
}

// pastIncidentsOf are the incidents of a past as it is now.
func pastIncidentsOf(p *Past) string {
	var list []string
	for _, x := range p.Snapshot(view.Query{}).Incidents.All {
		list = append(list, fmt.Sprintf("%s %s %s of %d; ", x.ID, x.State, x.Severity, len(x.Members)))
	}
	slices.Sort(list)
	return strings.Join(list, "")
}

// TestPast_ManyVerdicts: of what was before, memory holds the last verdict of each monitor,
// and the reading tells how far it is and can be ended.
func TestPast_ManyVerdicts(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	for range 300 {
		f.judged("web", wire.VerdictUp, "fine")
	}
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		r := wire.HistoryReply{OK: true, Step: q.Step}
		return r.Encode()
	})
	at := time.Now()
	f.judged("web", wire.VerdictDown, "refused")
	read, of := uint64(0), uint64(0)
	p, err := f.model.c.Past(t.Context(), PastOptions{At: at, Progress: func(n, all uint64) { read, of = n, all }})
	if err != nil || read != 301 || of != 301 {
		t.Fatalf("%d of %d read: %v", read, of, err)
	}
	list, err := p.pastVerdicts(t.Context(), time.Time{}, at, time.Now())
	if err != nil || len(list) != 2 {
		t.Errorf("%d verdicts are held, want the last before and the one after: %v", len(list), err)
	}
	ctx, stop := context.WithCancel(t.Context())
	_, err = f.model.c.Past(ctx, PastOptions{At: at, Progress: func(n, _ uint64) {
		if n == 10 {
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it is not ended: %v", err)
	}
}

func (f *followed) judged(monitor string, state wire.VerdictState, why string) {
	f.said[monitor]++
	now := time.Now().UTC()
	f.publish("verdicts."+monitor, wire.Verdict{Monitor: monitor, State: state, Since: now, At: now, N: f.said[monitor], Why: why, Revision: f.saved[monitor], Quorum: wire.VerdictQuorum{Need: 1, Up: []string{"paris"}}})
}

// TestPast shows states, monitors and runs as they were, steps through them, and ends now.
func TestPast(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	if _, err := f.model.c.Past(t.Context(), PastOptions{At: time.Now()}); !errors.As(err, new(*TooEarly)) {
		t.Errorf("of a mesh without a past: %v", err)
	}
	f.save("web")
	f.save("db")
	f.result("paris", "web", wire.OK)
	f.judged("web", wire.VerdictUp, "fine")
	incident := func(id string, n uint64, opened time.Time, state wire.IncidentState, members ...wire.IncidentMember) {
		f.publish("incidents."+id, wire.Incident{ID: id, N: n, State: state, Severity: wire.SeverityDown, Opened: opened, At: time.Now().UTC(), Summary: id, Members: members})
	}
	begun := time.Now().UTC()
	down := wire.IncidentMember{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, Since: begun}
	incident("a", 1, begun, wire.IncidentOpen, down)
	incident("over", 1, begun, wire.IncidentOpen, down)
	incident("over", 2, begun, wire.IncidentResolved, down)
	first := time.Now()
	joined := down
	joined.Name, joined.Since = "db", first.Add(time.Millisecond)
	time.Sleep(2 * time.Millisecond)                           // by the clock that what follows is of
	incident("cut", 7, begun, wire.IncidentOpen, down, joined) // what came before is not kept
	incident("a", 2, begun, wire.IncidentResolved, down)
	incident("b", 1, time.Now().UTC(), wire.IncidentOpen, down)
	f.result("paris", "web", wire.Failed)
	f.judged("web", wire.VerdictDown, "paris is refused")
	f.delete("db")
	f.save("new")
	second := time.Now()
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		r := wire.HistoryReply{OK: true, Step: q.Step}
		if q.What == wire.HistoryVerdicts {
			r.Step, r.Spans = 0, []wire.HistorySpan{{Monitor: "web", State: wire.VerdictUp, Since: q.From, Until: q.From.Add(6 * time.Hour)}, {Monitor: "web", State: wire.VerdictDown, Since: q.From.Add(6 * time.Hour), Until: q.From.Add(12 * time.Hour)}}
		}
		return r.Encode()
	})
	cl := f.model.c
	_, err := cl.Past(t.Context(), PastOptions{At: first.Add(-time.Hour)})
	var early *TooEarly
	if !errors.As(err, &early) || early.Earliest.Before(first.Add(-time.Minute)) || early.Earliest.After(first) {
		t.Errorf("an hour before the first: %v", err)
	}
	p, err := cl.Past(t.Context(), PastOptions{At: first})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pastRows(p), "db unknown not judged yet; web up fine; "; got != want {
		t.Errorf("at first %q, want %q", got, want)
	}
	if got, want := pastIncidentsOf(p), "a open down of 1; cut open down of 1; over resolved down of 1; "; got != want {
		t.Errorf("incidents at first %q, want %q", got, want)
	}
	s := p.Snapshot(view.Query{Detail: "web", Plot: 10, Log: 10})
	if len(s.Log) != 1 || s.Detail == nil || len(s.Detail.Agents) != 1 || s.Totals.Online != 1 || !s.At.Equal(first) {
		t.Errorf("%d results, %+v, %+v", len(s.Log), s.Detail, s.Totals)
	}
	if up := s.Monitors[len(s.Monitors)-1].Uptime; len(s.Monitors) != 2 || !up.OK && !s.Monitors[0].Uptime.OK {
		t.Errorf("no uptime in %+v", s.Monitors)
	}
	if play := p.Play(); !play.Paused || play.Ended || play.Note != "" {
		t.Errorf("%+v", play)
	}
	p.Step(second.Sub(first))
	if got, want := pastRows(p), "new unknown not judged yet; web down paris is refused; "; got != want {
		t.Errorf("later %q, want %q", got, want)
	}
	if got, want := pastIncidentsOf(p), "a resolved down of 1; b open down of 1; cut open down of 2; over resolved down of 1; "; got != want {
		t.Errorf("incidents later %q, want %q", got, want)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { p.Run(ctx); close(ended) }()
	p.Step(first.Sub(second)) // back, which is loaded again
	await(t, func() bool { return strings.Contains(pastRows(p), "web up fine") })
	p.Step(time.Hour) // no further than now
	await(t, func() bool { return strings.Contains(pastRows(p), "web down") })
	if at := p.Play().At; at.After(time.Now()) {
		t.Errorf("it is %v", at)
	}
	stop()
	<-ended
}

// TestPast_Replay continues from a time, and ends at now.
func TestPast_Replay(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	f.judged("web", wire.VerdictUp, "fine")
	at := time.Now()
	f.judged("web", wire.VerdictDown, "paris is refused")
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		r := wire.HistoryReply{OK: true, Step: q.Step}
		return r.Encode()
	})
	p, err := f.model.c.Past(t.Context(), PastOptions{At: at, Speed: 100})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { p.Run(ctx); close(ended) }()
	await(t, func() bool { return p.Play().Ended && strings.Contains(pastRows(p), "web down") })
	p.Pause()
	if !p.Play().Ended {
		t.Error("it continues beyond now")
	}
	stop()
	<-ended
}

// TestPast_OfHistory: where neither verdicts nor results are stored any more, states and
// sums of history stand for them, and a gap is no state.
func TestPast_OfHistory(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	f.save("db")
	f.save("gap")
	f.save("later")
	f.result("paris", "web", wire.OK)
	at := time.Now().Add(-10 * 24 * time.Hour).Truncate(time.Second)
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		r := wire.HistoryReply{OK: true, Step: q.Step, Since: at.Add(-24 * time.Hour)}
		switch {
		case q.What == wire.HistoryVerdicts:
			r.Step = 0
			r.Spans = []wire.HistorySpan{
				{Monitor: "db", State: wire.VerdictUp, Since: at.Add(-2 * time.Hour), Until: at.Add(5 * time.Second)},
				{Monitor: "db", State: wire.VerdictDown, Since: at.Add(5 * time.Second), Until: q.To, Blame: wire.BlameTarget},
				{Monitor: "gap", State: wire.VerdictUp, Since: q.From, Until: at.Add(-time.Hour)},
				{Monitor: "web", State: wire.VerdictDown, Since: q.From, Until: q.To, Blame: wire.BlameTarget}}
		case q.To.Sub(q.From) == sumsOver:
			l := &wire.Latencies{Count: 10, SumNS: 10e6, MinNS: 1e6, MaxNS: 1e6, Offset: 637, Buckets: []uint64{10}}
			r.Series = []wire.HistorySeries{{Monitor: "web", Agent: "paris", Kind: "tcp", Rows: []wire.HistoryRow{{At: q.From, Rollup: wire.Rollup{Runs: 10, OK: 10, Latency: l}}}}}
		}
		return r.Encode()
	})
	p, err := f.model.c.Past(t.Context(), PastOptions{At: at})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pastRows(p), "db up from history: which agents saw it is no longer kept; gap unknown nobody judged at this time; web down from history: which agents saw it is no longer kept; "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s := p.Snapshot(view.Query{Sort: view.ByName})
	db, gap, web := s.Monitors[0], s.Monitors[1], s.Monitors[2]
	if !db.Since.Equal(at.Add(-2*time.Hour)) || !web.Since.IsZero() {
		t.Errorf("since %v and %v", db.Since, web.Since)
	}
	if !web.P50.OK || web.Last.OK || web.Uptime.V != 0 || !web.Uptime.OK || gap.P50.OK || gap.Uptime.V != 1 || db.Uptime.V != 1 {
		t.Errorf("%+v\n%+v", web, gap)
	}
	if note := p.Play().Note; !strings.Contains(note, "sums of the 30m before") {
		t.Errorf("%q", note)
	}
	p.Step(10 * time.Second)
	if got := pastRows(p); !strings.Contains(got, "db down") {
		t.Errorf("later %q", got)
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(modelPatience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to be so")
		}
	}
}
