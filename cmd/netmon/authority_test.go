package main

import (
	"context"
	"crypto/tls"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/host"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// TestAuthority_ChangesWhileAllStay is the whole way: announced, fetched by agents and
// consoles, the last of which comes later, switched. Nobody joins anew, no result
// is lost, nothing that is measured stops, and the keys of before are worth nothing.
func TestAuthority_ChangesWhileAllStay(t *testing.T) {
	need.Time(t)
	t.Parallel()
	m := newAuthorityMesh(t)
	dirs := map[string]string{}
	for name, role := range map[string]wire.Role{"anna": wire.RoleAdmin, "olga": wire.RoleOperator, "vic": wire.RoleViewer, "paris": wire.RoleAgent, "oslo": wire.RoleAgent} {
		dirs[name] = m.join(role, name)
	}
	dirs["here"] = t.TempDir() // an agent of the broker's own process, as netmon up has it
	stateOfHere := t.TempDir()
	here := func() (stop func()) {
		id, err := m.a.Enrol(dirs["here"], m.b.URL(), wire.AccessCommand{Name: "here", Role: wire.RoleAgent})
		m.must(err)
		_, stop = m.agentBy("here", dirs["here"], stateOfHere, host.By(m.b.Connect, id, dirs["here"]))
		return stop
	}
	parisLog, _ := m.agent("paris", dirs["paris"], t.TempDir())
	m.agent("oslo", dirs["oslo"], t.TempDir())
	stopHere := here()
	anna, vic := m.console(dirs["anna"]), m.console(dirs["vic"])
	m.save(anna, "web")
	all := []string{"paris/web", "oslo/web", "here/web"}
	m.flows(all...)
	mesh := natstest.Mesh{Authority: m.a, Address: m.b.URL()}
	lines := map[string]identity.Line{}
	for what, c := range map[string]wire.AccessCommand{"one": {Name: "late", Role: wire.RoleAgent}, "several": {Name: "many", Role: wire.RoleAgent, Uses: 3}, "replace": {Name: "oslo", Role: wire.RoleAgent, Replace: true}} {
		c.Op = wire.AccessToken
		lines[what] = mesh.Invite(t, c)
	}
	stolen := filepath.Join(t.TempDir(), "access")
	m.must(os.CopyFS(stolen, os.DirFS(access.FolderOf(m.store))))
	old := m.a.Pin()
	seen := make(chan wire.Result, 1000)
	following, stopFollowing := context.WithCancel(t.Context())
	defer stopFollowing()
	go vic.Follow(following, console.Filter{}, nil, func(r wire.Result) error {
		select {
		case seen <- r:
		default:
		}
		return nil
	})

	// olga is away: all others have it, and it does not take over.
	s, err := anna.Authority(t.Context(), wire.AccessCommand{Op: wire.AccessAuthorityRotate})
	m.must(err)
	next := s.Next
	m.until("only olga is missing", func() bool {
		s, err = anna.Authority(t.Context(), wire.AccessCommand{Op: wire.AccessAuthority})
		m.must(err)
		return len(s.Missing) == 1
	})
	if s.Missing[0].Name != "olga" || s.State != wire.AuthorityAnnounced || s.Pin != old || s.Lines != 3 || next == old || next == "" {
		t.Errorf("before olga comes: %+v", s)
	}
	if pin, more := believes(t, dirs["paris"]); pin != old || !more {
		t.Errorf("paris believes %s, and another one: %v", pin, more)
	}
	m.flows(all...)

	stopHere()
	m.restart() // which changes nothing of it
	stopHere = here()
	m.until("anna is back", anna.Connected)
	if got := m.a.State(); got.Next != next || got.State != wire.AuthorityAnnounced {
		t.Fatalf("after a restart: %+v", got)
	}

	m.visit(dirs["olga"], "olga has it", func() bool { s := m.a.State(); return s.State != wire.AuthorityAnnounced || len(s.Missing) == 0 })
	m.until("all but olga came over", func() bool {
		s := m.a.State()
		return s.State != wire.AuthorityAnnounced && s.Pin == next && len(s.Missing) <= 1
	})
	m.over(next, dirs["paris"], dirs["oslo"], dirs["here"])
	m.overBy(next, dirs["olga"], dirs["vic"], dirs["anna"])
	m.until("the change is at its end", func() bool { return m.a.State().State == wire.AuthoritySteady })
	m.flows(all...)
	m.whole()
	if n := parisLog.Count("the mesh changed its authority"); n != 1 {
		t.Errorf("paris says %d times that the authority changed:\n%s", n, parisLog)
	}
	for len(seen) > 0 {
		<-seen
	}
	select {
	case <-seen:
	case <-time.After(time.Minute):
		t.Error("vic's console follows no more")
	}

	// What was saved counts on, and who may save saves.
	store, err := anna.Monitors(t.Context())
	m.must(err)
	list, err := store.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Author != "anna" {
		t.Errorf("saved: %+v %v", list, err)
	}
	m.save(anna, "more")
	m.flows("paris/more", "oslo/more")
	for what, line := range lines {
		if err := m.joinBy(line, wire.RoleAgent, t.TempDir()); err == nil {
			t.Errorf("a line of before the change lets in: %s", what)
		}
		line.Pin = next // its token is among what the thief of the folder knows
		if err := m.joinBy(line, wire.RoleAgent, t.TempDir()); err == nil || !strings.Contains(err.Error(), "not valid") {
			t.Errorf("a token of before the change lets in: %s: %v", what, err)
		}
	}
	local := m.console(m.a.Admin())
	if _, err := local.Identities(t.Context()); err != nil {
		t.Errorf("the broker's own admin: %v", err)
	}
	m.thief(stolen, dirs["oslo"], old)

	stopHere()
	m.restart()
	m.until("anna is back", anna.Connected)
	m.flows("paris/web", "oslo/web", "paris/more", "oslo/more")
	m.whole()
	m.thief(stolen, dirs["oslo"], old)
}

// thief tries what the whole folder of before the change could do.
func (m *authorityMesh) thief(stolen, agent, old string) {
	m.t.Helper()
	t := m.t
	copied := filepath.Join(t.TempDir(), "store")
	m.must(os.CopyFS(access.FolderOf(copied), os.DirFS(stolen)))
	m.must(filepath.WalkDir(copied, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
	theirs, err := access.Open(access.FolderOf(copied), nil, nil)
	m.must(err)
	defer theirs.Close()
	if theirs.Pin() != old {
		t.Fatal("the copy is not of before the change")
	}

	// Forged credentials, and the stolen key of the broker's own admin, at the real broker.
	careless := nats.Secure(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	for _, role := range []wire.Role{access.Controller, wire.RoleAdmin, wire.RoleAgent} {
		forged, err := theirs.Built(role, "oslo")
		m.must(err)
		if nc, err := nats.Connect(m.b.URL(), append(forged, careless)...); err == nil {
			nc.Close()
			t.Errorf("a forged credential of role %s lets in", role)
		}
	}
	if nc, err := nats.Connect(m.b.URL(), careless, identity.UserCredentials(identity.Creds(access.AdminFolder(stolen)))); err == nil {
		nc.Close()
		t.Error("the stolen key of the broker's own admin lets in")
	}

	// A broker with their certificate, which an agent of the mesh comes to.
	b, err := broker.Start(t.Context(), broker.Options{Listen: "127.0.0.1:0", Store: copied, Access: theirs})
	m.must(err)
	defer b.Close()
	id, err := identity.Load(agent)
	m.must(err)
	o, err := id.Options(agent)
	m.must(err)
	if nc, err := nats.Connect(b.URL(), o...); err == nil {
		nc.Close()
		t.Error("an agent comes to a broker with the certificate of before")
	}

	// Lists and what is saved, brought through a server in other hands.
	m.must(theirs.Behind(uint64(time.Now().Add(24 * time.Hour).UnixMilli()))) // a higher number than any
	list, number, _ := theirs.Trust()
	trust, err := identity.OpenTrust(agent)
	m.must(err)
	if err := trust.Take(list); err == nil || trust.Number() >= number {
		t.Errorf("a list by the operator of before counts: %v", err)
	}
	m.must(theirs.Announce("thief", nil, false))
	list, _, _ = theirs.Trust()
	if err := trust.Take(list); err == nil || trust.Next() != "" {
		t.Errorf("an authority that the one before announces counts: %v", err)
	}
	nc, err := m.ctl()
	m.must(err)
	defer nc.Close()
	stream, err := natstest.JetStream(t, nc).Stream(t.Context(), "KV_"+wire.MonitorsBucket)
	m.must(err)
	first, err := stream.GetMsg(t.Context(), stream.CachedInfo().State.FirstSeq) // accepted by the one before
	m.must(err)
	if err := m.a.CheckSaved(first.Subject, "", first.Header.Get(wire.AcceptedHeader), first.Header.Get(wire.ProofHeader), first.Data); err == nil {
		t.Error("the word of the operator of before counts on what is saved")
	}
	if err := theirs.CheckSaved(first.Subject, "", first.Header.Get(wire.AcceptedHeader), first.Header.Get(wire.ProofHeader), first.Data); err != nil {
		t.Errorf("it counted before: %v", err)
	}
}

// TestAuthority_WhoIsAway: an agent that is away keeps the switch waiting, and is
// named. One that has the next authority comes over whenever it returns; one that was
// left behind is not let in, and goes on measuring. The broker is killed after the switch
// is on disk, before its server knows.
func TestAuthority_WhoIsAway(t *testing.T) {
	need.Time(t)
	t.Parallel()
	m := newAuthorityMesh(t)
	annas, parisDir, tokyoDir := m.join(wire.RoleAdmin, "anna"), m.join(wire.RoleAgent, "paris"), m.join(wire.RoleAgent, "tokyo")
	state := t.TempDir()
	anna := m.console(annas)
	m.save(anna, "web")
	_, stopParis := m.agent("paris", parisDir, state)
	m.flows("paris/web")
	rotate := func(q wire.AccessCommand) wire.AuthorityState {
		t.Helper()
		q.Op = wire.AccessAuthorityRotate
		s, err := anna.Authority(t.Context(), q)
		m.must(err)
		return s
	}
	old, next := m.a.Pin(), rotate(wire.AccessCommand{}).Next
	m.visit(annas, "only tokyo is missing", func() bool { s := m.a.State(); return len(s.Missing) == 1 && s.Missing[0].Name == "tokyo" })
	stopParis()
	m.stop()

	a, err := access.Open(access.FolderOf(m.store), nil, nil)
	m.must(err)
	if a.Ready() || a.Pin() != old {
		t.Fatal("it takes over without tokyo")
	}
	m.must(a.Announce("anna", []string{"tokyo"}, false))
	if !a.Ready() {
		t.Fatalf("tokyo is waited for: %+v", a.State())
	}
	m.must(a.Switch())
	m.must(a.Close())
	m.start()
	if got := m.a.Pin(); got != next {
		t.Fatalf("the authority is %s, want %s", got, next)
	}

	m.until("anna comes over", anna.Connected)
	m.agent("paris", parisDir, state)
	m.flows("paris/web")
	m.over(next, parisDir, annas)
	m.until("the change is at its end", func() bool { return m.a.State().State == wire.AuthoritySteady })
	if s := m.a.State(); len(s.Without) != 1 || s.Without[0] != "tokyo" || s.Before != old {
		t.Errorf("%+v", s)
	}
	m.whole()
	tokyo, _ := m.agent("tokyo", tokyoDir, t.TempDir())
	m.until("tokyo says why it is not let in", func() bool { return tokyo.Count("changed its authority without this agent") == 1 })
	if pin, _ := believes(t, tokyoDir); pin != old {
		t.Errorf("tokyo believes %s", pin)
	}
	// By a line it comes back, and another change goes as the first one.
	mesh := natstest.Mesh{Authority: m.a, Address: m.b.URL()}
	m.must(m.joinBy(mesh.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "tokyo", Role: wire.RoleAgent, Replace: true}), wire.RoleAgent, tokyoDir))
	m.flows("tokyo/web")
	m.until("tokyo is no longer without", func() bool { return len(m.a.State().Without) == 0 })
	again := rotate(wire.AccessCommand{}).Next
	m.over(again, parisDir, tokyoDir)
	m.flows("paris/web")
	m.whole()
}
