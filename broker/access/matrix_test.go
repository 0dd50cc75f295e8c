package access_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// columns of the matrix.
var columns = []wire.Role{wire.RoleAgent, wire.RoleViewer, wire.RoleOperator, wire.RoleAdmin, wire.RoleNotifier, inSession, nobody}

// deed is something to try, and who may.
type deed struct {
	what string
	may  []wire.Role
	do   func(a trier) error
}

// on is a broker within a test.
type on struct {
	natstest.Mesh
	T *testing.T
}

// trier is somebody who tries, connected.
type trier struct {
	*nats.Conn
	actor
	s                  on
	monitors, settings saved
}

// saved is a bucket that people save in.
type saved struct {
	prefix string                  // of the subjects of its keys
	store  string                  // its life
	last   func(key string) uint64 // revision
}

var (
	agents  = []wire.Role{wire.RoleAgent}
	people  = []wire.Role{wire.RoleViewer, wire.RoleOperator, wire.RoleAdmin}
	readers = append(slices.Clone(people), inSession)
	writers = []wire.Role{wire.RoleOperator, wire.RoleAdmin, inSession}
	admins  = []wire.Role{wire.RoleAdmin}
	senders = []wire.Role{wire.RoleNotifier}
	none    []wire.Role
)

func asks(subject, data string, headers ...string) func(trier) error {
	return func(a trier) error {
		return ask(a.Conn, message(strings.ReplaceAll(subject, "<me>", a.nats()), strings.ReplaceAll(data, "<me>", a.nats()), headers...))
	}
}

// signs is asks, signed by who asks.
func signs(subject, data string) func(trier) error {
	return func(a trier) error {
		return askSigned(a.Conn, a.signer(), strings.ReplaceAll(subject, "<me>", a.nats()), strings.ReplaceAll(data, "<me>", a.nats()))
	}
}

// saves writes a saved monitor, signed by who saves it.
func saves(key, operation, data string, headers ...string) func(trier) error {
	return func(a trier) error {
		return a.put(a.monitors, key, operation, data, headers...)
	}
}

// put saves, signed, over what is there.
func (a trier) put(in saved, key, operation, data string, headers ...string) error {
	return putSigned(a.Conn, a.signer(), in.store, in.prefix+key, operation, strings.ReplaceAll(data, "<me>", a.name), in.last(key), headers...)
}

// ahead saves over the revision that is there, signed for the next one.
func (a trier) ahead(in saved, key, data string) error {
	m := message(in.prefix+key, strings.ReplaceAll(data, "<me>", a.name), "Nats-Expected-Last-Subject-Sequence", fmt.Sprint(in.last(key)))
	if a.signer() != nil {
		proof, err := a.signer().Sign(m.Subject, "", m.Data, wire.Proof{Store: in.store, Revision: in.last(key) + 1})
		if err != nil {
			return err
		}
		m.Header.Set(wire.ProofHeader, proof)
	}
	return ask(a.Conn, m)
}

// asksForged asks with a header block that the server does not mend: nats-server
// takes a client's own line away only after CR LF, and nats.go reads on after a
// bare LF, and to the first empty line only.
func asksForged(subject, data, block string) func(trier) error {
	return func(a trier) error {
		r := connectRaw(a.s.T, a.s.Mesh, a.actor)
		defer r.conn.Close()
		prefix := map[wire.Role]string{wire.RoleAgent: "_INBOX_" + a.name, nobody: access.JoinInbox}[a.role]
		inbox := cmp.Or(prefix, access.ConsoleInbox+"."+a.nats()) + ".forged"
		r.sub(inbox)
		r.hpub(subject, inbox, block, data)
		if err := r.flushKeep(); err != nil {
			return err
		}
		m := r.next()
		answer := nats.NewMsg("x")
		answer.Data = []byte(m.Data)
		if strings.Contains(m.Header, "503") {
			return errors.New(m.Header)
		}
		return says(answer)
	}
}

func sends(subject, data string, headers ...string) func(trier) error {
	return func(a trier) error {
		return publish(a.Conn, message(strings.ReplaceAll(subject, "<me>", a.nats()), data, headers...))
	}
}

func hears(subject string) func(trier) error {
	return func(a trier) error { return subscribe(a.Conn, strings.ReplaceAll(subject, "<me>", a.nats())) }
}

// makes tries to make a consumer; config is more of its settings.
func makes(stream, config string) func(trier) error {
	return asks("$JS.API.CONSUMER.CREATE."+stream, `{"stream_name":"`+stream+`","config":{"ack_policy":"none","mem_storage":true,"inactive_threshold":5000000000`+config+`}}`)
}

const (
	savedWeb = `{"name":"web","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","agents":["nowhere"],"author":"<me>"}`
	startX   = `{"op":"start","monitors":[{"name":"x","kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s"}]}`
	forged   = `{"acc":"X","name_tag":"anna","tags":["role:admin"]}`
)

// forgedBlocks are header blocks by which the server's word on the sender was
// once made up, each as wire.CallerHeader with the name of an admin.
var forgedBlocks = map[string]string{
	"a line after a bare LF":  "NATS/1.0\r\nX: y\nNats-Request-Info: " + forged + "\r\n\r\n",
	"an end before the end":   "NATS/1.0\r\nNats-Request-Info: " + forged + "\n\nZ: z\r\n\r\n",
	"both":                    "NATS/1.0\r\nX: y\nNats-Request-Info: " + forged + "\n\nZ: z\r\n\r\n",
	"a line that is indented": "NATS/1.0\r\nX: y\n Nats-Request-Info: " + forged + "\r\n\r\n",
}

func makesNamed(stream, name, config string) func(trier) error {
	return asks("$JS.API.CONSUMER.CREATE."+stream+"."+name, `{"stream_name":"`+stream+`","config":{"name":"`+name+`","ack_policy":"none"`+config+`}}`)
}

// deeds is all that is tried, by each role. <me> is the name of who tries;
// oslo is another agent, and paris the one that the role agent is.
func deeds(t *testing.T) []deed {
	_, key := natstest.NewKey(t)
	list := []deed{
		{"store a result of its own (`results.<me>.web`)", agents, asks("results.<me>.web", "{}")},
		{"store a result of another agent (`results.oslo.web`)", none, asks("results.oslo.web", "{}")},
		{"send its own heartbeat (`agent.<me>.alive`)", agents, sends("agent.<me>.alive", "{}")},
		{"send another agent's heartbeat (`agent.oslo.alive`)", none, sends("agent.oslo.alive", "{}")},
		{"take its own commands (`agent.<me>.cmd`)", agents, hears("agent.<me>.cmd")},
		{"take another agent's commands (`agent.oslo.cmd`)", none, hears("agent.oslo.cmd")},
		{"take all agents' commands (`agent.*.cmd`)", none, hears("agent.*.cmd")},
		{"ask an agent who it is and what it runs (`info`, `list` on `agent.oslo.cmd`)", writers, asks("agent.oslo.cmd", `{"op":"info"}`)},
		{"command an agent (`start` on `agent.oslo.cmd`), signed", writers, signs("agent.oslo.cmd", startX)},
		{"command it without a signature", none, asks("agent.oslo.cmd", startX)},
		{"have it measure once without a signature (`probe`)", none, asks("agent.oslo.cmd", strings.Replace(startX, "start", "probe", 1))},
		{"have it run a monitor once more without a signature (`run`)", none, asks("agent.oslo.cmd", `{"op":"run","names":["x"]}`)},
		{"command it by what was signed for another agent", none, replays("agent.rome.cmd", "agent.oslo.cmd", startX)},
		{"give it another list of those whose commands count (`trust`)", none, asks("agent.oslo.cmd", `{"op":"trust","trust":{"operator":"","trust":"{\"number\":9000000000000000}","signature":""}}`)},
		{"ask itself, and so say where it may publish (`agent.<me>.cmd`)", none, asks("agent.<me>.cmd", `{"op":"info"}`)},
		{"ask who has its id (`access.claim.<me>`)", agents, asks("access.claim.<me>", `{"op":"info"}`)},
		{"ask who has another id (`access.claim.oslo`)", none, asks("access.claim.oslo", `{"op":"info"}`)},
		{"tap results as they come (`results.>`)", readers, hears("results.>")},
		{"tap verdicts as they come (`verdicts.>`)", readers, hears("verdicts.>")},
		{"say how a monitor is (`verdicts.web`)", none, asks("verdicts.web", "{}")},
		{"say how an agent is (`verdicts.agent.<me>`)", none, asks("verdicts.agent.<me>", "{}")},
		{"say that nobody is heard (`verdicts.mesh.broker`)", none, asks("verdicts.mesh.broker", "{}")},
		{"say where a monitor is placed (`verdicts.placement.web`)", none, asks("verdicts.placement.web", `{"monitor":"web","revision":1,"want":1,"agents":["<me>"],"n":9}`)},
		{"say so in the place of all that was said before", none, asks("verdicts.web", "{}", "Nats-Rollup", "all")},
		{"write what the judge goes on from (`judge.state.head`)", none, asks("judge.state.head", "{}")},
		{"begin a batch of it", none, asks("judge.state.0.0", "{}", "Nats-Batch-Id", "x", "Nats-Batch-Sequence", "1", "Nats-Batch-Commit", "1")},
		{"tap what the judge goes on from (`judge.>`)", none, hears("judge.>")},
		{"read the verdict on a monitor", readers, asks("$JS.API.DIRECT.GET.VERDICTS.verdicts.web", "")},
		{"follow verdicts (a consumer of `VERDICTS`)", readers, makes("VERDICTS", "")},
		{"push what is read to `verdicts.web`", none, makes("RESULTS", `,"deliver_subject":"verdicts.web"`)},
		{"tap heartbeats (`agent.*.alive`)", readers, hears("agent.*.alive")},
		{"find agents (`$SRV.PING`)", readers, asks("$SRV.PING", "")},
		{"read the last stored result of agent paris", append(slices.Clone(agents), readers...), asks("$JS.API.DIRECT.GET.RESULTS.results.paris.web", "")},
		{"read the last stored result of agent oslo", readers, asks("$JS.API.DIRECT.GET.RESULTS.results.oslo.web", "")},
		{"read any stored result (`$JS.API.DIRECT.GET.RESULTS`)", readers, asks("$JS.API.DIRECT.GET.RESULTS", `{"last_by_subj":"results.oslo.web"}`)},
		{"read by number (`$JS.API.STREAM.MSG.GET.RESULTS`)", readers, asks("$JS.API.STREAM.MSG.GET.RESULTS", `{"last_by_subj":"results.oslo.web"}`)},
		{"follow results (a consumer of `RESULTS`)", readers, makes("RESULTS", "")},
		{"follow heartbeats (of `AGENTS`)", readers, makes("AGENTS", "")},
		{"follow saved monitors (of `KV_monitors`)", readers, makes("KV_monitors", "")},
		{"follow saved configurations (of `OBJ_configs`)", readers, makes("OBJ_configs", "")},
		{"follow the audit (of `AUDIT`)", writers, makes("AUDIT", "")},
		{"read a saved monitor (`$KV.monitors.web`)", readers, asks("$JS.API.DIRECT.GET.KV_monitors.$KV.monitors.web", "")},
		{"push what is read to its own inbox", readers, makes("RESULTS", `,"deliver_subject":"_INBOX.<me>.x"`)},
		{"save a monitor (`$KV.monitors.web`), signed", writers, saves("web", "", savedWeb)},
		{"save it without a signature", none, asks("$KV.monitors.web", savedWeb, "Nats-Expected-Last-Subject-Sequence", "0")},
		{"save it in another's name", none, saves("web", "", strings.ReplaceAll(savedWeb, "<me>", "oslo"))},
		{"save it over a revision that it was not signed for", none, func(a trier) error { return a.ahead(a.monitors, "web", savedWeb) }},
		{"delete a saved monitor, signed", writers, saves("web", "DEL", "")},
		{"delete it without a signature", none, asks("$KV.monitors.web", "", "KV-Operation", "DEL", "Nats-Expected-Last-Subject-Sequence", "0")},
		{"wipe a saved monitor's history (`KV-Operation: PURGE`)", none, saves("web", "PURGE", "", "Nats-Rollup", "sub")},
		{"wipe it by a roll-up of a deletion", none, saves("web", "DEL", "", "Nats-Rollup", "all")},
		{"save a monitor as what others take for a deletion (`KV-Operation: PUT`)", none, saves("web", "PUT", savedWeb)},
		{"save what is no monitor", none, saves("web", "", "{}")},
		{"save a monitor under another key", none, saves("other", "", savedWeb)},
		{"save a configuration (`$O.configs.C.x`)", writers, asks("$O.configs.C.x", "{}")},
		{"take over the controller's lease (`$KV.control.leader`)", none, asks("$KV.control.leader", "{}")},
		{"say how far the files of the controller are saved (`$KV.control.files`)", none, asks("$KV.control.files", "{}")},
		{"save a monitor in the name of the controller", none, saves("web", "", strings.ReplaceAll(savedWeb, "<me>", "controller"))},
		{"write its own line of the audit (`audit.<me>`)", agents, asks("audit.<me>", "{}")},
		{"write another line of the audit (`audit.access`)", none, asks("audit.access", "{}")},
		{"change its own key (`access.rotate.<me>`)", slices.Concat(agents, people, senders), func(a trier) error {
			_, own := natstest.NewKey(t)
			return signs("access.rotate.<me>", `{"key":"`+own+`"}`)(a)
		}},
		{"change its own key without a signature", none, asks("access.rotate.<me>", `{"key":"`+key+`"}`)},
		{"change another's key (`access.rotate.oslo`)", none, signs("access.rotate.oslo", `{"key":"`+key+`"}`)},
		{"let a key act in its name for a while (`access.delegate.<me>`)", people, delegates("access.delegate.<me>", wire.RoleViewer)},
		{"let a key act as an operator", []wire.Role{wire.RoleOperator, wire.RoleAdmin}, delegates("access.delegate.<me>", wire.RoleOperator)},
		{"let a key act as an admin", none, delegates("access.delegate.<me>", wire.RoleAdmin)},
		{"let a key act in another's name (`access.delegate.oslo`)", none, delegates("access.delegate.oslo", wire.RoleViewer)},
		{"let a key act in its name without a signature", none, asks("access.delegate.<me>", `{"op":"open","key":"`+key+`","role":"viewer","for":"1h"}`)},
		{"let somebody in, list, shut out (`access.admin`), signed", admins, signs("access.admin", `{"op":"list"}`)},
		{"the same without a signature", none, asks("access.admin", `{"op":"list"}`)},
		{"come to the gates around the broker (`gate.>`)", none, sends("gate.access.admin", `{"op":"list"}`)},
		{"join without a token (`access.join`)", none, asks("access.join", `{"token":"guess","key":"`+key+`"}`)},
		{"answer for the broker (subscribe `access.>`)", none, hears("access.>")},
		{"subscribe to everything (`>`)", none, hears(">")},
		{"see another's inbox (`_INBOX.local.>`)", none, hears("_INBOX.local.>")},
		{"see the inbox of the operator olga, whose session the column is about (`_INBOX.olga.>`)", []wire.Role{wire.RoleOperator}, hears("_INBOX.olga.>")},
		{"see all consoles' inboxes (`_INBOX.>`)", none, hears("_INBOX.>")},
		{"see another agent's inbox (`_INBOX_oslo.>`)", none, hears("_INBOX_oslo.>")},
		{"see the controller's inbox (`_INBOX_controller.>`)", none, hears("_INBOX_controller.>")},
		{"see answers on their way (`_R_.>`)", none, hears("_R_.>")},
		{"watch the servers (`$SYS.>`)", none, hears("$SYS.>")},
		{"ask the servers (`$SYS.REQ.SERVER.PING`)", none, asks("$SYS.REQ.SERVER.PING", "")},
		{"replace accounts (`$SYS.REQ.CLAIMS.UPDATE`)", none, asks("$SYS.REQ.CLAIMS.UPDATE", "")},
		{"watch JetStream's events (`$JS.EVENT.>`)", none, hears("$JS.EVENT.>")},
		{"make a durable consumer by its old name", none, asks("$JS.API.CONSUMER.DURABLE.CREATE.RESULTS.keep", `{"stream_name":"RESULTS","config":{"durable_name":"keep"}}`)},
		{"make a durable consumer", none, makes("RESULTS", `,"durable_name":"keep"`)},
		{"make a consumer that stays for days: it stays for minutes", readers, makes("RESULTS", `,"inactive_threshold":864000000000000`)},
		{"change the controller's consumer", none, makesNamed("RESULTS", "keeps", "")},
		{"make a consumer of another stream than the subject says", none, asks("$JS.API.CONSUMER.CREATE.RESULTS", `{"stream_name":"AUDIT","config":{}}`)},
		{"lead a controller's consumer on (`$JS.API.CONSUMER.PAUSE`)", none, asks("$JS.API.CONSUMER.PAUSE.RESULTS.x", "{}")},
	}
	list = append(list, alertingDeeds()...)
	list = append(list, historyDeeds()...)
	for _, to := range []string{"$KV.monitors.web", "$KV.alerting.channel.hook", "notify.mail.cmd", "deliveries.mail.i1", "incidents.i1", "agent.paris.cmd", "results.oslo.web", "_INBOX.local.x", "_INBOX.<me>.*", "audit.access", "$O.configs.C.x", "access.admin", "_R_.x"} {
		list = append(list, deed{"push what is read to `" + to + "`", none, makes("RESULTS", `,"deliver_subject":"`+to+`"`)})
	}
	for _, stream := range []string{"RESULTS", "VERDICTS", "AUDIT", "KV_monitors", "KV_alerting", "INCIDENTS", "NOTICES", "HISTORY"} {
		for _, op := range []string{"UPDATE", "DELETE", "PURGE", "SNAPSHOT", "MSG.DELETE"} {
			data := ""
			switch op {
			case "UPDATE":
				data = `{"name":"` + stream + `","subjects":["x"]}`
			case "MSG.DELETE":
				data = `{"seq":1}`
			case "SNAPSHOT":
				data = `{"deliver_subject":"_INBOX.<me>.x"}`
			}
			list = append(list, deed{"`$JS.API.STREAM." + op + "." + stream + "`", none, asks("$JS.API.STREAM."+op+"."+stream, data)})
		}
	}
	for _, how := range slices.Sorted(maps.Keys(forgedBlocks)) {
		block := forgedBlocks[how]
		list = append(list,
			deed{"command an agent as the admin anna, by " + how + " in the headers", none, asksForged("agent.oslo.cmd", startX, block)},
			deed{"let somebody in as the admin anna, by " + how, none, asksForged("access.admin", `{"op":"token","name":"thief","role":"admin"}`, block)},
			deed{"save a monitor as the admin anna, by " + how, none, asksForged("$KV.monitors.web", strings.ReplaceAll(savedWeb, "<me>", "anna"), block)},
			deed{"save a channel as the admin anna, by " + how, none, asksForged("$KV.alerting.channel.hook", strings.ReplaceAll(savedHook, "<me>", "anna"), block)})
	}
	return append(list,
		deed{"make a stream (`$JS.API.STREAM.CREATE`)", none, asks("$JS.API.STREAM.CREATE.MINE", `{"name":"MINE","subjects":["agent.*.cmd"]}`)},
		deed{"empty the saved configurations (`$JS.API.STREAM.PURGE.OBJ_configs`)", writers, asks("$JS.API.STREAM.PURGE.OBJ_configs", `{"filter":"$O.configs.C.x"}`)},
		deed{"list streams (`$JS.API.STREAM.LIST`)", readers, asks("$JS.API.STREAM.LIST", "")},
	)
}

// TestAttack_Matrix tries every deed in every role over TLS, and writes down
// in docs/security.md what is so.
func TestAttack_Matrix(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	checkDoc(t, "matrix", tryAll(t, s.Mesh))
}

// tryAll tries every deed in every role, and returns the table of what is so.
func tryAll(t *testing.T, s natstest.Mesh) string {
	t.Helper()
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	runs := startAgent(t, s, "oslo")
	for _, subject := range []string{"results.oslo.web", "verdicts.web", "incidents.i1", "$KV.alerting.channel.mail", "history.web.oslo"} {
		if err := ask(boss, message(subject, "{}")); err != nil {
			t.Fatal(err)
		}
	}
	monitors, settings := savedIn(t, js, wire.MonitorsBucket), savedIn(t, js, wire.AlertingBucket)
	notify(t, s, js)
	answerHistory(t, boss, `{"ok":true}`)
	if _, err := js.CreateConsumer(t.Context(), "RESULTS", jetstream.ConsumerConfig{Name: "keeps", AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Hour}); err != nil {
		t.Fatal(err)
	}
	kept := streams(t, js)
	who := actors(t, s)
	who[inSession] = sessionActor(t, s, who[wire.RoleOperator])
	introduce(t, boss, s, "oslo")
	var table strings.Builder
	table.WriteString("| what | agent | viewer | operator | admin | notifier | session of an operator | no identity |\n|---|---|---|---|---|---|---|---|\n")
	for _, d := range deeds(t) {
		fmt.Fprintf(&table, "| %s |", d.what)
		for _, role := range columns {
			a := who[role]
			nc := a.connect(t, s)
			err := d.do(trier{nc, a, on{s, t}, monitors, settings})
			nc.Close()
			if may := slices.Contains(d.may, role); may != (err == nil) {
				t.Errorf("%s, as %s: may is %v, got %v", d.what, role, may, err)
			}
			table.WriteString(map[bool]string{true: " **yes** |", false: " no |"}[err == nil])
		}
		table.WriteString("\n")
	}
	if now := streams(t, js); !slices.Equal(now, kept) {
		t.Errorf("streams were %v, and are %v", kept, now)
	}
	kv, err := js.KeyValue(t.Context(), wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	history, err := kv.History(t.Context(), "web")
	if err != nil || len(history) != 6 { // saved and deleted by two, and by a session of one
		t.Fatalf("%d revisions, %v", len(history), err)
	}
	for i, want := range []string{"olga", "anna", "olga"} {
		if got, want := string(history[i].Value()), strings.ReplaceAll(savedWeb, "<me>", want); got != want {
			t.Errorf("revision %d is %s, want exactly %s", i, got, want)
		}
	}
	if got := runs(); got != "x" { // by two, who may
		t.Errorf("oslo was made to run %q", got)
	}
	return table.String()
}

// bucket names the life of the bucket of saved monitors, and returns a function that says
// the revision of one.
func bucket(t *testing.T, js jetstream.JetStream) (store string, last func(name string) uint64) {
	t.Helper()
	in := savedIn(t, js, wire.MonitorsBucket)
	return in.store, in.last
}

// savedIn is what is known about a bucket that people save in.
func savedIn(t *testing.T, js jetstream.JetStream, name string) saved {
	t.Helper()
	stream, err := js.Stream(t.Context(), "KV_"+name)
	if err != nil {
		t.Fatal(err)
	}
	prefix := "$KV." + name + "."
	return saved{prefix, wire.StoreID(stream.CachedInfo().Created), func(key string) uint64 {
		m, err := stream.GetLastMsgForSubject(t.Context(), prefix+key)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		return m.Sequence
	}}
}

// replays sends to one subject what was signed for another.
func replays(of, to, data string) func(trier) error {
	return func(a trier) error {
		m := message(to, data)
		if signer := a.signer(); signer != nil {
			challenge := ""
			if r, err := exchange(a.Conn, message(to, `{"op":"info"}`)); err == nil {
				var reply wire.Reply
				if json.Unmarshal(r.Data, &reply) == nil && reply.Info != nil {
					challenge = reply.Info.Challenge
				}
			}
			proof, err := signer.SignRequest(of, challenge, m.Data)
			if err != nil {
				return err
			}
			m.Header.Set(wire.ProofHeader, proof)
		}
		return ask(a.Conn, m)
	}
}

func streams(t *testing.T, js jetstream.JetStream) (names []string) {
	t.Helper()
	list := js.ListStreams(t.Context())
	for info := range list.Info() {
		names = append(names, fmt.Sprint(info.Config.Name, info.Config.Subjects))
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	slices.Sort(names)
	return names
}

// checkDoc compares a part of docs/security.md, or rewrites it.
func checkDoc(t *testing.T, name, text string) {
	t.Helper()
	const path = "../../docs/security.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok1 := bytes.Cut(doc, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		t.Fatalf("%s lacks the markers of %s", path, name)
	}
	made := []byte(string(before) + begin + text + end + string(after))
	if bytes.Equal(made, doc) {
		return
	}
	if !*update || t.Failed() {
		t.Errorf("%s differs from what is so; rewrite it with go test ./broker/access -update", path)
		return
	}
	if err := os.WriteFile(path, made, 0o644); err != nil {
		t.Fatal(err)
	}
}
