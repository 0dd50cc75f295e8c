package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/wire"
)

const filesWeb = `{"name":"web","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","agents":["oslo"],"author":"controller","change":"applied from web.yaml"}`

// TestFiles_AreSavedAsTheController: what the files of its folder want reaches agents, and
// the audit names the controller.
func TestFiles_AreSavedAsTheController(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	runs := startAgent(t, s.Mesh, "oslo")
	control(t, s.Mesh, boss)
	options, signer, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	nc := filesConn(t, s, options)
	store, last := bucket(t, js)
	if err := saveSigned(nc, signer, store, "web", "", filesWeb, 0); err != nil {
		t.Fatal(err)
	}
	until(t, "an agent runs it", func() bool { return runs() == "web" })
	line, err := js.Stream(t.Context(), wire.AuditStream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := line.GetLastMsgForSubject(t.Context(), "audit.monitors")
	if err != nil || !strings.Contains(string(m.Data), `"by":"controller"`) || !strings.Contains(string(m.Data), "applied from web.yaml") {
		t.Errorf("the audit says %s, error %v", m.Data, err)
	}
	saved, err := js.Stream(t.Context(), "KV_"+wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	web, err := saved.GetLastMsgForSubject(t.Context(), "$KV.monitors.web")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Operators().CheckSaved(web.Subject, "", web.Header.Get(wire.AcceptedHeader), web.Header.Get(wire.ProofHeader), web.Data); err != nil {
		t.Errorf("a reader says: %v", err)
	}
	if err := saveSigned(nc, signer, store, "web", "DEL", "", last("web")); err != nil {
		t.Fatal(err)
	}
	until(t, "no agent runs it", func() bool { return runs() == "" })
}

// TestAttack_FilesKey: who has the key with which the controller saves what files want, and
// a server besides, commands no agent, lets nobody in, and saves in nobody else's name.
func TestAttack_FilesKey(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	boss := s.As(t, access.Controller, "controller") // a server that passes on whatever is signed
	runs := startAgent(t, s.Mesh, "oslo")
	introduce(t, boss, s.Mesh, "oslo")
	options, signer, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	key := someKey(t)
	const nobodys = "a key that nobody has here"
	for what, c := range map[string]struct{ subject, to, data, says string }{
		"let somebody in":                 {"access.admin", "gate.access.admin", `{"op":"token","name":"thief","role":"admin"}`, nobodys},
		"list who is in":                  {"access.admin", "gate.access.admin", `{"op":"list"}`, nobodys},
		"change the controller's key":     {"access.rotate.controller", "access.rotate.controller", `{"key":"` + key + `"}`, "it is signed by"},
		"change somebody's key":           {"access.rotate.olga", "access.rotate.olga", `{"key":"` + key + `"}`, "it is signed by"},
		"open a session as an operator":   {"access.delegate.olga", "access.delegate.olga", `{"op":"open","key":"` + key + `","role":"operator","for":"1h"}`, nobodys},
		"open one in the controller name": {"access.delegate.controller", "access.delegate.controller", `{"op":"open","key":"` + key + `","role":"operator","for":"1h"}`, nobodys},
		"command an agent":                {"agent.oslo.cmd", "agent.oslo.cmd", startX, nobodys},
	} {
		refuses(t, what, askAt(boss, signer, c.subject, c.to, c.data), c.says)
		if err := askSigned(filesConn(t, s, options), signer, c.subject, c.data); err == nil {
			t.Errorf("%s: it was done over its own connection", what)
		}
	}
	if got := runs(); got != "" {
		t.Errorf("oslo runs %q", got)
	}
	js := natstest.JetStream(t, boss)
	store, _ := bucket(t, js)
	for _, name := range []string{"olga", "anna", "local", ""} {
		text := strings.Replace(filesWeb, `"author":"controller"`, fmt.Sprintf(`"author":%q`, name), 1)
		refuses(t, "save as "+name, saveSigned(filesConn(t, s, options), signer, store, "web", "", text, 0), "author: want")
	}
	for _, to := range []string{"$KV.control.files", "$KV.control.leader", "verdicts.web", "results.oslo.web", "audit.monitors"} {
		if err := ask(filesConn(t, s, options), message(to, "{}")); err == nil {
			t.Errorf("it writes %s", to)
		}
	}

	// And nobody else saves in the controller's name, whose word decides what it may delete.
	for role, words := range map[wire.Role]string{wire.RoleOperator: "author: want", wire.RoleAdmin: "author: want", wire.RoleViewer: "your role does not include it", wire.RoleAgent: "your role does not include it", wire.RoleNotifier: "your role does not include it"} {
		m := message("gate.save.web2", strings.Replace(filesWeb, `"web"`, `"web2"`, 1), "Nats-Expected-Last-Subject-Sequence", "0")
		proof, err := who[role].signer().Sign("$KV.monitors.web2", "", m.Data, wire.Proof{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Set(wire.ProofHeader, proof)
		refuses(t, "save as the controller, as "+string(role), ask(boss, m), words)
	}
	if _, err := s.Authority.Invite("test", wire.AccessCommand{Name: "controller", Role: wire.RoleOperator}); err == nil {
		t.Error("somebody is let in as controller")
	}
}

// filesConn connects with the options of [access.Authority.Files], in this process.
func filesConn(t *testing.T, s natstest.Secure, options []nats.Option) *nats.Conn {
	t.Helper()
	nc, err := s.Broker.Connect(append(options, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
