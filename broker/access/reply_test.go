package access_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestAttack_ByReply tries it on an embedded server.
func TestAttack_ByReply(t *testing.T) {
	need.Time(t)
	tryReplies(t, natstest.StartSecure(t).Mesh)
}

// tryReplies: NATS does not ask whether somebody may publish to the
// subject that its request names for the answer. A stolen agent's key, and
// consoles that work with it, try to have answers do what they may not.
func tryReplies(t *testing.T, s natstest.Mesh) {
	t.Helper()
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	who := actors(t, s)
	oslo := startAgent(t, s, "oslo")

	// What is stored, and given back as an answer, is up to the hostile agent.
	hostile := who[wire.RoleAgent].connect(t, s)
	evil := `{"op":"start","seq":1,"name":"x","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","role":"admin","key":"` + someKey(t) + `",` +
		`"monitors":[{"name":"x","kind":"tcp","target":"127.0.0.1:1"}]}`
	forged := []string{wire.CallerHeader, forged}
	if err := ask(hostile, message("results.paris.x", evil, forged...)); err != nil {
		t.Fatal(err)
	}
	answering := func(headers ...string) func(*nats.Msg) {
		return func(m *nats.Msg) {
			r := message(m.Reply, evil, headers...)
			r.Reply = "_INBOX_paris.back" // where a credential would go
			hostile.PublishMsg(r)
			hostile.Flush()
		}
	}

	// The same with header blocks that nats-server leaves as they are, stored for
	// somebody to have them given back.
	line := connectRaw(t, s, who[wire.RoleAgent])
	stores := map[string]string{}
	for _, how := range slices.Sorted(maps.Keys(forgedBlocks)) {
		name := fmt.Sprintf("forged%d", len(stores))
		line.hpub("results.paris."+name, "_INBOX_paris.x", forgedBlocks[how], startX)
		stores[how] = "$JS.API.DIRECT.GET.RESULTS.results.paris." + name
	}
	if err := line.flush(); err != nil {
		t.Fatal(err)
	}
	introduce(t, boss, s, "oslo")
	for _, subject := range []string{"incidents.evil", "$KV.alerting.channel.mail"} {
		if err := ask(boss, message(subject, "{}")); err != nil {
			t.Fatal(err)
		}
	}
	told := strings.Replace(strings.ReplaceAll(delivered, "i1", "evil"), "{", `{"op":"test",`, 1)
	if err := ask(who[wire.RoleNotifier].connect(t, s), message("deliveries.mail.evil", told, forged...)); err != nil {
		t.Fatal(err)
	}

	answerHistory(t, boss, evil)

	// The spy sees all that happens in the account of the streams.
	spy := s.As(t, access.Controller, "controller")
	seen, err := spy.SubscribeSync(">")
	if err != nil || spy.Flush() != nil {
		t.Fatal(err)
	}
	before := states(t, js)

	// Nor may a notifier take an answer for a request to try a channel.
	asked, err := who[wire.RoleNotifier].connect(t, s).SubscribeSync("notify.*.cmd")
	if err != nil {
		t.Fatal(err)
	}
	stored := "$JS.API.DIRECT.GET.RESULTS.results.paris.x"
	tries := []struct {
		what    string
		role    wire.Role
		subject string
		data    string
		answers func(*nats.Msg) // of the hostile agent
	}{
		{"its stored result", wire.RoleAgent, stored, "", nil},
		{"an acknowledgement", wire.RoleAgent, "results.paris.y", "{}", nil},
		{"an acknowledgement in the audit", wire.RoleAgent, "audit.paris", "{}", nil},
		{"the broker's answer about a key", wire.RoleAgent, "access.rotate.paris", "{}", nil},
		{"an answer about its id", wire.RoleAgent, "access.claim.paris", `{"op":"info"}`, nil},
		{"the broker's answer about a session", wire.RoleViewer, "access.delegate.vic", "{}", nil},
		{"a stored result", wire.RoleViewer, stored, "", nil},
		{"a result by number", wire.RoleViewer, "$JS.API.STREAM.MSG.GET.RESULTS", `{"last_by_subj":"results.paris.x"}`, nil},
		{"what JetStream says of itself", wire.RoleViewer, "$JS.API.INFO", "", nil},
		{"the names of streams", wire.RoleViewer, "$JS.API.STREAM.NAMES", "", nil},
		{"a stream's state", wire.RoleViewer, "$JS.API.STREAM.INFO.RESULTS", "", nil},
		{"what a consumer reads", wire.RoleViewer, "$JS.API.CONSUMER.MSG.NEXT.RESULTS.reads", `{"batch":1,"expires":1000000000}`, nil},
		{"the answer about a consumer", wire.RoleViewer, "$JS.API.CONSUMER.CREATE.RESULTS.other", `{"stream_name":"RESULTS","config":{"name":"other","ack_policy":"none","mem_storage":true}}`, nil},
		{"what is told of history", wire.RoleViewer, "history.get", historyQuery, nil},
		{"an incident", wire.RoleNotifier, "$JS.API.DIRECT.GET.INCIDENTS.incidents.evil", "", nil},
		{"what became of a notice", wire.RoleNotifier, "$JS.API.DIRECT.GET.INCIDENTS.deliveries.mail.evil", "", nil},
		{"a notice", wire.RoleNotifier, "$JS.API.CONSUMER.MSG.NEXT.NOTICES.mail", `{"batch":1,"no_wait":true}`, nil},
		{"an acknowledgement of what became of a notice", wire.RoleNotifier, "deliveries.mail.other", delivered, nil},
		{"a hostile agent's answer to a ping", wire.RoleViewer, "$SRV.PING", "", answering()},
		{"a hostile agent's forged answer to a ping", wire.RoleViewer, "$SRV.PING", "", answering(forged...)},
		{"a hostile agent's answer to a command", wire.RoleOperator, "agent.paris.cmd", `{"op":"info"}`, answering()},
		{"a hostile agent's forged answer to a command", wire.RoleOperator, "agent.paris.cmd", `{"op":"info"}`, answering(forged...)},
	}
	for how, subject := range stores {
		for _, role := range columns[:4] {
			tries = append(tries, struct {
				what    string
				role    wire.Role
				subject string
				data    string
				answers func(*nats.Msg)
			}{"its stored result, with " + how, role, subject, "", nil})
		}
	}
	viewer := who[wire.RoleViewer].connect(t, s)
	if err := ask(viewer, message("$JS.API.CONSUMER.CREATE.RESULTS.reads", `{"stream_name":"RESULTS","config":{"name":"reads","ack_policy":"none","mem_storage":true,"filter_subject":"results.paris.x"}}`)); err != nil {
		t.Fatal(err)
	}
	targets := []string{"agent.oslo.cmd", "agent.oslo.alive", "results.oslo.z", "audit.access", "access.admin", "access.rotate.anna", "access.rotate.oslo", "access.delegate.anna", "access.join",
		"gate.save.monitors.x", "gate.access.admin", "gate.settings.channel.x", "gate.told.deliveries.x.y", "gate.told.channels.x", "gate.lease.x",
		"$KV.alerting.channel.x", "$KV.control.notifier.x", "incidents.x", "troubles.disk.x", "notices.x.y", "deliveries.x.y", "channels.x", "notify.x.cmd", "keeper.position", "history.x.y", "$KV.monitors.x", "$KV.control.leader", "verdicts.x", "verdicts.agent.oslo", "judge.state.head", "$O.configs.C.x", "$JS.API.STREAM.PURGE.OBJ_configs", "$JS.API.STREAM.PURGE.RESULTS", "$JS.API.STREAM.DELETE.RESULTS"}
	for _, try := range tries {
		nc := who[try.role].connect(t, s)
		var sub *nats.Subscription
		if try.answers != nil {
			if sub, err = hostile.Subscribe(try.subject, try.answers); err != nil || hostile.Flush() != nil {
				t.Fatal(err)
			}
		}
		for _, target := range targets {
			m := message(try.subject, try.data)
			m.Reply = target
			if err := publish(nc, m); err != nil {
				t.Fatalf("%s: %v", try.what, err)
			}
		}
		// The same again, answered where we see it: what came before is through.
		nc.Request(try.subject, []byte(try.data), 2*time.Second)
		if sub != nil {
			sub.Unsubscribe()
		}
	}
	for _, nc := range []*nats.Conn{hostile, boss, spy} {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for {
		m, err := seen.NextMsg(200 * time.Millisecond)
		if err != nil {
			break
		}
		// Heartbeats and the lease are written by those who may, too.
		honest := strings.HasPrefix(string(m.Data), `{"agent":"oslo"`) || m.Subject == "$KV.control.leader" && strings.HasPrefix(string(m.Data), `{"id"`)
		if slices.Contains(targets, m.Subject) && !honest {
			t.Errorf("an answer became a request: %s %v %.80q", m.Subject, m.Header, m.Data)
		}
	}
	if after := states(t, js); !slices.Equal(after, before) {
		t.Errorf("streams were %v, and are %v", before, after)
	}
	for {
		m, err := asked.NextMsg(time.Millisecond)
		if err != nil {
			break
		}
		var q wire.NotifyCommand
		if json.Unmarshal(m.Data, &q) == nil && q.Op != "" || m.Reply != "" { // but for what another one gave back, which is none
			t.Errorf("a notifier was asked %.80q on %s", m.Data, m.Subject)
		}
	}
	if got := oslo(); got != "" {
		t.Errorf("oslo was made to run %s", got)
	}
}

func someKey(t *testing.T) string {
	_, public := natstest.NewKey(t)
	return public
}

// states are the streams that nobody may have written to.
func states(t *testing.T, js jetstream.JetStream) (out []string) {
	t.Helper()
	for _, name := range []string{"KV_" + wire.MonitorsBucket, "KV_" + wire.AlertingBucket, wire.IncidentsStream, wire.NoticesStream, wire.HistoryStream, "OBJ_" + wire.ConfigsBucket, wire.ResultsStream, wire.VerdictsStream, wire.AuditStream} {
		st, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := st.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		if err != nil {
			t.Fatal(err)
		}
		for subject, n := range info.State.Subjects {
			if subject == "results.paris.y" || subject == "audit.paris" { // what the agent may
				continue
			}
			out = append(out, fmt.Sprint(subject, n))
		}
		out = append(out, fmt.Sprint(name, info.State.FirstSeq))
	}
	slices.Sort(out)
	return out
}

// trusting is whose commands count for an identity, with the newest list, as the
// controller brings it.
func trusting(t *testing.T, a *access.Authority, dir string) *identity.Trust {
	t.Helper()
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := a.Trust()
	if err := trust.Take(list); err != nil {
		t.Fatal(err)
	}
	return trust
}

// introduce brings an agent the newest list of those whose commands count, as
// the controller does.
func introduce(t *testing.T, boss *nats.Conn, s natstest.Mesh, agent string) {
	t.Helper()
	list, _, _ := s.Trust()
	data, err := json.Marshal(wire.Command{Op: wire.OpTrust, Trust: &list})
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(boss, message("agent."+agent+".cmd", string(data))); err != nil {
		t.Fatal(err)
	}
}

// startAgent runs a real agent that joined, and returns a function that lists what it runs.
func startAgent(t *testing.T, s natstest.Mesh, name string) func() string {
	t.Helper()
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: wire.RoleAgent, Labels: map[string]string{"region": "eu"}}))
	opened := make(chan struct{}, 1)
	trust := trusting(t, s.Authority, dir)
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: name, Labels: map[string]string{"region": "us"}, State: t.TempDir(), Version: "0.0.1", Trust: trust, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Connect: func(more ...nats.Option) (*nats.Conn, error) {
			o, err := id.Options(dir)
			if err != nil {
				return nil, err
			}
			return nats.Connect(id.URL, append(o, more...)...)
		},
		Opened: func() {
			select {
			case opened <- struct{}{}:
			default:
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-opened:
	case err := <-ended:
		t.Fatal(err)
	}
	boss := s.As(t, access.Controller, "controller")
	return func() string {
		m, err := boss.Request("agent."+name+".cmd", []byte(`{"op":"list"}`), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var r wire.Reply
		if err := json.Unmarshal(m.Data, &r); err != nil || !r.OK {
			t.Fatalf("%s: %v", m.Data, err)
		}
		var names []string
		for _, m := range r.Monitors {
			names = append(names, m.Name)
		}
		return strings.Join(names, " ")
	}
}
