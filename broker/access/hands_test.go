package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/broker/access"
	"netmon/controller"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// control runs a controller of a mesh until the test ends.
func control(t *testing.T, s natstest.Mesh, boss *nats.Conn) {
	t.Helper()
	ctl, err := controller.New(boss, func(context.Context) error { return nil },
		controller.Access{Labels: s.Labels, Signer: s.Signer(), Trust: s.Trust, Behind: s.Behind, CheckSaved: s.CheckSaved, Adopt: s.Adopt}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	go func() { ctl.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
}

// TestAttack_ServerInOtherHands: whoever has a nats-server, and not the folder of
// the authority, can write what they like to every stream, and command nobody.
func TestAttack_ServerInOtherHands(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	runs := startAgent(t, s.Mesh, "oslo")
	control(t, s.Mesh, boss)
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna")
	store, last := bucket(t, js)
	save := func(name string) {
		t.Helper()
		text := fmt.Sprintf(`{"name":%q,"kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","agents":["oslo"],"author":"anna"}`, name)
		if err := saveSigned(admin, signer, store, name, "", text, last(name)); err != nil {
			t.Fatal(err)
		}
	}
	save("web")
	until(t, "it runs what was saved", func() bool { return runs() == "web" })
	list, err := js.Stream(t.Context(), "KV_"+wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	web, err := list.GetLastMsgForSubject(t.Context(), "$KV.monitors.web")
	if err != nil {
		t.Fatal(err)
	}

	write := func(name, operation string, data []byte, headers map[string]string) {
		t.Helper()
		m := nats.NewMsg("$KV.monitors." + name)
		m.Data = data
		if operation != "" {
			m.Header.Set("KV-Operation", operation)
		}
		for k, v := range headers {
			m.Header.Set(k, v)
		}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	evil := []byte(strings.Replace(string(web.Data), `"web"`, `"evil"`, 1))
	word := map[string]string{wire.ProofHeader: web.Header.Get(wire.ProofHeader), wire.AcceptedHeader: web.Header.Get(wire.AcceptedHeader)}
	write("evil", "", evil, nil)
	write("evil", "", evil, word)
	write("web", "", []byte(strings.Replace(string(web.Data), "127.0.0.1:1", "127.0.0.1:2", 1)), word)
	write("web", "DEL", nil, nil)
	write("web", "DEL", nil, word)
	write("web", "PURGE", nil, word)
	for _, command := range []string{startX, `{"op":"stop","names":["web"]}`, `{"op":"sync","store":"` + store + `","revision":99999,"have":{}}`, `{"op":"rotate"}`} {
		if err := ask(boss, message("agent.oslo.cmd", command)); err == nil || !strings.Contains(err.Error(), "not signed") {
			t.Errorf("%s: %v", command, err)
		}
	}
	save("after") // what came before it was looked at
	until(t, "it runs what was saved then", func() bool { return strings.Contains(runs(), "after") })
	if got := runs(); got != "after web" {
		t.Errorf("it runs %q", got)
	}
}

// TestAttack_Replay sends once more what somebody signed, to the same agent at
// once, and to it after a restart.
func TestAttack_Replay(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna")
	startAgent(t, s.Mesh, "oslo")
	introduce(t, boss, s.Mesh, "oslo")
	r, err := admin.Request("agent.oslo.cmd", []byte(`{"op":"info"}`), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	info, err := wire.DecodeReply(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	m := message("agent.oslo.cmd", startX)
	proof, err := signer.SignRequest(m.Subject, info.Info.Challenge, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	m.Header.Set(wire.ProofHeader, proof)
	if err := ask(admin, m); err != nil {
		t.Fatal(err)
	}
	if err := ask(boss, m); err == nil || !strings.Contains(err.Error(), "counts once") {
		t.Errorf("the same again: %v", err)
	}
	// Another life of the agent has another challenge.
	other := &identity.Challenges{}
	receiver := identity.Receiver{Member: func(key string) (wire.Member, bool) { return wire.Member{Role: wire.RoleAdmin}, true }, Challenges: other}
	if _, err := receiver.Sender(proof, m.Subject, m.Data, wire.RoleAdmin); err == nil || !strings.Contains(err.Error(), "challenge that is over") {
		t.Errorf("to another life: %v", err)
	}
}

// TestController_LeavesOldAgentsAlone: one that cannot check who commands it is
// gets no commands, and keeps what it runs.
func TestController_LeavesOldAgentsAlone(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	old := s.As(t, wire.RoleAgent, "old")
	commands, err := old.SubscribeSync("agent.old.cmd")
	if err != nil || old.Flush() != nil {
		t.Fatal(err)
	}
	runs := startAgent(t, s.Mesh, "oslo")
	control(t, s.Mesh, boss)
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna")
	beat, err := json.Marshal(wire.Alive{Agent: "old", Instance: "x", Version: "0.1.0", Kinds: []string{"tcp"}, Started: time.Now(), At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(old, message("agent.old.alive", string(beat))); err != nil {
		t.Fatal(err)
	}
	store, _ := bucket(t, natstest.JetStream(t, boss))
	if err := saveSigned(admin, signer, store, "web", "", `{"name":"web","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","author":"anna"}`, 0); err != nil {
		t.Fatal(err)
	}
	until(t, "the other one runs it", func() bool { return runs() == "web" })
	if m, err := commands.NextMsg(300 * time.Millisecond); err == nil {
		t.Errorf("the old agent was told %s", m.Data)
	}
}

// TestAdopt: what an older netmon saved, which nobody signed, continues; once.
func TestAdopt(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	text := `{"name":%q,"kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","author":"ann@desk"}`
	put := func(name string) {
		t.Helper()
		if _, err := js.Publish(t.Context(), "$KV.monitors."+name, fmt.Appendf(nil, text, name)); err != nil {
			t.Fatal(err)
		}
	}
	put("before")
	put("deleted")
	gone := message("$KV.monitors.deleted", "", "KV-Operation", "DEL")
	if _, err := js.PublishMsg(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	runs := startAgent(t, s.Mesh, "oslo")
	control(t, s.Mesh, boss)
	until(t, "it runs what was there", func() bool { return runs() == "before" })
	put("later")
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna")
	store, _ := bucket(t, js)
	if err := saveSigned(admin, signer, store, "signed", "", `{"name":"signed","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","author":"anna"}`, 0); err != nil {
		t.Fatal(err)
	}
	until(t, "it runs what was signed since", func() bool { return strings.Contains(runs(), "signed") })
	if got := runs(); got != "before signed" {
		t.Errorf("it runs %q", got)
	}
	kv, err := js.KeyValue(t.Context(), wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	e, err := kv.Get(t.Context(), "before")
	if err != nil || string(e.Value()) != fmt.Sprintf(text, "before") {
		t.Errorf("%s %v: want it as it was", e.Value(), err)
	}
}

// TestController_BringsAListUntilItIsKept: an agent whose disk is full obeys the
// newest list, runs what is saved meanwhile, and keeps the list when it can.
func TestController_BringsAListUntilItIsKept(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "oslo", Role: wire.RoleAgent}))
	trust := trusting(t, s.Authority, dir)
	opened := make(chan struct{}, 4)
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: "oslo", State: t.TempDir(), Version: "0.0.1", Trust: trust, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Connect: func(more ...nats.Option) (*nats.Conn, error) {
			o, err := id.Options(dir)
			if err != nil {
				return nil, err
			}
			return nats.Connect(id.URL, append(o, more...)...)
		}, Opened: func() { opened <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	<-opened
	if err := os.Rename(dir, dir+".away"); err != nil { // stands for the full disk
		t.Fatal(err)
	}
	control(t, s.Mesh, boss)
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna") // which makes another list
	_, number, _ := s.Trust()
	until(t, "the newest list counts", func() bool { return trust.Number() == number })
	store, _ := bucket(t, natstest.JetStream(t, boss))
	if err := saveSigned(admin, signer, store, "web", "", `{"name":"web","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","author":"anna"}`, 0); err != nil {
		t.Fatal(err)
	}
	until(t, "it runs what was saved", func() bool {
		m, err := boss.Request("agent.oslo.cmd", []byte(`{"op":"list"}`), 5*time.Second)
		return err == nil && strings.Contains(string(m.Data), `"web"`)
	})
	if trust.Kept() >= number {
		t.Errorf("list %d is kept on a disk that is full", trust.Kept())
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	until(t, "the list is kept", func() bool { return trust.Kept() == number })
}
