package access_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/broker/access"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// session is a key that acts in somebody's name, and how it connects.
type session struct {
	key        nkeys.KeyPair
	public     string
	credential wire.Credential
	nc         *nats.Conn
	cut        <-chan struct{} // closed when its connection is closed
}

func (s session) signer() *identity.Signer { return identity.SignBy(s.key) }

// person is an actor's console.
func person(t *testing.T, a actor) *console.Client {
	t.Helper()
	c, err := console.ConnectAs(console.Person{Name: a.name, Signer: a.signer(), Folder: a.dir},
		func(o ...nats.Option) (*nats.Conn, error) { return connect(t, a.id, a.dir, o...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sessionOf is a session of an actor, connected.
func sessionOf(t *testing.T, s natstest.Mesh, a actor, role wire.Role) session {
	t.Helper()
	key, public := natstest.NewKey(t)
	c, err := person(t, a).Delegate(t.Context(), public, role, time.Hour, "http://shop:8080")
	if err != nil {
		t.Fatal(err)
	}
	return connected(t, s, a, session{key: key, public: public, credential: c})
}

func connected(t *testing.T, s natstest.Mesh, a actor, o session) session {
	t.Helper()
	connect, err := identity.ConnectWith(s.Address, a.id.Authority, o.credential, o.key)
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan struct{})
	o.cut = cut
	o.nc, err = connect(nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(cut) }), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.nc.Close)
	return o
}

// TestSession_ActsForThePerson: what it saves is the person's, and the mesh let it in.
func TestSession_ActsForThePerson(t *testing.T) {
	s := natstest.StartSecure(t)
	olga := actors(t, s.Mesh)[wire.RoleOperator]
	o := sessionOf(t, s.Mesh, olga, wire.RoleOperator)
	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	store, _ := bucket(t, js)
	if err := saveSigned(o.nc, o.signer(), store, "web", "", monitorText("olga", "web", ""), 0); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "KV_monitors")
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), "$KV.monitors.web")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSaved(m.Subject, "", m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data); err != nil {
		t.Error("the controller does not take it:", err)
	}

	// A program's client reads and changes as the person, and closes once it is over.
	c, err := sessionClient(o, olga.id.Authority, s.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	saved, err := c.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list, err := saved.List(t.Context()); err != nil || len(list) != 1 || list[0].Author != "olga" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.Delegate(t.Context(), someKey(t), wire.RoleViewer, time.Hour, ""); err == nil {
		t.Error("it opened another one")
	}
	if err := person(t, olga).EndDelegation(t.Context(), o.public); err != nil {
		t.Fatal(err)
	}
	until(t, "its client is closed", c.Conn().IsClosed)
}

// sessionActor is a session of somebody as the matrix has it, with its key in a folder.
func sessionActor(t *testing.T, s natstest.Mesh, a actor) actor {
	t.Helper()
	o := sessionOf(t, s, a, wire.RoleOperator)
	o.nc.Close()
	id, dir := a.id, t.TempDir()
	id.Credential = o.credential
	if err := id.Save(dir, o.key); err != nil {
		t.Fatal(err)
	}
	id.Credential.Name = wire.SessionName(a.name, o.public)
	return actor{inSession, a.name, id, dir}
}

// delegates tries to open a session for a key of its own.
func delegates(subject string, role wire.Role) func(trier) error {
	return func(a trier) error {
		_, public := natstest.NewKey(a.s.T)
		return signs(subject, `{"op":"open","key":"`+public+`","role":"`+string(role)+`","for":"1h"}`)(a)
	}
}
