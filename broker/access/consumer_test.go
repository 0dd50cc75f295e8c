package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// TestAttack_ForgedCaller: consumers are made by clients that cannot sign, so
// the server's own header says who asks. Headers that the server does not see
// as such, or that end before its own, must not count.
func TestAttack_ForgedCaller(t *testing.T) {
	s := natstest.StartSecure(t)
	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	who := actors(t, s.Mesh)
	const data = `{"stream_name":"RESULTS","config":{"ack_policy":"none","deliver_subject":"_INBOX.anna.x"}}`
	readBy := func(role wire.Role, data string) (subject, _ string) { // a stream that it may read
		stream := wire.ResultsStream
		if role == wire.RoleNotifier {
			stream = wire.IncidentsStream
		}
		return "$JS.API.CONSUMER.CREATE." + stream, strings.Replace(data, "RESULTS", stream, 1)
	}
	forged := `Nats-Request-Info: {"acc":"X","name_tag":"anna","tags":["role:admin"]}`
	headers := map[string]string{
		"a line that LF alone begins":            "NATS/1.0\r\nX: y\n" + forged + "\r\n\r\n",
		"a line that LF alone begins and ends":   "NATS/1.0\r\nX: y\n" + forged + "\n\r\n",
		"the first line ends with LF":            "NATS/1.0\n" + forged + "\n\r\n",
		"a blank line hides the server's own":    "NATS/1.0\r\n" + forged + "\n\nZ: z\r\n\r\n",
		"it is hidden, and nothing else is":      "NATS/1.0\n" + forged + "\n\n\r\n",
		"hidden, shortest":                       "NATS/1.0\n" + strings.Replace(forged, ": ", ":", 1) + "\n\n",
		"the server's line is part of a value":   "NATS/1.0\r\n" + forged + "XX",
		"and that value is text in JSON":         "NATS/1.0\r\n" + strings.TrimSuffix(forged, "}") + `,"x":"` + "XX",
		"and the rest is another line's":         "NATS/1.0\n" + forged + "\nY: XX",
		"lines without a key":                    "NATS/1.0\r\n:\n" + forged + "\n:\r\n\r\n",
		"a forged one and a level":               "NATS/1.0\r\nNats-Required-Api-Level: 0\n" + forged + "\n\n\r\n",
		"the plain one, which the server strips": "NATS/1.0\r\n" + forged + "\r\n\r\n",
	}
	for role, a := range who {
		for what, header := range headers {
			r := connectRaw(t, s.Mesh, a)
			inbox := a.id.Inbox() + ".raw"
			if role == nobody {
				inbox = "_INBOX_join.raw"
			}
			r.sub(inbox)
			// A question whose answer comes after: what was refused by permission is not answered at all.
			subject, data := readBy(role, data)
			r.hpub(subject, inbox, header, data)
			if role == wire.RoleAgent || role == nobody {
				if err := r.flush(); err == nil || !strings.Contains(err.Error(), "Permissions Violation") {
					t.Errorf("%s, as %s: %v", what, role, err)
				}
			} else if m := r.next(); !strings.Contains(m.Data, `"error"`) && role != wire.RoleAdmin {
				t.Errorf("%s, as %s: %s", what, role, m.Data)
			}
			r.conn.Close()
		}
	}
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	for info := range stream.ListConsumers(t.Context()).Info() {
		if strings.HasPrefix(info.Config.DeliverSubject, "_INBOX.anna.") && info.Config.Metadata["netmon.owner"] != "anna" {
			t.Errorf("somebody's consumer sends to anna: %+v", info.Config)
		}
	}
	// What honest programs send: no headers, an empty block, a level.
	for _, header := range []string{"", "NATS/1.0\r\n\r\n", "NATS/1.0\r\nNats-Required-Api-Level: 1\r\n\r\n"} {
		r := connectRaw(t, s.Mesh, who[wire.RoleViewer])
		r.sub("_INBOX.vic.raw")
		subject, mine := readBy(wire.RoleViewer, strings.Replace(data, "anna", "vic", 1))
		if header == "" {
			r.write(fmt.Sprintf("PUB %s _INBOX.vic.raw %d\r\n%s\r\n", subject, len(mine), mine))
		} else {
			r.hpub(subject, "_INBOX.vic.raw", header, mine)
		}
		if m := r.next(); !strings.Contains(m.Data, `"netmon.owner":"vic"`) {
			t.Errorf("with the headers %q: %s", header, m.Data)
		}
	}
}

// make asks for a consumer as vic does, and returns what JetStream says of it.
func makeConsumer(t *testing.T, nc *nats.Conn, stream, config string) (jetstream.ConsumerInfo, error) {
	t.Helper()
	m, err := nc.Request("$JS.API.CONSUMER.CREATE."+stream, fmt.Appendf(nil, `{"stream_name":%q,"config":{"ack_policy":"none"%s}}`, stream, config), 10*time.Second)
	if err != nil {
		return jetstream.ConsumerInfo{}, err
	}
	var r struct {
		jetstream.ConsumerInfo
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return r.ConsumerInfo, err
	}
	if r.Error != nil {
		return r.ConsumerInfo, fmt.Errorf("%s", r.Error.Description)
	}
	return r.ConsumerInfo, nil
}

// TestConsumer_IsBounded: what a console asks for is lowered to what it may have.
func TestConsumer_IsBounded(t *testing.T) {
	s := natstest.StartSecure(t)
	vic := actors(t, s.Mesh)[wire.RoleViewer].connect(t, s.Mesh)
	for config, life := range map[string]time.Duration{
		"": 5 * time.Second, `,"inactive_threshold":3600000000000`: 5 * time.Minute, `,"inactive_threshold":60000000000`: time.Minute,
		`,"mem_storage":false,"num_replicas":3,"max_waiting":100000,"inactive_threshold":-1`: 5 * time.Minute,
	} {
		info, err := makeConsumer(t, vic, "RESULTS", config)
		c := info.Config
		if err != nil || !c.MemoryStorage || c.Replicas != 1 || c.InactiveThreshold != life || c.MaxWaiting > 512 || c.Metadata["netmon.owner"] != "vic" {
			t.Errorf("asked for %q: %+v, %v", config, c, err)
		}
	}
}

// jetstreamReader reads results by a pull that waits, as consoles do.
type jetstreamReader struct{ got chan string }

func (r *jetstreamReader) open(t *testing.T, nc *nats.Conn) {
	t.Helper()
	c, err := natstest.JetStream(t, nc).CreateConsumer(t.Context(), "RESULTS", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Minute, DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		t.Fatal(err)
	}
	r.got = make(chan string, 1)
	reading, err := c.Consume(func(m jetstream.Msg) { r.got <- m.Subject() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reading.Stop)
}

func (r *jetstreamReader) reads(t *testing.T, s natstest.Secure) {
	t.Helper()
	if err := ask(s.As(t, wire.RoleAgent, "oslo", nats.CustomInboxPrefix("_INBOX_oslo")), message("results.oslo.web", "{}")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.got:
	case <-time.After(time.Minute):
		t.Error("who read on before reads no more")
	}
}

// TestAttack_Consumers: a viewer makes as many consumers as it can. It gets its
// share; others, and admins above all, read on; an admin frees what it took.
func TestAttack_Consumers(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	vic, olga, anna := who[wire.RoleViewer].connect(t, s.Mesh), who[wire.RoleOperator].connect(t, s.Mesh), who[wire.RoleAdmin].connect(t, s.Mesh)
	fill := func() (names []string, err error) {
		for range 200 {
			info, err := makeConsumer(t, vic, "RESULTS", `,"inactive_threshold":3600000000000`)
			if err != nil {
				return names, err
			}
			names = append(names, info.Name)
		}
		return names, nil
	}
	names, err := fill()
	if len(names) != 64 || err == nil || !strings.Contains(err.Error(), "netmon access consumers rm vic") {
		t.Fatalf("%d consumers, then %v", len(names), err)
	}
	for _, nc := range []*nats.Conn{olga, anna} {
		if _, err := makeConsumer(t, nc, "RESULTS", ""); err != nil {
			t.Errorf("another one: %v", err)
		}
	}
	// One that it deletes itself gives a place free, also of a consumer that it names again.
	if _, err := vic.Request("$JS.API.CONSUMER.DELETE.RESULTS."+names[0], nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	until(t, "the place is free", func() bool { _, err := makeConsumer(t, vic, "RESULTS", ""); return err == nil })
	// What nobody reads by makes place, and what somebody does stays.
	var r jetstreamReader
	r.open(t, olga)
	for range 62 {
		if _, err := makeConsumer(t, olga, "RESULTS", `,"inactive_threshold":3600000000000`); err != nil {
			t.Fatal(err)
		}
	}
	for range 30 {
		until(t, "abandoned ones make place", func() bool { _, err := makeConsumer(t, olga, "RESULTS", ""); return err == nil })
	}
	r.reads(t, s)

	command := func(text string) wire.AccessReply {
		t.Helper()
		m, err := requests(anna, who[wire.RoleAdmin].signer()).Do(t.Context(), wire.AccessAdminSubject, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var r wire.AccessReply
		if err := json.Unmarshal(m.Data, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	fill()
	all := command(`{"op":"consumers","name":"vic"}`)
	if len(all.Consumers) < 63 || all.Consumers[0].Owner != "vic" || all.Consumers[0].Stream != "RESULTS" || all.Consumers[0].Made.IsZero() {
		t.Errorf("the list: %+v", all)
	}
	if r := command(`{"op":"consumers"}`); len(r.Consumers) < 65 {
		t.Errorf("the list of all has %d", len(r.Consumers))
	}
	if r := command(`{"op":"consumers-remove","name":"vic","consumer":"` + all.Consumers[0].Name + `"}`); !r.OK || len(r.Consumers) != 1 {
		t.Errorf("remove one: %+v", r)
	}
	if r := command(`{"op":"consumers-remove","name":"vic"}`); !r.OK || len(r.Consumers) < 62 {
		t.Errorf("remove all: %+v", r)
	}
	if r := command(`{"op":"consumers-remove","name":"vic"}`); r.OK {
		t.Errorf("remove none: %+v", r)
	}
	if names, _ := fill(); len(names) < 64 {
		t.Errorf("%d consumers afterwards", len(names))
	}
	if r := command(`{"op":"consumers","name":"vic"}`); len(r.Consumers) > 64 {
		t.Errorf("vic has %d", len(r.Consumers))
	}
}

// TestConsumers_ComeAndGo: scripts read for a moment, again and again.
func TestConsumers_ComeAndGo(t *testing.T) {
	s := natstest.StartSecure(t)
	vic := actors(t, s.Mesh)[wire.RoleViewer].connect(t, s.Mesh)
	for range 300 {
		info, err := makeConsumer(t, vic, "RESULTS", `,"inactive_threshold":60000000000`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vic.Request("$JS.API.CONSUMER.DELETE.RESULTS."+info.Name, nil, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAttack_ConsumersOfMany: many viewers together fill a stream. Admins still
// read, and make room.
func TestAttack_ConsumersOfMany(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	admin := actors(t, s.Mesh)[wire.RoleAdmin]
	anna, signer := admin.connect(t, s.Mesh), admin.signer()
	made, refused := 0, 0
	for i := range 16 {
		name := fmt.Sprint("v", i)
		nc := s.As(t, wire.RoleViewer, name, nats.CustomInboxPrefix("_INBOX."+name))
		for range 63 {
			switch _, err := makeConsumer(t, nc, "RESULTS", `,"inactive_threshold":300000000000`); {
			case err == nil:
				made++
			case strings.Contains(err.Error(), "beside those of admins"):
				refused++
			default:
				t.Fatal(err)
			}
		}
	}
	if made != 800 || refused != 16*63-800 {
		t.Errorf("%d made, %d refused", made, refused)
	}
	if _, err := makeConsumer(t, anna, "RESULTS", ""); err != nil {
		t.Errorf("an admin: %v", err)
	}
	m, err := requests(anna, signer).Do(t.Context(), wire.AccessAdminSubject, []byte(`{"op":"consumers"}`))
	var r wire.AccessReply
	if err != nil || json.Unmarshal(m.Data, &r) != nil || len(r.Consumers) != 200 || r.Next == "" {
		t.Errorf("the first page: %d, then %q: %v", len(r.Consumers), r.Next, err)
	}
}

// TestConsumers_AreCountedAfterARestart: of the service that counts, and of the
// server that holds them.
func TestConsumers_AreCountedAfterARestart(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	again := []nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond)}
	vic, err := connect(t, who[wire.RoleViewer].id, who[wire.RoleViewer].dir, again...)
	if err != nil {
		t.Fatal(err)
	}
	inbox := vic.NewInbox()
	if _, err := vic.SubscribeSync(inbox); err != nil {
		t.Fatal(err)
	}
	for range 64 {
		c, err := makeConsumer(t, vic, "RESULTS", `,"inactive_threshold":60000000000`)
		if err != nil {
			t.Fatal(err)
		}
		// Somebody reads by it: it makes no place, however long the test takes.
		if err := vic.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.RESULTS."+c.Name, inbox, []byte(`{"batch":1,"expires":60000000000}`)); err != nil {
			t.Fatal(err)
		}
	}
	// Another service on the same authority knows none of them by itself.
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	other := s.As(t, access.Controller, "controller")
	go func() {
		ended <- s.Authority.Serve(ctx, access.Service{Mesh: other, Push: s.UpdateAccounts, URL: s.URL(), Ready: func() { close(ready) }})
	}()
	<-ready
	for range 20 { // both answer, in turn
		if info, err := makeConsumer(t, vic, "RESULTS", ""); err == nil {
			t.Errorf("a 65th: %s", info.Name)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// The server forgets consumers in memory, and so must who counts.
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "there is room again", func() bool { _, err := makeConsumer(t, vic, "RESULTS", ""); return err == nil })
}

// TestConsumers_StopSoon: a broker whose identities have all that they may have
// stops as soon as another one.
func TestConsumers_StopSoon(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	made := 0
	for i := range 8 {
		name := fmt.Sprint("v", i)
		nc := s.As(t, wire.RoleViewer, name, nats.CustomInboxPrefix("_INBOX."+name))
		for n := range 64 {
			push := ""
			if n%2 == 0 {
				push = fmt.Sprintf(`,"deliver_subject":"_INBOX.%s.%d"`, name, n)
			}
			if _, err := makeConsumer(t, nc, "RESULTS", `,"inactive_threshold":300000000000`+push); err != nil {
				t.Fatal(err)
			}
			made++
		}
	}
	begun := time.Now()
	s.Broker.Close()
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("stopped after %v with %d consumers", d, made)
	} else {
		t.Logf("stopped after %v with %d consumers", d, made)
	}
}

// TestAttack_ConsumersAtOnce: to ask for many at the same moment gives no more.
func TestAttack_ConsumersAtOnce(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	vic := who[wire.RoleViewer].connect(t, s.Mesh)
	var made atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := makeConsumer(t, vic, "RESULTS", `,"inactive_threshold":300000000000`); err == nil {
				made.Add(1)
			}
		})
	}
	all.Wait()
	stream, err := natstest.JetStream(t, s.As(t, access.Controller, "controller")).Stream(t.Context(), "RESULTS")
	if err != nil {
		t.Fatal(err)
	}
	// On a slow machine the first ones, which nobody reads by, make place for others.
	if n := stream.CachedInfo().State.Consumers; n > 64 || made.Load() < 32 {
		t.Errorf("%d consumers, %d were made", n, made.Load())
	}
}
