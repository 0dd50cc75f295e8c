package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console/view"
	"netmon/internal/natstest"
	"netmon/wire"
)

// answerHistory has a function answer on history.get until the end of the test.
func answerHistory(t *testing.T, nc *nats.Conn, answer func(q wire.HistoryQuery) []byte) {
	t.Helper()
	if _, err := nc.Subscribe(wire.HistorySubject, func(m *nats.Msg) {
		q, err := wire.DecodeHistoryQuery(m.Data)
		if err != nil {
			t.Errorf("%s: %v", m.Data, err)
		}
		m.Respond(answer(q))
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestModel_Uptimes reads the uptimes of 1,000 monitors in pages, in the background, and
// says why where nobody keeps history.
func TestModel_Uptimes(t *testing.T) {
	f := newFollowed(t, ModelOptions{Uptimes: true})
	const monitors, page = 1000, 400
	asked := atomic.Int64{}
	answerHistory(t, f.nc, func(q wire.HistoryQuery) []byte {
		asked.Add(1)
		r := wire.HistoryReply{OK: true}
		first := 0
		fmt.Sscanf(q.After, "m%d", &first)
		half := q.From.Add(q.To.Sub(q.From) / 2)
		for n := first; n < monitors && len(r.Spans) < page; n++ {
			name := fmt.Sprintf("m%04d", n)
			state := []wire.VerdictState{wire.VerdictUp, wire.VerdictDown, wire.VerdictUnknown, wire.VerdictDegraded}[n%4]
			r.Spans = append(r.Spans, wire.HistorySpan{Monitor: name, State: state, Since: q.From, Until: half}, wire.HistorySpan{Monitor: name, State: wire.VerdictUnknown, Since: half, Until: q.To})
			r.Next = fmt.Sprintf("m%04d", n+1)
		}
		if r.Next == fmt.Sprintf("m%04d", monitors) {
			r.Next = ""
		}
		return r.Encode()
	})
	for n := range 4 {
		f.save(fmt.Sprintf("m%04d", n))
	}
	f.save("new")
	f.run()
	<-f.model.UptimesTried()
	<-f.model.Ready()
	if n := asked.Load(); n != monitors*2/page {
		t.Errorf("it took %d requests", n)
	}
	s := f.model.Snapshot(view.Query{Sort: view.ByUptime})
	got := ""
	for _, r := range s.Monitors {
		got += fmt.Sprintf("%s %v %v, ", r.Name, r.Uptime.V, r.Uptime.OK)
	}
	if want := "m0001 0 true, m0000 1 true, m0003 1 true, m0002 0 false, new 0 false, "; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if s.Uptimes.At.IsZero() || s.Uptimes.Why != "" {
		t.Errorf("%+v", s.Uptimes)
	}
}

func TestModel_UptimesOfNobody(t *testing.T) {
	f := newFollowed(t, ModelOptions{Uptimes: true})
	f.save("web")
	f.run()
	<-f.model.UptimesTried()
	<-f.model.Ready()
	s := f.model.Snapshot(view.Query{})
	if !strings.Contains(s.Uptimes.Why, "nobody answers about history") || s.Monitors[0].Uptime.OK {
		t.Errorf("%+v, %+v", s.Uptimes, s.Monitors[0].Uptime)
	}
}

// TestClient_History_Hostile: whoever answers on history.get, what cannot be the answer is
// an error that no terminal obeys, and nothing is read forever.
func TestClient_History_Hostile(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	cl := dial(t, b)
	var reply atomic.Value
	answerHistory(t, nc, func(wire.HistoryQuery) []byte { return reply.Load().([]byte) })
	to := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	from := to.Add(-2 * time.Hour)
	rollups := wire.HistoryQuery{What: wire.HistoryRollups, Monitors: []string{"web"}, From: from, To: to, Step: wire.Duration(time.Hour)}
	verdicts := wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: []string{"web"}, From: from, To: to}
	row := wire.HistoryRow{At: from, Rollup: wire.Rollup{Runs: 1, OK: 1}}
	series := func(change func(s *wire.HistorySeries)) wire.HistoryReply {
		s := wire.HistorySeries{Monitor: "web", Agent: "paris", Rows: []wire.HistoryRow{row}}
		change(&s)
		return wire.HistoryReply{OK: true, Step: wire.Duration(time.Hour), Series: []wire.HistorySeries{s}}
	}
	span := func(change func(s *wire.HistorySpan)) wire.HistoryReply {
		s := wire.HistorySpan{Monitor: "web", State: wire.VerdictUp, Since: from, Until: to}
		change(&s)
		return wire.HistoryReply{OK: true, Spans: []wire.HistorySpan{s}}
	}
	many := series(func(s *wire.HistorySeries) {
		s.Rows = nil
		for range wire.MaxHistoryRows + 1 {
			s.Rows = append(s.Rows, wire.HistoryRow{At: from})
		}
	})
	const evil = "\x1b]52;c;ZXZpbA==\x07\u009b2J\u202e"
	for _, c := range []struct {
		q     wire.HistoryQuery
		reply any
		want  string
	}{
		{rollups, series(func(*wire.HistorySeries) {}), ""},
		{verdicts, span(func(*wire.HistorySpan) {}), ""},
		{rollups, []byte("{\"ok\":true,\"ser"), "not a reply about history"},
		{rollups, []byte(`{"ok":true,"step":"1h","series":[{"monitor":"web","agent":"p","rows":[{"at":"2026-11-30T10:00:00Z","runs":NaN}]}]}`), "not a reply about history"},
		{rollups, []byte(`{"ok":true,"step":"1h","series":[{"monitor":"web","agent":"p","rows":[{"at":"2026-11-30T10:00:00Z","runs":1e99}]}]}`), "not a reply about history"},
		{rollups, []byte("null"), "refused without a reason"},
		{rollups, []byte(evil), "not a reply about history"},
		{rollups, wire.HistoryReply{Error: &wire.Error{Message: evil}}, "ask for history"},
		{rollups, series(func(s *wire.HistorySeries) { s.Monitor = evil }), "the monitor"},
		{rollups, series(func(s *wire.HistorySeries) { s.Monitor = "db" }), "which was not asked for"},
		{rollups, series(func(s *wire.HistorySeries) { s.Agent = evil }), "the agent"},
		{rollups, series(func(s *wire.HistorySeries) { s.Rows[0].At = time.Unix(1<<40, 0).UTC() }), "ask for history"},
		{rollups, series(func(s *wire.HistorySeries) { s.Rows[0].At = to }), "not in the time that was asked for"},
		{rollups, series(func(s *wire.HistorySeries) { s.Rows[0].At = from.Add(-2 * time.Hour) }), "not in the time that was asked for"},
		{rollups, series(func(s *wire.HistorySeries) { s.Rows[0].Runs = 1 << 63 }), "runs: want at most"},
		{rollups, series(func(s *wire.HistorySeries) {
			s.Rows[0].Latency = &wire.Latencies{Count: 1, SumNS: 1, MinNS: 5, MaxNS: 1}
		}), "latency"},
		{rollups, many, "rows"},
		{rollups, wire.HistoryReply{OK: true, Step: 1}, "its step is"},
		{rollups, wire.HistoryReply{OK: true, Step: -1 << 63}, "ask for history"},
		{rollups, span(func(*wire.HistorySpan) {}), "another question"},
		{rollups, wire.HistoryReply{OK: true, Step: wire.Duration(time.Hour), Next: "web.paris.1"}, "says that more follows"},
		{verdicts, series(func(*wire.HistorySeries) {}), "another question"},
		{verdicts, span(func(s *wire.HistorySpan) { s.Monitor = evil }), "the monitor"},
		{verdicts, span(func(s *wire.HistorySpan) { s.Until = s.Since.Add(-time.Minute) }), "not in the time"},
		{verdicts, span(func(s *wire.HistorySpan) { s.Until = to.Add(time.Hour) }), "not in the time"},
		{verdicts, span(func(s *wire.HistorySpan) { s.Since = time.Time{} }), "not in the time"},
	} {
		data, ok := c.reply.([]byte)
		if !ok {
			data, _ = json.Marshal(c.reply)
		}
		reply.Store(data)
		_, err := cl.History(t.Context(), c.q)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%.100s: %v, want %q", data, err, c.want)
		}
		if err != nil && Printable(err.Error()) != err.Error() {
			t.Errorf("%q is for no terminal", err)
		}
	}
}

// TestClient_History_Endless: pages that lead to each other end.
func TestClient_History_Endless(t *testing.T) {
	b := natstest.Start(t)
	cl := dial(t, b)
	n := 0
	answerHistory(t, natstest.Connect(t, b), func(q wire.HistoryQuery) []byte {
		n++
		r := wire.HistoryReply{OK: true, Spans: []wire.HistorySpan{{Monitor: "web", State: wire.VerdictUp, Since: q.From, Until: q.To}}, Next: fmt.Sprint("web..", n%7)}
		return r.Encode()
	})
	now := time.Now()
	_, err := cl.History(t.Context(), wire.HistoryQuery{What: wire.HistoryVerdicts, From: now.Add(-time.Hour), To: now})
	if err == nil || !strings.Contains(err.Error(), "more than fits here") {
		t.Errorf("%v after %d pages", err, n)
	}
}
