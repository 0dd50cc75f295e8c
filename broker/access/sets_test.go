package access_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// consoleOf is somebody's console.
func consoleOf(t *testing.T, s natstest.Mesh, role wire.Role, name string) *console.Client {
	t.Helper()
	id, dir := s.LetIn(t, role, name)
	who := console.Person{Name: name, Signer: identity.SignByFile(identity.Creds(dir)), Authority: id.Authority}
	cl, err := console.ConnectAs(who, func(more ...nats.Option) (*nats.Conn, error) {
		o, err := id.Options(dir)
		if err != nil {
			return nil, err
		}
		return nats.Connect(id.URL, append(o, more...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// TestSets_AreSigned: a configuration is in the name of who saved it, and what
// somebody else made of it is not used.
func TestSets_AreSigned(t *testing.T) {
	s := natstest.StartSecure(t)
	olga, anna := consoleOf(t, s.Mesh, wire.RoleOperator, "olga"), consoleOf(t, s.Mesh, wire.RoleAdmin, "anna")
	one := console.Wanted{Monitors: []wire.Saved{{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1"}}}}
	sets := func(cl *console.Client) *console.Sets {
		sets, err := cl.Sets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sets
	}
	if _, err := sets(anna).Save(t.Context(), "office", one, console.Set{}); err != nil {
		t.Fatal(err)
	}
	saved, err := sets(olga).Find(t.Context(), "office")
	if err != nil {
		t.Fatal(err)
	}
	if got, monitors, err := sets(olga).Get(t.Context(), "office"); err != nil || got.Author != "anna" || len(monitors.Monitors) != 1 {
		t.Fatalf("%+v %v %v", got, monitors, err)
	}
	two := console.Wanted{Monitors: append(one.Monitors, wire.Saved{Monitor: wire.Monitor{Name: "db", Kind: "tcp", Target: "127.0.0.1:2"}})}
	if saved, err = sets(olga).Save(t.Context(), "office", two, saved); err != nil || saved.Author != "olga" {
		t.Fatalf("%+v %v", saved, err)
	}

	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	stream, err := js.Stream(t.Context(), "OBJ_"+wire.ConfigsBucket)
	if err != nil {
		t.Fatal(err)
	}
	const subject = "$O.configs.M.b2ZmaWNl" // office
	kept, err := stream.GetLastMsgForSubject(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	// With an operator's key: in anna's name, without a signature, by that of the earlier one.
	nc, _ := s.Signing(t, wire.RoleOperator, "eve")
	for what, data := range map[string]string{
		"in another's name":      strings.Replace(string(kept.Data), `"author":"olga"`, `"author":"anna"`, 1),
		"without a signature":    strings.Replace(string(kept.Data), `"proof"`, `"prof"`, 1),
		"as it was, once more":   string(kept.Data),
		"with other content":     strings.Replace(string(kept.Data), `SHA-256=`, `SHA-256=x`, 1),
		"as deleted":             strings.Replace(string(kept.Data), `"chunks"`, `"deleted":true,"chunks"`, 1),
		"under another name":     strings.Replace(string(kept.Data), `"name":"office"`, `"name":"home"`, 1),
		"what is no information": "{}",
	} {
		if data == string(kept.Data) && what != "as it was, once more" {
			t.Fatalf("%s: nothing was changed in %s", what, kept.Data)
		}
		if err := ask(nc, message(subject, data, "Nats-Rollup", "sub")); err == nil {
			t.Errorf("%s: it was saved", what)
		}
	}
	if got, _, err := sets(anna).Get(t.Context(), "office"); err != nil || got.Author != "olga" {
		t.Errorf("%+v %v", got, err)
	}

	// A server that is in other hands, without the authority's keys.
	var info jetstream.ObjectInfo
	if err := json.Unmarshal(kept.Data, &info); err != nil {
		t.Fatal(err)
	}
	m := nats.NewMsg(subject)
	m.Header.Set("Nats-Rollup", "sub")
	m.Header.Set(wire.AcceptedHeader, kept.Header.Get(wire.AcceptedHeader))
	m.Data = []byte(strings.Replace(string(kept.Data), `"author":"olga"`, `"author":"anna"`, 1))
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got, _, err := sets(anna).Get(t.Context(), "office"); err == nil || !strings.Contains(err.Error(), "save it again") {
		t.Errorf("%+v %v", got, err)
	}
	if err := sets(olga).Delete(t.Context(), "office"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sets(anna).Get(t.Context(), "office"); !errors.Is(err, console.ErrNoSet) {
		t.Errorf("a deleted one: %v", err)
	}
	if _, err := sets(olga).Save(t.Context(), "office", one, console.Set{}); err != nil {
		t.Errorf("again: %v", err)
	}
	until(t, "the audit has who saved and deleted them", func() bool {
		lines := strings.Join(audited(t, s.As(t, access.Controller, "controller"), "monitors"), "\n")
		return lines == "anna config-save office true\nolga config-save office true\nolga config-save office false\nolga config-delete office true\nolga config-save office true"
	})
}
