package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/internal/host"
	"netmon/internal/membership"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/retry"
	"netmon/wire"
)

// TestAuthority_NotifiersStay: a notifier that joined, and the one of the broker's own
// process, come over to another authority, and what was saved before counts for both.
func TestAuthority_NotifiersStay(t *testing.T) {
	need.Time(t)
	t.Parallel()
	m := newAuthorityMesh(t)
	anna := m.console(m.join(wire.RoleAdmin, "anna"))
	signer := identity.SignByFile(identity.Creds(m.a.Admin()))
	mesh := natstest.Mesh{Authority: m.a, Address: m.b.URL()}
	one, err := membership.FindNotifier(t.Context(), membership.Wanted{State: t.TempDir(), Say: io.Discard,
		Line: mesh.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "mail1", Role: wire.RoleNotifier}).String()})
	m.must(err)
	around, err := host.Around(m.b, m.a, slog.New(slog.DiscardHandler))
	m.must(err)
	two, err := around.Notifier()
	m.must(err)

	local := m.console(m.a.Admin())
	saveChannel(t, local.Conn(), signer)
	ctx := t.Context()
	notifiers := map[string]membership.Notifier{"that joined": one, "of the broker's process": two}
	conns := map[string]*nats.Conn{}
	for what, n := range notifiers {
		nc, err := n.Connect(nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.IgnoreAuthErrorAbort(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		m.must(err)
		conns[what] = nc
		done := make(chan struct{})
		go func() { n.KeepUp(ctx, nc, slog.New(slog.DiscardHandler)); close(done) }()
		t.Cleanup(func() { <-done; nc.Close() }) // the context of the test is over then
	}
	before := m.a.Pin()
	_, err = anna.Authority(t.Context(), wire.AccessCommand{Op: wire.AccessAuthorityRotate})
	m.must(err)
	m.until("the change is at its end", func() bool { s := m.a.State(); return s.State == wire.AuthoritySteady && s.Pin != before })
	for what, n := range notifiers {
		var channel *jetstream.RawStreamMsg
		m.until("the notifier "+what+" reads what was saved", func() bool {
			js, err := jetstream.New(conns[what])
			m.must(err)
			try, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			stream, err := js.Stream(try, "KV_"+wire.AlertingBucket)
			if err == nil {
				channel, err = stream.GetLastMsgForSubject(try, "$KV.alerting.channel.hook")
			}
			return err == nil
		})
		m.until("it counts for the one "+what, func() bool {
			return n.CheckSaved(channel.Subject, "", channel.Header.Get(wire.AcceptedHeader), channel.Header.Get(wire.ProofHeader), channel.Data) == nil
		})
	}
}

// TestAccessRotate_OfANotifier: the command changes the key of a notifier by the folder
// of its identity, on the notifier's host.
func TestAccessRotate_OfANotifier(t *testing.T) {
	t.Parallel()
	m := newAuthorityMesh(t)
	dir := m.join(wire.RoleNotifier, "mail1")
	before, err := identity.PublicKey(dir)
	m.must(err)
	if out := runOK(t, "access", "rotate", "--creds", dir); !strings.Contains(out, "your key was replaced") {
		t.Fatal(out)
	}
	if after, err := identity.PublicKey(dir); err != nil || after == before {
		t.Errorf("the key is %s, and was %s: %v", after, before, err)
	}
}

// saveChannel saves the channel hook as the broker's own admin.
func saveChannel(t *testing.T, nc *nats.Conn, signer *identity.Signer) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "KV_"+wire.AlertingBucket)
	if err != nil {
		t.Fatal(err)
	}
	m := nats.NewMsg("$KV.alerting.channel.hook")
	m.Data = []byte(`{"name":"hook","kind":"webhook","author":"local"}`)
	proof, err := signer.Sign(m.Subject, "", m.Data, wire.Proof{Store: wire.StoreID(stream.CachedInfo().Created)})
	if err == nil {
		m.Header.Set(wire.ProofHeader, proof)
		_, err = retry.Replace(t.Context(), js, "KV_"+wire.AlertingBucket, m, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}
