package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// join joins by a line into a folder, as what the line is for.
func join(t *testing.T, l identity.Line, dir string) (identity.Identity, error) {
	t.Helper()
	as := identity.Joiner{As: wire.JoinAgent, Folder: t.TempDir(), Dir: func(wire.Credential) (string, error) { return dir, nil }}
	id, _, err := identity.Join(t.Context(), l, as)
	for says, other := range map[string]wire.Joiner{"the line is for a person": wire.JoinConsole, "the line is for a notifier": wire.JoinNotifier} {
		if err != nil && strings.Contains(err.Error(), says) {
			as.As = other
			id, _, err = identity.Join(t.Context(), l, as)
		}
	}
	return id, err
}

// joined joins by a line into a folder of the test.
func joined(t *testing.T, l identity.Line) (identity.Identity, string) {
	t.Helper()
	dir := t.TempDir()
	id, err := join(t, l, dir)
	if err != nil {
		t.Fatal(err)
	}
	return id, dir
}

func connect(t *testing.T, id identity.Identity, dir string, opts ...nats.Option) (*nats.Conn, error) {
	t.Helper()
	o, err := id.Options(dir)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(id.URL, append(o, opts...)...)
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, err
}

func TestJoin(t *testing.T) {
	s := natstest.StartSecure(t)
	line := s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "paris", Role: wire.RoleAgent, Labels: map[string]string{"region": "eu"}})
	again, err := identity.ParseLine(line.String())
	if err != nil || again != line {
		t.Fatalf("%q reads as %+v, %v", line.String(), again, err)
	}
	id, dir := joined(t, line)
	if id.Credential.Name != "paris" || id.Credential.Labels["region"] != "eu" || !line.UsedFor(dir) {
		t.Errorf("%+v", id)
	}
	if _, err := connect(t, id, dir); err != nil {
		t.Error(err)
	}
	if l, known := s.Labels("paris"); !known || l["region"] != "eu" {
		t.Errorf("labels %v, %v", l, known)
	}
	_, err = join(t, line, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "not valid here") {
		t.Errorf("a token used twice: %v", err)
	}
}

func TestRevoke_CutsOffAtOnce(t *testing.T) {
	s := natstest.StartSecure(t)
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "anna", Role: wire.RoleAdmin}))
	other, otherDir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "paris", Role: wire.RoleAgent}))
	cut := make(chan error, 4)
	if _, err := connect(t, other, otherDir, nats.NoReconnect(), nats.ClosedHandler(func(nc *nats.Conn) { cut <- nc.LastError() })); err != nil {
		t.Fatal(err)
	}
	admin, err := connect(t, id, dir)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := requests(admin, identity.SignByFile(identity.Creds(dir))).Do(t.Context(), wire.AccessAdminSubject, []byte(`{"op":"revoke","name":"paris"}`))
	if err != nil || !strings.Contains(string(reply.Data), `"state":"revoked"`) {
		t.Fatalf("%v %v", reply, err)
	}
	select {
	case <-cut:
	case <-time.After(time.Minute):
		t.Fatal("the revoked key is still connected")
	}
	if _, err := connect(t, other, otherDir); err == nil {
		t.Error("the revoked key came in again")
	}
}

func TestRotate(t *testing.T) {
	s := natstest.StartSecure(t)
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "paris", Role: wire.RoleAgent}))
	oldOptions, oldDir := id, t.TempDir()
	copyFolder(t, dir, oldDir)
	nc, err := connect(t, id, dir)
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	if _, err := connect(t, oldOptions, oldDir, nats.NoReconnect(), nats.ClosedHandler(func(nc *nats.Conn) { cut <- nc.LastError() })); err != nil {
		t.Fatal(err)
	}
	if err := identity.Rotate(t.Context(), nc, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, id, dir); err != nil {
		t.Errorf("the new key: %v", err)
	}
	select {
	case <-cut:
	case <-time.After(time.Minute):
		t.Fatal("the old key is still connected")
	}
	if _, err := connect(t, oldOptions, oldDir); err == nil {
		t.Error("the old key still comes in")
	}
}

// TestSave_NameBeginsWithDash: none is saved any more, and an earlier one can be deleted.
func TestSave_NameBeginsWithDash(t *testing.T) {
	s := natstest.StartSecure(t)
	olga := actors(t, s.Mesh)[wire.RoleOperator]
	nc := olga.connect(t, s.Mesh)
	stream, err := natstest.JetStream(t, s.As(t, access.Controller, "controller")).Stream(t.Context(), "KV_"+wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	store := wire.StoreID(stream.CachedInfo().Created)
	data := `{"name":"-v","kind":"tcp","target":"h:1","author":"olga"}`
	if err := saveSigned(nc, olga.signer(), store, "-v", "", data, 0); err == nil || !strings.Contains(err.Error(), "begins with -") {
		t.Errorf("saved: %v", err)
	}
	if err := saveSigned(nc, olga.signer(), store, "-v", "DEL", "", 0); err != nil {
		t.Errorf("deleted: %v", err)
	}
}

// TestTap has a viewer look on by bare subscriptions, as the nats program does.
func TestTap(t *testing.T) {
	s := natstest.StartSecure(t)
	agent, viewer := s.As(t, wire.RoleAgent, "paris"), s.As(t, wire.RoleViewer, "vera")
	for _, c := range []struct{ tap, subject string }{
		{"results.>", "results.paris.web"}, {"results.*.*", "results.paris.web"}, {wire.AllAlive, "agent.paris.alive"},
	} {
		sub, err := viewer.SubscribeSync(c.tap)
		if err != nil {
			t.Fatal(err)
		}
		if err := viewer.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := agent.Publish(c.subject, []byte(`{"agent":"paris"}`)); err != nil {
			t.Fatal(err)
		}
		if m, err := sub.NextMsg(5 * time.Second); err != nil || m.Subject != c.subject {
			t.Errorf("tap %s: %v %v", c.tap, m, err)
		}
		sub.Unsubscribe()
	}
}
