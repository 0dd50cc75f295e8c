package doctor

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/history/store"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// TestExamineHistory: nobody answers, and then somebody does.
func TestExamineHistory(t *testing.T) {
	need.Time(t) // it is asked for seconds
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	cl, err := console.Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	for _, m := range []wire.Saved{
		{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1"}, SLO: &wire.SLO{Objective: 99.9}},
		{Monitor: wire.Monitor{Name: "db", Kind: "tcp", Target: "127.0.0.1:1"}},
	} {
		data, err := json.Marshal(m)
		if err == nil {
			_, err = natstest.JetStream(t, nc).Publish(t.Context(), "$KV.monitors."+m.Name, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if f := examineHistory(t.Context(), cl, time.Now()); f.State != Warning || !strings.Contains(f.Found, "no controller answers") || !strings.HasSuffix(f.Found, "; meanwhile nobody watches the error budget of 1 monitor") || f.Cure == "" {
		t.Errorf("%+v", f)
	}
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	asked := 0
	if _, err := nc.Subscribe(wire.HistorySubject, func(m *nats.Msg) {
		asked++
		q, err := wire.DecodeHistoryQuery(m.Data)
		if err != nil || q.Limit != 1 {
			t.Errorf("%s: %v", m.Data, err)
		}
		r, err := s.Query(t.Context(), q)
		if err != nil {
			t.Error(err)
		}
		m.Respond(r.Encode())
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if f := examineHistory(t.Context(), cl, time.Now()); f.State != OK || f.Found != "is kept; there is no result yet" {
		t.Errorf("%+v", f)
	}
	now := time.Now().UTC()
	s.Add(&wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Epoch: "E6TGUCZCDN434QQK", Seq: 1, Run: 1, Due: now, Started: now, Outcome: wire.OK}, 1, now)
	if f := examineHistory(t.Context(), cl, now); f.State != OK || !strings.Contains(f.Found, "with results until "+now.Local().Format(time.DateTime)) {
		t.Errorf("%+v", f)
	}
}
