package access_test

import (
	"strings"
	"testing"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestGate_KeepsTheIDOfAWrite: a console whose answer was lost finds by it that what
// is stored is its own.
func TestGate_KeepsTheIDOfAWrite(t *testing.T) {
	s := natstest.StartSecure(t)
	nc, signer := s.Signing(t, wire.RoleOperator, "olga")
	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	store, _ := bucket(t, js)
	monitor := strings.ReplaceAll(savedWeb, "<me>", "olga")
	if err := saveSigned(nc, signer, store, "web", "", monitor, 0, "Nats-Msg-Id", "mine"); err != nil {
		t.Fatal(err)
	}
	if err := saveSigned(nc, signer, store, "web", "", monitor, 0, "Nats-Msg-Id", "mine"); err == nil || !strings.Contains(err.Error(), "wrong last sequence") {
		t.Errorf("once more over the same revision: %v", err)
	}
	stream, err := js.Stream(t.Context(), "KV_"+wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), "$KV.monitors.web")
	if err != nil {
		t.Fatal(err)
	}
	if id := m.Header.Get("Nats-Msg-Id"); id != "mine" || m.Sequence != 1 {
		t.Errorf("message %d has id %q", m.Sequence, id)
	}
}
