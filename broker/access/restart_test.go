package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestRestart_IdentitiesHold restarts the server within its process, as the
// broker does after a full disk: who was let in and who was shut out since the
// first start stays so.
func TestRestart_IdentitiesHold(t *testing.T) {
	s := natstest.StartSecure(t)
	let := actors(t, s.Mesh)
	admin, agent := let[wire.RoleAdmin], let[wire.RoleAgent]
	back := make(chan struct{}, 1)
	command, err := connect(t, admin.id, admin.dir, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	revoke := func(name string) error {
		return askSigned(command, admin.signer(), wire.AccessAdminSubject, `{"op":"revoke","name":"`+name+`"}`)
	}
	if err := revoke(agent.name); err != nil {
		t.Fatal(err)
	}
	shutOut(t, agent) // the server knows

	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-back:
	case <-time.After(time.Minute):
		t.Fatal("the admin does not come back")
	}
	shutOut(t, agent)
	viewer := let[wire.RoleViewer]
	nc := viewer.connect(t, s.Mesh)
	if err := publish(nc, message("$KV.monitors.web", "{}")); err == nil || !strings.Contains(err.Error(), "ermissions") {
		t.Errorf("a viewer saves a monitor after the restart: %v", err)
	}
	// Its authority answers again, and the new server hears of changes.
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := revoke(viewer.name)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	shutOut(t, viewer)
	joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "tokyo", Role: wire.RoleAgent}))
}

// shutOut waits until somebody's key is worth nothing.
func shutOut(t *testing.T, a actor) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		nc, err := connect(t, a.id, a.dir)
		if err != nil && (strings.Contains(err.Error(), "revoked") || strings.Contains(strings.ToLower(err.Error()), "authorization")) {
			return
		}
		if err == nil {
			nc.Close()
		}
		if time.Now().After(end) {
			t.Fatalf("%s may come in: %v", a.name, err)
		}
	}
}
