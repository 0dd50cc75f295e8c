package membership_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// TestFindNotifier_JoinsOnce: a line lets it in once, and is known again; without one it
// is who it was; with another's identity, or a part of its own, it does not start.
func TestFindNotifier_JoinsOnce(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s := natstest.StartSecure(t)
	line := func(name string, role wire.Role) string {
		return s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: role}).String()
	}
	find := func(w membership.Wanted) (membership.Notifier, string, error) {
		var says bytes.Buffer
		w.Say = &says
		n, err := membership.FindNotifier(t.Context(), w)
		return n, says.String(), err
	}
	nobody := membership.Wanted{Undecided: errors.New("no broker is chosen")}
	if _, _, err := find(nobody); err == nil || !strings.Contains(err.Error(), "no broker") {
		t.Errorf("nobody joined: %v", err)
	}
	first := line("mail1", wire.RoleNotifier)
	n, says, err := find(membership.Wanted{Line: first})
	if err != nil || n.Name != "mail1" || !strings.Contains(says, "joined as mail1") {
		t.Fatalf("%+v, %q, %v", n, says, err)
	}
	nc, err := n.Connect()
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if n, says, err := find(membership.Wanted{Line: first}); err != nil || n.Name != "mail1" || says != "" {
		t.Errorf("by the same line: %+v, %q, %v", n, says, err)
	}
	if n, _, err := find(nobody); err != nil || n.Name != "mail1" || n.CheckSaved == nil {
		t.Errorf("without a line: %+v, %v", n, err)
	}
	if _, _, err := find(membership.Wanted{Line: line("mail2", wire.RoleNotifier)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := find(nobody); err == nil || !strings.Contains(err.Error(), "mail1, mail2: choose one with --name") {
		t.Errorf("of two: %v", err)
	}
	if n, _, err := find(membership.Wanted{ID: "mail2", IDGiven: true}); err != nil || n.Name != "mail2" {
		t.Errorf("the one of the name: %+v, %v", n, err)
	}
	other := t.TempDir()
	if n, _, err := find(membership.Wanted{State: other, Line: line("mail3", wire.RoleNotifier)}); err != nil || n.Name != "mail3" || !identity.Exists(membership.IdentityFolder(other)) {
		t.Errorf("in another folder: %+v, %v", n, err)
	}
	if n, says, err := find(membership.Wanted{State: other, Line: s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "paris", Role: wire.RoleAgent}).String()}); err != nil || n.Name != "mail3" || !strings.Contains(says, "using the identity in") {
		t.Errorf("a line that is no notifier's, for one that is in: %+v, %q, %v", n, says, err)
	}

	mail1 := membership.IdentityFolder(userdirs.State("notifier-mail1"))
	data, err := os.ReadFile(identity.Creds(mail1))
	loose := filepath.Join(t.TempDir(), "loose.creds")
	if err == nil {
		err = os.WriteFile(loose, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, olga := s.LetIn(t, wire.RoleOperator, "olga")
	for what, c := range map[string]struct {
		w    membership.Wanted
		says string
	}{
		"another name":              {membership.Wanted{ID: "mail9", IDGiven: true, State: other}, "--name mail9: the identity"},
		"an agent's line":           {membership.Wanted{Line: line("oslo", wire.RoleAgent)}, "the line is for an agent, and not for a notifier"},
		"a person's line":           {membership.Wanted{Line: line("anna", wire.RoleAdmin)}, "the line is for a person (admin), and not for a notifier"},
		"a line that is none":       {membership.Wanted{Line: "tls://x"}, "--join: the line is incomplete"},
		"an operator's identity":    {membership.Wanted{CredsGiven: true, Endpoint: endpoint.Endpoint{URL: s.Address, Identity: olga}}, "is operator olga"},
		"the key without authority": {membership.Wanted{CredsGiven: true, Endpoint: endpoint.Endpoint{URL: s.Address, Creds: []string{loose}}}, "needs the whole identity"},
	} {
		if _, _, err := find(c.w); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
	if n, _, err := find(membership.Wanted{CredsGiven: true, Endpoint: endpoint.Endpoint{URL: s.Address, Identity: mail1}}); err != nil || n.Name != "mail1" {
		t.Errorf("by the folder of its identity: %+v, %v", n, err)
	}
}

// TestNotifier_KeepsUp: a notifier changes its key, and follows another authority, as
// agents do: settings count as signed by the one that took over.
func TestNotifier_KeepsUp(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s := natstest.StartSecure(t)
	n, err := membership.FindNotifier(t.Context(), membership.Wanted{Say: &bytes.Buffer{}, Line: s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "mail1", Role: wire.RoleNotifier}).String()})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := n.Connect(nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	dir := membership.IdentityFolder(userdirs.State("notifier-mail1"))
	before, err := identity.PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := identity.Rotate(ctx, nc, dir); err != nil {
		t.Fatal(err)
	}
	if after, err := identity.PublicKey(dir); err != nil || after == before {
		t.Errorf("the key is %s, and was %s: %v", after, before, err)
	}

	if err := s.Announce("test", nil, false); err != nil {
		t.Fatal(err)
	}
	if s.Ready() {
		t.Fatal("nobody waits for the notifier")
	}
	log := &testlog.Buffer{}
	following, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { n.KeepUp(following, nc, slog.New(slog.NewTextHandler(log, nil))); close(done) }()
	// The broker is ready before its answer is here.
	for end := time.Now().Add(time.Minute); !s.Ready() || !strings.Contains(log.String(), "the mesh is changing its authority"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not keep the authority that takes over, or says nothing of it: ready is %v, log: %s", s.Ready(), log.String())
		}
	}
	stop()
	<-done
}

// TestSteady_SaysOnceThatItIsShutOut: a notifier that was revoked says so, with what to
// do, and tries ever more seldom; one whose key was changed just comes back.
func TestSteady_SaysOnceThatItIsShutOut(t *testing.T) {
	need.Time(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s := natstest.StartSecure(t)
	n, err := membership.FindNotifier(t.Context(), membership.Wanted{Say: &bytes.Buffer{}, Line: s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "mail1", Role: wire.RoleNotifier}).String()})
	if err != nil {
		t.Fatal(err)
	}
	log := &testlog.Buffer{}
	nc, err := n.Steady(slog.New(slog.NewTextHandler(log, nil)))(nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := identity.Rotate(ctx, nc, membership.IdentityFolder(userdirs.State("notifier-mail1"))); err != nil {
		t.Fatal(err)
	}
	if n := log.Count("does not let this notifier in"); n != 0 {
		t.Errorf("after its key was changed:\n%s", log)
	}
	anna, signer := s.Signing(t, wire.RoleAdmin, "anna")
	requests := identity.NewRequests(signer, func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) { return anna.RequestMsgWithContext(ctx, m) })
	if _, err := requests.Do(ctx, wire.AccessAdminSubject, []byte(`{"op":"revoke","name":"mail1"}`)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); log.Count("netmon token new notifier --name mail1") == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say so:\n%s", log)
		}
	}
	time.Sleep(2 * time.Second) // some more tries
	if n := log.Count("does not let this notifier in"); n != 1 {
		t.Errorf("it says so %d times:\n%s", n, log)
	}
}
