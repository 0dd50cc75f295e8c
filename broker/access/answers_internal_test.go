package access

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/wire"
)

// TestAnswers_EachCrossing: each has its entry, and each entry is needed.
func TestAnswers_EachCrossing(t *testing.T) {
	left := answersOf()
	for _, x := range crossings() {
		a, found := answersOf()[x.remote]
		if !x.stream && (!found || a.within <= 0) {
			t.Errorf("%s of %s: answered as %+v, %v", x.remote, x.of, a, found)
		}
		if !x.stream {
			delete(left, x.remote)
		}
	}
	for subject := range left {
		t.Errorf("%s does not cross", subject)
	}
}

// bench is a server with the mesh's accounts, without a controller.
type bench struct {
	srv *server.Server
	a   *Authority
}

func startBench(t testing.TB) bench {
	t.Helper()
	a, err := Open(t.TempDir(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	o := &server.Options{DontListen: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 30}
	if err := a.Secure(o); err != nil {
		t.Fatal(err)
	}
	o.TLSConfig, o.TLS = nil, false // in this process
	srv, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return bench{srv, a}
}

func (b bench) as(t testing.TB, role wire.Role, name string) *nats.Conn {
	t.Helper()
	o, err := b.a.Built(role, name)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("", append(o, nats.InProcessServer(b.srv), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// waiting is how many requests to an account the server remembers as open.
func (b bench) waiting(t testing.TB, account string) int {
	t.Helper()
	acc, err := b.srv.LookupAccount(public(b.a.keys().accounts[account]))
	if err != nil {
		t.Fatal(err)
	}
	return acc.NumPendingAllResponses()
}

// TestAnswers_NothingStays: what is answered leaves nothing in the server,
// although the asker keeps listening.
func TestAnswers_NothingStays(t *testing.T) {
	b := startBench(t)
	boss, agent, olga := b.as(t, Controller, "controller"), b.as(t, wire.RoleAgent, "paris"), b.as(t, wire.RoleOperator, "olga")
	js, err := jetstream.New(boss)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: wire.ResultsStream, Subjects: []string{wire.AllResults}, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Subscribe("agent.paris.cmd", func(m *nats.Msg) { m.Respond([]byte(`{"ok":true}`)) }); err != nil || agent.Flush() != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who     *nats.Conn
		subject string
		of      string
	}{
		{agent, "results.paris.web", accountMesh},
		{olga, "agent.paris.cmd", accountAgents},
		{boss, "agent.paris.cmd", accountAgents},
		{olga, "$JS.API.STREAM.INFO.RESULTS", accountMesh},
	} {
		for range 100 {
			if _, err := c.who.Request(c.subject, []byte("{}"), 5*time.Second); err != nil {
				t.Fatalf("%s: %v", c.subject, err)
			}
		}
		if n := b.waiting(t, c.of); n > 1 {
			t.Errorf("%s: %d of 100 requests that were answered are kept in %s", c.subject, n, c.of)
		}
	}
}

// TestAnswers_HoldAfterAnUpdate: single answers stay single when an account is
// replaced in a running server; thresholds do not (see answersOf).
func TestAnswers_HoldAfterAnUpdate(t *testing.T) {
	b := startBench(t)
	within := func() time.Duration {
		acc, err := b.srv.LookupAccount(public(b.a.keys().accounts[accountAgents]))
		if err != nil {
			t.Fatal(err)
		}
		d, err := acc.ServiceExportResponseThreshold("agent.*.cmd")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := within(); d != answerWithin {
		t.Errorf("at the start: %v, want %v", d, answerWithin)
	}
	push := func() {
		accounts, err := b.a.Accounts()
		if err == nil {
			err = Update(b.srv, accounts)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	push() // as each start does
	if d := within(); d != answerWithin {
		t.Errorf("after an update that changes nothing: %v, want %v", d, answerWithin)
	}
	token, err := b.a.Invite("test", wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent})
	if err == nil {
		_, err = b.a.registry.join(identity.TokenSecret(token), by(userKey(t)))
	}
	if err == nil {
		_, err = b.a.registry.revoke("test", "oslo")
	}
	if err != nil {
		t.Fatal(err)
	}
	push()
	if d := within(); d != 2*time.Minute {
		t.Errorf("after an update: %v; nats-server keeps thresholds now: say so in answersOf", d)
	}
	boss, agent := b.as(t, Controller, "controller"), b.as(t, wire.RoleAgent, "paris")
	if _, err := agent.Subscribe("agent.paris.cmd", func(m *nats.Msg) { m.Respond([]byte(`{"ok":true}`)) }); err != nil || agent.Flush() != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := boss.Request("agent.paris.cmd", nil, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.waiting(t, accountAgents); n > 1 {
		t.Errorf("%d entries after 100 answers", n)
	}
}

var measure = flag.Bool("measure", false, "measure what is too long, or too noisy, for a test")

// TestAnswers_Memory measures what a request without an answer costs the server.
func TestAnswers_Memory(t *testing.T) {
	if !*measure {
		t.Skip("asked for by -measure")
	}
	b := startBench(t)
	boss, agent := b.as(t, Controller, "controller"), b.as(t, wire.RoleAgent, "paris")
	if _, err := boss.Subscribe("access.claim.*", func(*nats.Msg) {}); err != nil || boss.Flush() != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, shared := range []bool{true, false} {
		inbox := agent.NewInbox()
		sub, err := agent.Subscribe("_INBOX_paris.>", func(*nats.Msg) {})
		if err != nil || agent.Flush() != nil {
			t.Fatal(err)
		}
		before := heap()
		const n = 100_000
		for i := range n {
			reply := inbox
			if !shared {
				reply = fmt.Sprint(inbox, ".", i)
			}
			if err := agent.PublishRequest("access.claim.paris", reply, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := agent.Flush(); err != nil {
			t.Fatal(err)
		}
		after := heap()
		t.Logf("one reply subject for all %v: %d entries, %d bytes each", shared, b.waiting(t, accountMesh), (after-before)/n)
		begun := time.Now()
		for b.waiting(t, accountMesh) > 0 && time.Since(begun) < 25*time.Second {
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("gone after %v", time.Since(begun))
		sub.Unsubscribe()
	}
}

// BenchmarkAnswers_Acknowledge is the hot path: a result is stored and acknowledged.
func BenchmarkAnswers_Acknowledge(b *testing.B) {
	bench := startBench(b)
	boss, agent := bench.as(b, Controller, "controller"), bench.as(b, wire.RoleAgent, "paris")
	js, err := jetstream.New(boss)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: wire.ResultsStream, Subjects: []string{wire.AllResults}, MaxMsgsPerSubject: 100}); err != nil {
		b.Fatal(err)
	}
	mine, err := jetstream.New(agent, jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		b.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{"x": fmt.Sprintf("%400d", 1)})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := range b.N {
		if _, err := mine.PublishAsync(fmt.Sprint("results.paris.m", i%100), data); err != nil {
			b.Fatal(err)
		}
	}
	<-mine.PublishAsyncComplete()
	b.StopTimer()
	b.ReportMetric(float64(bench.waiting(b, accountMesh)), "entries")
}
