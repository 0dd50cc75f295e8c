package status

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/console"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

const patience = 60 * time.Second

// mesh is a broker with a hand that plays the controller, and a keeper of its page.
type mesh struct {
	t *testing.T
	b *broker.Broker
	c *console.Client
	n uint64
	k *Keeper
}

func newMesh(t *testing.T, o Options) *mesh {
	t.Helper()
	m := &mesh{t: t, b: natstest.Start(t)}
	var err error
	if m.c, err = console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.c.Close)
	model := m.c.Model(console.ModelOptions{Parts: Parts, Totals: true})
	m.k = NewKeeper(model, m.c, o, slog.New(slog.DiscardHandler))
	m.k.lost = 0
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { model.Run(ctx) })
	all.Go(func() { m.k.Run(ctx) })
	t.Cleanup(func() { stop(); all.Wait() })
	return m
}

func (m *mesh) save(name string, tags map[string]string) (revision uint64) {
	m.t.Helper()
	store, err := m.c.Monitors(m.t.Context())
	if err == nil {
		revision, err = store.Save(m.t.Context(), wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "secret.example:1"}.WithDefaults(), Tags: tags}, "added")
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return revision
}

func (m *mesh) publish(subject string, v any) {
	m.t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		_, err = natstest.JetStream(m.t, natstest.Connect(m.t, m.b)).Publish(m.t.Context(), subject, data)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *mesh) verdict(name string, revision uint64, is wire.VerdictState, agents ...string) {
	m.n++
	v := wire.Verdict{Monitor: name, State: is, Since: time.Now(), At: time.Now(), N: m.n, Why: "secret", Revision: revision}
	if v.Quorum.Up = agents; is == wire.VerdictDown {
		v.Quorum.Up, v.Quorum.Down = nil, agents
		v.Evidence = []wire.Evidence{{Agent: agents[0], Outcome: wire.Failed, Failure: wire.FailNoAnswer}}
	}
	m.publish("verdicts."+name, v)
}

// lead has a controller lead until the function that it returns is called.
func (m *mesh) lead() (stop func()) {
	m.t.Helper()
	kv, err := natstest.JetStream(m.t, natstest.Connect(m.t, m.b)).KeyValue(m.t.Context(), wire.ControlBucket)
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(wire.LeaseTTL / 4)
		defer tick.Stop()
		for {
			_, _ = kv.Put(ctx, wire.LeaderKey, []byte("{}")) // the broker may be away
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); renewing.Wait() })
	m.t.Cleanup(stop)
	return stop
}

// shows waits until a file holds a text.
func (m *mesh) shows(name, text string) {
	m.t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // between two looks
		f := m.k.Site()[name]
		if f != nil && strings.Contains(string(f.Plain), text) {
			return
		}
		if time.Now().After(limit) {
			if f == nil {
				m.t.Fatalf("there is no %s", name)
			}
			m.t.Fatalf("%s does not say %q:\n%s", name, text, f.Plain)
		}
	}
}

// TestKeeper follows a mesh from its first monitor to a broker that is away.
func TestKeeper(t *testing.T) {
	need.Time(t)
	m := newMesh(t, Options{Title: "Example"})
	nc := natstest.Connect(t, m.b)
	if _, err := nc.Subscribe(wire.HistorySubject, func(msg *nats.Msg) {
		r := wire.HistoryReply{OK: true, Spans: []wire.HistorySpan{{Monitor: "web1", State: wire.VerdictUp, Since: time.Now().Add(-72 * time.Hour), Until: time.Now(), New: true, Open: true}}}
		_ = msg.Respond(r.Encode())
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	stop := m.lead()
	m.shows("index.html", "No service is listed here")
	web := m.save("web1", map[string]string{DefaultTag: "Shop", NameTag: "Online shop"})
	m.save("hidden1", nil)
	m.shows("index.html", "We cannot see how the services are")
	m.verdict("web1", web, wire.VerdictUp, "oslo", "paris")
	m.shows("index.html", "Online shop is running")
	m.shows("index.html", "4 running") // its past came, too
	m.verdict("web1", web, wire.VerdictDown, "oslo", "paris")
	now := time.Now()
	x := wire.Incident{ID: "web1-1", State: wire.IncidentOpen, Severity: wire.SeverityDown, Opened: now, Decided: now, At: now, Joined: now, N: 1, Summary: "secret",
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "web1", Severity: wire.SeverityDown, Since: now, Why: "secret"}}, Log: []wire.Entry{}}
	m.publish("incidents.web1-1", x)
	m.shows("index.html", "it does not answer")
	m.shows("feed.atom", "<title>Online shop is down</title>")
	m.shows("api/v2/summary.json", `"indicator":"critical"`)
	f, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Export(m.k.Site()); err != nil {
		t.Fatal(err)
	}
	each(m.k.Site(), func(name string, f *File) {
		for _, word := range []string{"secret", "web1", "hidden1", "oslo"} {
			if strings.Contains(string(f.Plain), word) {
				t.Errorf("%s holds %q", name, word)
			}
		}
	})
	m.verdict("web1", web, wire.VerdictUp, "oslo", "paris")
	x.N, x.State, x.Resolved, x.At = 2, wire.IncidentResolved, time.Now(), time.Now()
	x.Members[0].Until = x.Resolved
	m.publish("incidents.web1-1", x)
	m.shows("index.html", "Online shop is running")
	m.shows("feed.atom", "<title>Online shop was down</title>")

	stop() // nobody judges any more
	m.shows("index.html", "We cannot see how the services are")
	m.lead()
	m.shows("index.html", "Online shop is running")
	m.b.Close()
	m.shows("index.html", "Nothing is known since")
	m.shows("badge/online-shop.svg", "not known")
}

// TestKeeper_ArchiveSilent: without history the page says so, and shows how things are; also
// of a service that came after the past of the others was read.
func TestKeeper_ArchiveSilent(t *testing.T) {
	need.Time(t)
	m := newMesh(t, Options{})
	m.lead()
	select {
	case <-m.k.Made():
	case <-time.After(patience):
		t.Fatal("nothing can be exported")
	}
	web := m.save("web1", map[string]string{DefaultTag: "yes"})
	m.verdict("web1", web, wire.VerdictUp, "oslo")
	m.shows("index.html", "web1 is running")
	m.shows("index.html", "The past days cannot be read at this moment")
}
