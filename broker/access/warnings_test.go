package access_test

import (
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/internal/natstest"
	"netmon/internal/testlog"
	"netmon/wire"
)

// TestAttack_LogFlood: no identity, and nobody without one, fills the broker's
// disk by being refused.
func TestAttack_LogFlood(t *testing.T) {
	var log testlog.Buffer
	s := natstest.StartSecureWith(t, natstest.Setup{Log: slog.New(slog.NewTextHandler(&log, nil))})
	who := actors(t, s.Mesh)
	vic, olga, paris, none := who[wire.RoleViewer].connect(t, s.Mesh), who[wire.RoleOperator].connect(t, s.Mesh), who[wire.RoleAgent].connect(t, s.Mesh), who[nobody].connect(t, s.Mesh)
	before := log.Count("")
	const many = 2000
	// reply says whether somebody waits for the refusal.
	flood := func(nc *nats.Conn, subject string, reply bool) {
		t.Helper()
		m := message(subject, "{}")
		last := nc.NewInbox()
		sub, err := nc.SubscribeSync(last)
		if err != nil {
			t.Fatal(err)
		}
		for i := range many {
			if m.Reply = ""; reply || i == many-1 {
				m.Reply = last
			}
			if err := nc.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := sub.NextMsg(10e9); err != nil {
			t.Fatal(subject, err)
		}
	}
	for _, reply := range []bool{false, true} {
		flood(vic, "access.rotate.vic", reply)
		flood(paris, "access.rotate.paris", reply)
		flood(vic, "$JS.API.CONSUMER.CREATE.RESULTS", reply)
		flood(olga, "$KV.monitors.web", reply)
		flood(olga, "$O.configs.M.eA==", reply)
		flood(none, "access.join", reply)
	}
	if n := log.Count("") - before; n > 20 {
		t.Errorf("%d lines", n)
	}
}
