package access_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/wire"
)

// beats publishes a heartbeat of an agent that is well.
func beats(t *testing.T, nc *nats.Conn, name string) {
	t.Helper()
	data, err := json.Marshal(wire.Alive{Agent: name, At: time.Now().UTC(), Kinds: []string{}})
	if err == nil {
		err = publish(nc, message("agent."+name+".alive", string(data)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lastBeat is what the stream has of an agent.
func lastBeat(t *testing.T, nc *nats.Conn, name string) wire.Alive {
	t.Helper()
	stream, err := natstest.JetStream(t, nc).Stream(t.Context(), wire.AgentsStream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), "agent."+name+".alive")
	if err != nil {
		t.Fatal(err)
	}
	a, err := wire.DecodeAlive(m.Subject, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestGone_ALateHeartbeat comes in after its agent was shut out, as it may from
// another server of a cluster.
func TestGone_ALateHeartbeat(t *testing.T) {
	s := natstest.StartSecure(t)
	let := actors(t, s.Mesh)
	agent, admin := let[wire.RoleAgent], let[wire.RoleAdmin]
	nc, controller := agent.connect(t, s.Mesh), s.As(t, access.Controller, "controller")
	beats(t, nc, "paris")
	until(t, "its heartbeat is stored", func() bool {
		info, err := natstest.JetStream(t, controller).Stream(t.Context(), wire.AgentsStream)
		return err == nil && info.CachedInfo().State.Msgs > 0
	})
	if err := askSigned(admin.connect(t, s.Mesh), admin.signer(), wire.AccessAdminSubject, `{"op":"revoke","name":"paris"}`); err != nil {
		t.Fatal(err)
	}
	if !lastBeat(t, controller, "paris").Gone {
		t.Error("an agent that was shut out is not gone when the admin is told so")
	}
	beats(t, controller, "paris")
	until(t, "it is gone again", func() bool { return lastBeat(t, controller, "paris").Gone })

	id, dir := in(t, s, "paris", wire.RoleAgent) // let in again
	back, err := connect(t, id, dir)
	if err != nil {
		t.Fatal(err)
	}
	beats(t, back, "paris")
	until(t, "it is there again", func() bool { return !lastBeat(t, controller, "paris").Gone })
	time.Sleep(1200 * time.Millisecond) // two looks
	if lastBeat(t, controller, "paris").Gone {
		t.Error("an agent that was let in again is gone")
	}
}

// TestGone_ThoseOfBefore were shut out while nobody said that they are gone.
func TestGone_ThoseOfBefore(t *testing.T) {
	store := t.TempDir()
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Invite("test", wire.AccessCommand{Name: "paris", Role: wire.RoleAgent}); err != nil {
		t.Fatal(err)
	}
	a.Close()
	s := natstest.StartSecureWith(t, natstest.Setup{Store: store, Before: func(nc *nats.Conn) {
		beats(t, nc, "paris") // whose name nobody has who is let in
		beats(t, nc, "tokyo") // of whom the registry knows nothing
	}})
	controller := s.As(t, access.Controller, "controller")
	until(t, "it is gone", func() bool { return lastBeat(t, controller, "paris").Gone })
	if lastBeat(t, controller, "tokyo").Gone {
		t.Error("an agent is gone that nobody shut out")
	}
}
