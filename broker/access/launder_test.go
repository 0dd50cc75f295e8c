package access_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/console"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestAttack_ConsoleSignsForOthers: a server in other hands puts a monitor into
// the bucket that nobody signed. A console that starts it, changes it, or rolls
// back to it would sign it in its own name.
func TestAttack_ConsoleSignsForOthers(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	m := nats.NewMsg("$KV.monitors.web")
	m.Data = []byte(`{"name":"web","kind":"tcp","target":"10.66.6.6:22","every":"10s","timeout":"5s","agents":["oslo"],"author":"anna"}`)
	if _, err := natstest.JetStream(t, boss).PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	olga := consoleOf(t, s.Mesh, wire.RoleOperator, "olga")
	store, err := olga.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if is, err := store.Get(t.Context(), "web"); !errors.Is(err, console.ErrNotAccepted) {
		t.Errorf("get: %+v %v", is, err)
	}
	if list, err := store.List(t.Context()); len(list) != 0 || !errors.Is(err, console.ErrNotAccepted) {
		t.Errorf("list: %+v %v", list, err)
	}
	model := olga.Model(console.ModelOptions{})
	if err := model.Load(t.Context()); err != nil || len(model.Monitors()) != 0 || !strings.Contains(model.Problems()["web"], console.ErrNotAccepted.Error()) {
		t.Errorf("model: %+v %v %v", model.Monitors(), model.Problems(), err)
	}
	history, err := store.History(t.Context(), "web")
	if err != nil || len(history) != 1 || history[0].Saved != nil || !errors.Is(history[0].Problem, console.ErrNotAccepted) {
		t.Errorf("history: %+v %v", history, err)
	}
	// Saved by somebody in their own name, over what is there, it is theirs.
	over := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1", Revision: history[0].Revision}}
	if _, err := store.Save(t.Context(), over, "mended"); err != nil {
		t.Fatal(err)
	}
	if is, err := store.Get(t.Context(), "web"); err != nil || is.Author != "olga" {
		t.Errorf("%+v %v", is, err)
	}
}
