package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/lease"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/race"
	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// queued makes what the leading controller makes for a channel that was saved: the queue
// of its notices, and an incident with one.
func queued(t *testing.T, js jetstream.JetStream, channel, incident string) {
	t.Helper()
	_, err := js.CreateOrUpdateConsumer(t.Context(), wire.NoticesStream, jetstream.ConsumerConfig{Durable: channel, FilterSubject: "notices." + channel + ".*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: 1000, MaxDeliver: -1})
	if err == nil {
		_, err = js.Publish(t.Context(), "incidents."+incident, []byte(`{"id":"`+incident+`"}`))
	}
	if err == nil {
		_, err = js.Publish(t.Context(), "notices."+channel+"."+incident, []byte(`{"channel":"`+channel+`","incident":"`+incident+`","n":1}`))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestNotifier_DoesItsWork: by a key that joined, and as the one in the broker's own
// process, it has all that it needs.
func TestNotifier_DoesItsWork(t *testing.T) { notifies(t, natstest.StartSecure(t).Mesh) }

// TestNotifier_OnRealServers: so it does at servers that are not embedded.
func TestNotifier_OnRealServers(t *testing.T) {
	need.Time(t)
	if race.Enabled {
		t.Skip("these servers are built without the race detector: TestNotifier_DoesItsWork has it do the same")
	}
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := startStandalone(t, n)
			s.serve(t)
			notifies(t, s.mesh())
		})
	}
}

func notifies(t *testing.T, s natstest.Mesh) {
	t.Helper()
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	settings := savedIn(t, js, wire.AlertingBucket)
	olga, signer := s.Signing(t, wire.RoleOperator, "olga")
	if err := putSigned(olga, signer, settings.store, "$KV.alerting.channel.hook", "", strings.ReplaceAll(savedHook, "<me>", "olga"), 0); err != nil {
		t.Fatal(err)
	}
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "mail1", Role: wire.RoleNotifier}))
	byKey, err := connect(t, id, dir)
	if err != nil {
		t.Fatal(err)
	}
	built, err := s.Outside(wire.RoleNotifier, access.OwnNotifier)
	if err != nil {
		t.Fatal(err)
	}
	inProcess, err := nats.Connect(s.Address, built...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(inProcess.Close)
	for name, n := range map[string]struct {
		nc    *nats.Conn
		check func(subject, operation, accepted, proof string, data []byte) error
	}{"one": {byKey, identity.OperatorsOf(dir).CheckSaved}, "two": {inProcess, s.CheckSaved}} {
		t.Run(name, func(t *testing.T) {
			queued(t, js, "hook", name)
			works(t, n.nc, olga, name, n.check)
		})
	}
}

// works does all that a notifier does for the channel hook, about one incident.
func works(t *testing.T, nc, console *nats.Conn, incident string, check func(subject, operation, accepted, proof string, data []byte) error) {
	t.Helper()
	js := natstest.JetStream(t, nc)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	saved, err := tail.Open(ctx, js, "KV_"+wire.AlertingBucket, tail.From{Last: true})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Stop()
	m, _, err := saved.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(m.Subject, m.Header.Get("KV-Operation"), m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data); err != nil {
		t.Errorf("what olga saved: %v", err)
	}
	if err := check(m.Subject, "", m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), []byte(strings.Replace(string(m.Data), "example.org", "example.net", 1))); err == nil {
		t.Error("what was changed on its way counts")
	}

	kv, err := js.KeyValue(ctx, wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(ctx, wire.LeaderKey); err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("whether anybody leads: %v", err)
	}
	seen, err := console.SubscribeSync(wire.AllDeliveries)
	if err == nil {
		err = console.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Unsubscribe()
	err = lease.New(nc, kv, "notifier.hook").Run(ctx, func(l wire.Lease) { t.Errorf("%s has the lease", l.ID) }, func(ctx context.Context) error {
		asked, err := nc.Subscribe("notify.hook.cmd", func(m *nats.Msg) {
			if by, err := identity.ByServer(m); err != nil || by != (wire.Asker{Name: "olga", Role: wire.RoleOperator}) {
				t.Errorf("asked by %+v: %v", by, err)
			}
			m.Respond([]byte(`{"channel":"hook","outcome":"sent"}`))
		})
		if err != nil {
			return err
		}
		defer asked.Unsubscribe()
		if err := nc.Flush(); err != nil {
			return err
		}
		if r, err := console.RequestWithContext(ctx, "notify.hook.cmd", []byte(`{"op":"test","by":"olga"}`)); err != nil || !strings.Contains(string(r.Data), `"sent"`) {
			t.Errorf("try the channel: %v", err)
		}
		return sendOne(ctx, nc, js, incident)
	})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := seen.NextMsgWithContext(ctx); err != nil || d.Subject != "deliveries.hook."+incident {
		t.Errorf("a console hears of the delivery: %v", err)
	}
}

// sendOne takes the notice of an incident, and says that it is sent.
func sendOne(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, incident string) error {
	queue, err := js.Consumer(ctx, wire.NoticesStream, "hook")
	if err != nil {
		return err
	}
	batch, err := queue.Fetch(1, jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		return err
	}
	var notice jetstream.Msg
	for notice = range batch.Messages() {
	}
	if notice == nil {
		return errors.Join(errors.New("there is no notice"), batch.Error())
	}
	if err := notice.InProgress(); err != nil {
		return err
	}
	stream, err := js.Stream(ctx, wire.IncidentsStream)
	if err != nil {
		return err
	}
	if _, err := stream.GetLastMsgForSubject(ctx, "incidents."+incident); err != nil {
		return err
	}
	d := nats.NewMsg("deliveries.hook." + incident)
	d.Data = []byte(strings.ReplaceAll(strings.ReplaceAll(delivered, `"mail"`, `"hook"`), `"i1"`, `"`+incident+`"`))
	if _, err := retry.Publish(ctx, js, d); err != nil {
		return err
	}
	if err := nc.Publish("channels.hook", []byte(strings.ReplaceAll(status, `"mail"`, `"hook"`))); err != nil {
		return err
	}
	if err := notice.DoubleAck(ctx); err != nil {
		return err
	}
	info, err := queue.Info(ctx)
	if err == nil && (info.NumPending != 0 || info.NumAckPending != 0) {
		err = errors.New("the notice is still in the queue")
	}
	return err
}

// TestAttack_NotifierKey: whoever stole a notifier's key reaches neither incidents nor
// the controllers' lease by what the notifier may write.
func TestAttack_NotifierKey(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	for _, subject := range []string{"$KV.alerting.channel.mail", "incidents.i1", "incidents.i2", "$KV.control.leader"} {
		if err := ask(boss, message(subject, "{}")); err != nil {
			t.Fatal(err)
		}
	}
	who := actors(t, s.Mesh)
	thief := who[wire.RoleNotifier].connect(t, s.Mesh)
	for _, headers := range [][]string{
		{"Nats-Rollup", "all"},
		{"Nats-Rollup", "sub"},
		{"Nats-Batch-Id", "x", "Nats-Batch-Sequence", "1"},
		{"Nats-Batch-Id", "y", "Nats-Batch-Sequence", "1", "Nats-Batch-Commit", "1"},
		{"Nats-TTL", "1s"},
		{"Nats-Schedule", "@every 1s", "Nats-Schedule-Target", "incidents.i1"},
		{"KV-Operation", "PURGE"},
	} {
		if err := ask(thief, message("deliveries.mail.i1", delivered, headers...)); err != nil {
			t.Errorf("%v: %v", headers, err)
		}
	}
	stream, err := js.Stream(t.Context(), wire.IncidentsStream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil || info.State.Subjects["incidents.i1"] != 1 || info.State.Subjects["incidents.i2"] != 1 {
		t.Errorf("incidents are %v, %v", info.State.Subjects, err)
	}
	last, err := stream.GetLastMsgForSubject(t.Context(), "deliveries.mail.i1")
	if err != nil {
		t.Fatal(err)
	}
	for header := range last.Header { // what a direct get adds, and the id
		if !slices.Contains([]string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", "Nats-Msg-Id"}, header) {
			t.Errorf("a delivery is stored with %s", header)
		}
	}

	const over = "Nats-Expected-Last-Subject-Sequence"
	for _, headers := range [][]string{{over, "0", "Nats-Rollup", "all"}, {over, "0", "Nats-Rollup", "sub"}, {over, "0", "KV-Operation", "PURGE", "Nats-Rollup", "sub"}, {over, "x"}} {
		if err := ask(thief, message("$KV.control.notifier.mail", leased, headers...)); err == nil {
			t.Errorf("a lease with %v was taken", headers)
		}
	}
	kv, err := js.KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), wire.LeaderKey); err != nil {
		t.Errorf("the leader's lease: %v", err)
	}
}

// TestAttack_NotifierFlood: a stolen key cannot push incidents out of their stream.
func TestAttack_NotifierFlood(t *testing.T) {
	limits := broker.DefaultLimits()
	limits.ResultsBytes = 16 << 20
	s := natstest.StartSecureWith(t, natstest.Setup{Limits: limits})
	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	for _, subject := range []string{"$KV.alerting.channel.mail", "incidents.i1"} {
		if _, err := js.Publish(t.Context(), subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	thief := s.As(t, wire.RoleNotifier, "nick")
	full := strings.Replace(delivered, "{", `{"error":"`+strings.Repeat("x", 3000)+`",`, 1)
	if err := ask(thief, message("deliveries.mail.i1", strings.Replace(full, "xxx", strings.Repeat("x", 2000), 1))); err == nil || !strings.Contains(err.Error(), "bytes long") {
		t.Errorf("a long one: %v", err)
	}
	if _, err := retry.Publish(t.Context(), natstest.JetStream(t, thief), message("deliveries.mail.gone", strings.ReplaceAll(delivered, `"i1"`, `"gone"`))); !retry.Final(err) || !strings.Contains(err.Error(), "none has the id") {
		t.Errorf("of an incident that there never was: %v", err)
	}
	stream, err := js.Stream(t.Context(), wire.IncidentsStream)
	if err != nil {
		t.Fatal(err)
	}
	most := stream.CachedInfo().Config.MaxBytes
	var taken int64
	for err == nil && taken < most {
		if err = ask(thief, message("deliveries.mail.i1", full)); err == nil {
			taken += int64(len(full))
		}
	}
	if err == nil || !strings.Contains(err.Error(), "try again later") || taken > most/8 || taken < most/16 {
		t.Errorf("%d of %d bytes were taken: %v", taken, most, err)
	}
	if err := ask(thief, message("channels.mail", status)); err != nil {
		t.Errorf("how the channel is: %v", err)
	}
	if _, err := stream.GetLastMsgForSubject(t.Context(), "incidents.i1"); err != nil {
		t.Errorf("the incident: %v", err)
	}
}

// TestSettings_AreSavedAndAudited: what is saved has its author, the authority's word
// and a line of the audit; two that change the same revision cannot both.
func TestSettings_AreSavedAndAudited(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	settings := savedIn(t, js, wire.AlertingBucket)
	olga, signer := s.Signing(t, wire.RoleOperator, "olga")
	put := func(key, operation, data string, over uint64) error {
		return putSigned(olga, signer, settings.store, settings.prefix+key, operation, strings.ReplaceAll(data, "<me>", "olga"), over)
	}
	for _, step := range []struct{ key, operation, data string }{
		{"channel.hook", "", savedHook},
		{"rule.all", "", `{"name":"all","to":["hook"],"author":"<me>","change":"edit"}`},
		{"window.night", "", `{"name":"night","weekly":"Sun 02:00-04:00","author":"<me>"}`},
		{"group.shop", "", `{"name":"shop","of":["web"],"author":"<me>"}`},
		{"silence.s1", "", savedSilence},
		{"ack.i1", "", savedAck},
		{"ack.i1", "DEL", ""},
		{"silence.s1", "DEL", ""},
		{"channel.hook", "DEL", ""},
	} {
		if err := put(step.key, step.operation, step.data, settings.last(step.key)); err != nil {
			t.Errorf("%s %s: %v", step.operation, step.key, err)
		}
	}
	if err := put("rule.all", "", `{"name":"all","to":[],"author":"<me>"}`, 0); err == nil || !strings.Contains(err.Error(), "wrong last sequence") {
		t.Errorf("over another revision: %v", err)
	}
	for data, want := range map[string]string{
		`{"name":"all","to":["hook"],"author":"<me>","until":"x"}`:        "until",
		`{"name":"all","to":["hook"],"match":{"tag":{}},"author":"<me>"}`: "match.tag",
		`{"name":"all","to":["a b"],"wait":"1ms","author":"<me>"}`:        "wait",
	} {
		if err := put("rule.all", "", data, settings.last("rule.all")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a word about %s", data, err, want)
		}
	}
	stream, err := js.Stream(t.Context(), "KV_"+wire.AlertingBucket)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), "$KV.alerting.silence.s1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSaved(m.Subject, "DEL", m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data); err != nil {
		t.Errorf("a silence that was ended: %v", err)
	}
	want := []string{"olga channel-save hook true", "olga rule-save all true edit", "olga window-save night true", "olga group-save shop true", "olga silence s1 true", "olga ack i1 true on it",
		"olga unack i1 true", "olga silence-end s1 true", "olga channel-delete hook true", "olga rule-save all false"}
	var got []string
	defer func() {
		if t.Failed() {
			t.Logf("audit: %q", got)
		}
	}()
	until(t, "the audit has it", func() bool { got = audited(t, boss, "alerting"); return slices.Equal(got, want) })
}

// TestAdopt_Settings: what was saved before the mesh had identities counts.
func TestAdopt_Settings(t *testing.T) {
	s := natstest.StartSecure(t)
	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	kv, err := js.KeyValue(t.Context(), wire.AlertingBucket)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(&wire.NoticeRule{Name: "all", To: []string{"hook"}})
	if err == nil {
		_, err = kv.Put(t.Context(), "rule.all", data)
	}
	if err == nil {
		err = s.Adopt(t.Context(), js)
	}
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "KV_"+wire.AlertingBucket)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), "$KV.alerting.rule.all")
	if err != nil || m.Sequence != 2 || string(m.Data) != string(data) {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := s.CheckSaved(m.Subject, "", m.Header.Get(wire.AcceptedHeader), "", m.Data); err != nil {
		t.Error(err)
	}
}
