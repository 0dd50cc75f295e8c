package access_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// nextOf is what an identity keeps of an authority that takes over.
func nextOf(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "next.json"))
	if err != nil {
		return ""
	}
	var n struct {
		Authority string `json:"authority"`
	}
	if json.Unmarshal(data, &n) != nil {
		return ""
	}
	return identity.Fingerprint([]byte(n.Authority))
}

func missing(s natstest.Mesh) (names []string) {
	for _, m := range s.State().Missing {
		names = append(names, m.Name)
	}
	return names
}

// TestFollow_KeptAndAcknowledged: what is announced is on disk before it is
// acknowledged, and given up it is gone. A disk that is full keeps the switch away.
func TestFollow_KeptAndAcknowledged(t *testing.T) {
	s := natstest.StartSecure(t)
	let := actors(t, s.Mesh)
	paris := let[wire.RoleAgent]
	nc, err := connect(t, paris.id, paris.dir)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := identity.OpenTrust(paris.dir)
	if err != nil {
		t.Fatal(err)
	}
	follow := func() (identity.Followed, error) { return identity.Follow(t.Context(), nc, paris.dir, trust) }
	if f, err := follow(); err != nil || f.Pin != "" || nextOf(paris.dir) != "" {
		t.Fatalf("nothing is announced: %+v %v", f, err)
	}
	if err := s.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	next := s.State().Next
	full := filepath.Join(paris.dir, "next.json") // a folder in the place of the file
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := follow(); err == nil {
		t.Error("it could not be written, and nobody says so")
	}
	if got := strings.Join(missing(s.Mesh), " "); !strings.Contains(got, "paris") {
		t.Errorf("acknowledged without being on disk: missing are %s", got)
	}
	if _, err := connect(t, paris.id, paris.dir); err != nil {
		t.Errorf("it is shut out by that: %v", err)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{next, ""} {
		if f, err := follow(); err != nil || f.Pin != again || f.Over || nextOf(paris.dir) != next {
			t.Errorf("%+v %v, kept %q", f, err, nextOf(paris.dir))
		}
	}
	if got := strings.Join(missing(s.Mesh), " "); strings.Contains(got, "paris") || s.Ready() {
		t.Errorf("missing are %s", got)
	}
	if nc, err := connect(t, paris.id, paris.dir); err != nil {
		t.Errorf("at the broker of the authority in force: %v", err)
	} else {
		nc.Close()
	}
	// Its key is not changed meanwhile: the credential is for the one in use.
	if err := askSigned(nc, paris.signer(), "access.rotate.paris", `{"key":"`+other(t)+`"}`); err == nil || !strings.Contains(err.Error(), "is being changed") {
		t.Errorf("another key meanwhile: %v", err)
	}
	if err := s.Abort(); err != nil {
		t.Fatal(err)
	}
	if f, err := follow(); err != nil || !f.Dropped || f.Pin != next || nextOf(paris.dir) != "" {
		t.Errorf("given up: %+v %v, kept %q", f, err, nextOf(paris.dir))
	}
}

func other(t *testing.T) string {
	_, public := natstest.NewKey(t)
	return public
}

// TestFollow_OnlyFromTheAuthority: a server in other hands answers with what it
// likes, and nothing of it is kept.
func TestFollow_OnlyFromTheAuthority(t *testing.T) {
	s, stranger := natstest.StartSecure(t), natstest.StartSecure(t)
	let := actors(t, s.Mesh)
	paris, olga := let[wire.RoleAgent], let[wire.RoleOperator]
	nc, err := connect(t, paris.id, paris.dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.PublicKey(paris.dir)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(nc *nats.Conn, name, key string) wire.NextAuthority {
		t.Helper()
		m, err := nc.RequestWithContext(t.Context(), "access.rotate."+name, []byte(`{"ask":true,"key":"`+key+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		var r wire.AccessReply
		if err := json.Unmarshal(m.Data, &r); err != nil || r.Takeover == nil {
			t.Fatalf("%s %v", m.Data, err)
		}
		return *r.Takeover
	}
	older := answer(nc, "paris", key)
	for _, mesh := range []natstest.Mesh{s.Mesh, stranger.Mesh} {
		if err := mesh.Announce("anna", nil, false); err != nil {
			t.Fatal(err)
		}
	}
	good := answer(nc, "paris", key)
	olgaKey, err := identity.PublicKey(olga.dir)
	if err != nil {
		t.Fatal(err)
	}
	of := answer(olga.connect(t, s.Mesh), "olga", olgaKey)
	theirs := actors(t, stranger.Mesh)[wire.RoleAgent]
	theirKey, err := identity.PublicKey(theirs.dir)
	if err != nil {
		t.Fatal(err)
	}
	foreign := answer(theirs.connect(t, stranger.Mesh), "paris", theirKey)

	evil := natstest.Start(t)
	asked := natstest.Connect(t, evil)
	var says wire.NextAuthority
	if _, err := asked.Subscribe("access.rotate.paris", func(m *nats.Msg) {
		data, err := json.Marshal(wire.AccessReply{OK: true, Takeover: &says})
		if err == nil {
			m.Respond(data)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := asked.Flush(); err != nil {
		t.Fatal(err)
	}
	mixed := func(change func(*wire.NextAuthority)) wire.NextAuthority {
		n := good
		change(&n)
		return n
	}
	trust, err := identity.OpenTrust(paris.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := trust.Take(good.List); err != nil {
		t.Fatal(err)
	}
	for what, answer := range map[string]wire.NextAuthority{
		"another mesh's":                  foreign,
		"another mesh's under our list":   mixed(func(n *wire.NextAuthority) { n.Authority, n.Credential = foreign.Authority, foreign.Credential }),
		"our list, and no authority":      mixed(func(n *wire.NextAuthority) { n.Authority = "" }),
		"another's credential":            mixed(func(n *wire.NextAuthority) { n.Credential = of.Credential }),
		"a credential of another mesh":    mixed(func(n *wire.NextAuthority) { n.Credential = foreign.Credential }),
		"no credential":                   mixed(func(n *wire.NextAuthority) { n.Credential = nil }),
		"an older list, which names none": older,
		"a list that was changed on its way": mixed(func(n *wire.NextAuthority) {
			n.List.Trust = strings.Replace(n.List.Trust, good.List.Trust[:10], "{ \"numbe", 1)
		}),
		"nothing":                            {},
		"the credential of the one in force": mixed(func(n *wire.NextAuthority) { c := paris.id.Credential; n.Credential = &c }),
	} {
		says = answer
		if f, err := identity.Follow(t.Context(), asked, paris.dir, trust); err == nil || f.Pin != "" {
			t.Errorf("%s: it is followed: %+v", what, f)
		} else {
			t.Log(what+":", err)
		}
		if got := nextOf(paris.dir); got != "" {
			t.Errorf("%s: %s is kept", what, got)
		}
	}
}

// TestAuthority_WhoMaySay: who acknowledges signs it, for itself; who has it changed
// is an admin; and servers that are not the broker's own are not touched.
func TestAuthority_WhoMaySay(t *testing.T) {
	s := natstest.StartSecure(t)
	let := actors(t, s.Mesh)
	paris, anna := let[wire.RoleAgent], let[wire.RoleAdmin]
	if err := askSigned(anna.connect(t, s.Mesh), anna.signer(), wire.AccessAdminSubject, `{"op":"authority-rotate"}`); err == nil || !strings.Contains(err.Error(), "not this process's own") {
		t.Errorf("beside a nats-server: %v", err)
	}
	if s.State().State != wire.AuthoritySteady {
		t.Errorf("%+v", s.State())
	}
	for _, role := range []wire.Role{wire.RoleAgent, wire.RoleViewer, wire.RoleOperator} {
		a := let[role]
		for _, op := range []string{"authority", "authority-rotate", "authority-abort"} {
			if err := askSigned(a.connect(t, s.Mesh), a.signer(), wire.AccessAdminSubject, `{"op":"`+op+`"}`); err == nil {
				t.Errorf("%s: %s is done", role, op)
			}
		}
	}
	if err := s.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	nc := paris.connect(t, s.Mesh)
	own, err := identity.PublicKey(paris.dir)
	if err != nil {
		t.Fatal(err)
	}
	kept := `{"kept":"` + s.State().Next + `","key":"` + own + `"}`
	if err := ask(nc, message("access.rotate.paris", kept)); err == nil {
		t.Error("what nobody signed is counted")
	}
	if err := askSigned(nc, anna.signer(), "access.rotate.paris", kept); err == nil {
		t.Error("anna's word counts for paris")
	}
	if err := askSigned(nc, paris.signer(), "access.rotate.paris", `{"kept":"`+s.Pin()+`","key":"`+own+`"}`); err == nil {
		t.Error("another authority is counted")
	}
	if err := askSigned(nc, paris.signer(), "access.rotate.paris", strings.Replace(kept, own, other(t), 1)); err == nil {
		t.Error("a credential for another key than the one in use is counted")
	}
	if err := ask(nc, message("access.rotate.paris", `{"ask":true,"key":"`+other(t)+`"}`)); err == nil {
		t.Error("a credential for a key that nobody has")
	}
	if got := strings.Join(missing(s.Mesh), " "); !strings.Contains(got, "paris") {
		t.Errorf("missing are %s", got)
	}
	if err := askSigned(nc, paris.signer(), "access.rotate.paris", kept); err != nil {
		t.Error(err)
	}
	if got := strings.Join(missing(s.Mesh), " "); strings.Contains(got, "paris") {
		t.Errorf("missing are %s", got)
	}
}
