package controller

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/history/store"
	"netmon/internal/need"
	"netmon/wire"
)

// historyOf is a history file in which a monitor was up for 40 hours, and then down for so
// long until now.
func historyOf(t *testing.T, monitor string, down time.Duration) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	now := time.Now().UTC()
	s.AddVerdict(&wire.Verdict{Monitor: monitor, State: wire.VerdictUp, Since: now.Add(-40 * time.Hour), At: now.Add(-40 * time.Hour)}, false, 1)
	if down > 0 {
		s.AddVerdict(&wire.Verdict{Monitor: monitor, State: wire.VerdictDown, Since: now.Add(-down), At: now.Add(-down)}, false, 2)
	}
	s.Judged(now.Add(-40*time.Hour), now.Add(time.Hour))
	return s
}

// TestController_ErrorBudgets: history says that an error budget is spent too fast; whoever
// leads tells of it once, and of its end.
func TestController_ErrorBudgets(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	k := &kept{t: t, b: m.b, js: m.js, n: map[string]uint64{}}
	k.save(hook())
	k.save(&wire.NoticeRule{Name: "budgets", Match: wire.Match{Severity: []wire.Severity{wire.SeveritySLOFast}, Tags: map[string]string{"team": "shop"}}, To: []string{"hook"}, Wait: wire.Duration(time.Second)})
	k.publish("$KV.monitors.web", wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1"}, Agents: wire.Selectors{"nowhere"}, Tags: map[string]string{"team": "shop"}, SLO: &wire.SLO{Objective: 99.9}})
	k.publish("$KV.monitors.db", wire.Saved{Monitor: wire.Monitor{Name: "db", Kind: "tcp", Target: "127.0.0.1:1"}, Agents: wire.Selectors{"nowhere"}})
	lead := func() (stop func()) {
		c, err := New(m.nc, func(ctx context.Context) error { return broker.Provision(ctx, m.js, broker.DefaultLimits()) }, Access{}, slog.New(slog.NewTextHandler(t.Output(), nil)))
		if err != nil {
			t.Fatal(err)
		}
		c.budgetEvery = 20 * time.Millisecond
		return m.running(c.Run)
	}
	var file atomic.Pointer[store.Store]
	file.Store(historyOf(t, "web", 10*time.Minute))
	asked := make(chan struct{}, 1000)
	answer := func(msg *nats.Msg) {
		q, err := wire.DecodeHistoryQuery(msg.Data)
		if err != nil || len(q.Monitors) != 1 || q.Monitors[0] != "web" {
			t.Errorf("%s: %v", msg.Data, err)
			return
		}
		r, err := file.Load().Query(context.Background(), q)
		if err != nil {
			t.Error(err)
		}
		msg.Respond(r.Encode())
		select {
		case asked <- struct{}{}:
		default:
		}
	}
	stop := lead() // history does not answer yet
	if _, err := m.nc.Subscribe(wire.HistorySubject, answer); err != nil {
		t.Fatal(err)
	}
	about := func(i wire.Incident) bool { return len(i.Members) == 1 && i.Members[0].About == wire.AboutSLO }
	opened := k.await("the budget is spent too fast", func(i wire.Incident) bool { return about(i) && i.State == wire.IncidentOpen })
	if opened.Severity != wire.SeveritySLOFast || opened.Cause != (wire.Cause{What: wire.CauseMonitor, Name: "web"}) || !strings.Contains(opened.Summary, "the error budget of web: it is spent 1") {
		t.Errorf("%+v", opened)
	}
	if n := k.send("hook", wire.Sent); n.Incident != opened.ID || n.Reason != wire.ReasonOpened {
		t.Errorf("notice %+v of %+v", n, opened)
	}
	k.await("told", func(i wire.Incident) bool { return i.ID == opened.ID && len(i.Channels) == 1 && i.Channels[0].Notified })
	stop()
	defer lead()()
	for len(asked) > 0 {
		<-asked
	}
	for range 10 { // the other one has looked, and has nothing to add
		select {
		case <-asked:
		case <-time.After(time.Minute):
			t.Fatal("nobody asks for history")
		}
	}
	file.Store(historyOf(t, "web", 0))
	over := k.await("over", func(i wire.Incident) bool { return i.ID == opened.ID && i.State == wire.IncidentResolved })
	if n := over.Members[0].N; n != 2 {
		t.Errorf("%d troubles were told of, want 2", n)
	}
	if n := k.send("hook", wire.Sent); n.Incident != opened.ID || n.Reason != wire.ReasonResolved {
		t.Errorf("notice %+v", n)
	}
}
