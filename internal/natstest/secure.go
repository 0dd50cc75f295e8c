package natstest

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/wire"
)

// Secure is a broker that knows who is who, with its authority.
type Secure struct {
	*broker.Broker
	*access.Authority
}

// StartSecure starts a provisioned broker with TLS and identities.
func StartSecure(t testing.TB) Secure {
	t.Helper()
	store := t.TempDir()
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	s := Secure{start(t, broker.Options{Listen: "127.0.0.1:0", Store: store, Access: a}), a}
	nc := s.As(t, access.Controller, "controller")
	if err := broker.Provision(t.Context(), JetStream(t, nc), broker.DefaultLimits()); err != nil {
		t.Fatalf("Provision: %v", err)
	}
	ctx := t.Context()
	served := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		served <- a.Serve(ctx, access.Service{Mesh: nc, Push: s.UpdateAccounts, URL: s.URL(), Ready: func() { close(ready) }})
	}()
	<-ready
	t.Cleanup(func() {
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// As connects over TLS in a role, by a key that the authority signs at once.
func (s Secure) As(t testing.TB, role wire.Role, name string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	built, err := s.Outside(role, name)
	if err != nil {
		t.Fatal(err)
	}
	return Connect(t, s.Broker, append(built, opts...)...)
}

// Invite makes a token as an admin does, and returns the line to join by.
func (s Secure) Invite(t testing.TB, c wire.AccessCommand) identity.Line {
	t.Helper()
	token, err := s.Authority.Invite("test", c)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Line{URL: s.URL(), Token: token, Pin: s.Pin()}
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
