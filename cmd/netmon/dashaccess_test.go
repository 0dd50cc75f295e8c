package main

import (
	"errors"
	"testing"

	"netmon/internal/host"

	"netmon/console"
	"netmon/console/screen"
	"netmon/internal/endpoint"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestActor_ViewerIsRefused presses, as one who may only read, the keys of the
// live screen that write.
func TestActor_ViewerIsRefused(t *testing.T) {
	s := natstest.StartSecure(t)
	client := func(role wire.Role, name string) *actor {
		id, dir := s.LetIn(t, role, name)
		cl, err := console.ConnectAs(endpoint.PersonIn(dir), host.By(s.Connect, id, dir))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return newActor(cl, nil)
	}
	operator, viewer := client(wire.RoleOperator, "olga"), client(wire.RoleViewer, "vic")
	m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(1e9), Timeout: wire.Duration(1e9)}}
	if _, err := operator.Ops.Add(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	store, err := viewer.Client.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, err := store.Get(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []screen.Request{{Verb: screen.Stop, Monitor: "web"}, {Verb: screen.Stop, Monitor: "web", On: "paris"}, {Verb: screen.Delete, Monitor: "web"}} {
		if text, err := viewer.Do(t.Context(), r); !errors.Is(err, console.ErrDenied) {
			t.Errorf("%+v: %q, %v; want %v", r, text, err, console.ErrDenied)
		}
	}
	after, err := store.Get(t.Context(), "web")
	if err != nil || after.Revision != before.Revision {
		t.Errorf("revision %d, want %d as before (%v)", after.Revision, before.Revision, err)
	}
	if _, err := operator.Do(t.Context(), screen.Request{Verb: screen.Stop, Monitor: "web"}); err != nil {
		t.Errorf("an operator: %v", err)
	}
}
