package natstest

import (
	"cmp"
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/freeport"
	"netmon/wire"
)

// Mesh is a mesh that has identities: its authority, and where a server of it is.
type Mesh struct {
	*access.Authority
	Address string // tls://host:port
}

// Secure is a broker that has identities, with its authority.
type Secure struct {
	*broker.Broker
	Mesh
}

// Setup is what differs from a usual start.
type Setup struct {
	Store  string        // default a new folder; one that was used continues
	Limits broker.Limits // of what is kept; default broker.DefaultLimits
	Share  access.Share  // of what one agent may store
	Before func(controller *nats.Conn)
	Log    *slog.Logger // of the authority; default none
}

// StartSecure starts a provisioned broker with TLS and identities.
func StartSecure(t testing.TB) Secure { return StartSecureWith(t, Setup{}) }

// StartSecureWith is StartSecure with another setup. It calls Before when the
// streams are there, and nobody answers for access yet.
func StartSecureWith(t testing.TB, with Setup) Secure {
	t.Helper()
	store := cmp.Or(with.Store, t.TempDir())
	a, err := access.Open(access.FolderOf(store), nil, with.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	b := start(t, broker.Options{Listen: freeport.Addr(t), Store: store, Access: a})
	s := Secure{b, Mesh{a, b.URL()}}
	nc := s.As(t, access.Controller, "controller")
	if err := broker.Provision(t.Context(), JetStream(t, nc), cmp.Or(with.Limits, broker.DefaultLimits())); err != nil {
		t.Fatalf("Provision: %v", err)
	}
	if with.Before != nil {
		with.Before(nc)
	}
	ctx := t.Context()
	served := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		served <- a.Serve(ctx, access.Service{Mesh: nc, Push: s.UpdateAccounts, URL: s.URL(), Share: with.Share, Ready: func() { close(ready) }})
	}()
	<-ready
	t.Cleanup(func() {
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// As connects over TLS in a role, as somebody who is let in at once.
func (s Mesh) As(t testing.TB, role wire.Role, name string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, _ := s.Signing(t, role, name, opts...)
	return nc
}

// Signing is As, with what signs in that name.
func (s Mesh) Signing(t testing.TB, role wire.Role, name string, opts ...nats.Option) (*nats.Conn, *identity.Signer) {
	t.Helper()
	if role == access.Controller {
		built, err := s.Outside(role, name)
		if err != nil {
			t.Fatal(err)
		}
		return connect(t, s.Address, append(built, opts...)...), s.Authority.Signer()
	}
	id, dir := s.LetIn(t, role, name)
	own, err := id.Options(dir)
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, s.Address, append(own, opts...)...), identity.SignByFile(identity.Creds(dir))
}

// LetIn makes an identity that is let in at once, in a folder of the test.
func (s Mesh) LetIn(t testing.TB, role wire.Role, name string) (id identity.Identity, dir string) {
	t.Helper()
	dir = t.TempDir()
	var err error
	if name == access.LocalAdmin {
		if err = s.WriteAdmin(dir, s.Address); err == nil {
			id, err = identity.Load(dir)
		}
	} else {
		id, err = s.Enrol(dir, s.Address, wire.AccessCommand{Name: name, Role: role})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id, dir
}

// Invite makes a token as an admin does, and returns the line to join by.
func (s Mesh) Invite(t testing.TB, c wire.AccessCommand) identity.Line {
	t.Helper()
	token, err := s.Authority.Invite("test", c)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Line{URL: s.Address, Token: token, Pin: s.Pin()}
}

// NewKey is a key pair of a user and its public part.
func NewKey(t testing.TB) (nkeys.KeyPair, string) {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}
