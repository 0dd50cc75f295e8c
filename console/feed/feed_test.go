package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/console"
	"netmon/console/view"
	"netmon/internal/natstest"
	"netmon/judge"
	"netmon/wire"
)

const patience = 30 * time.Second

// mesh is a broker with a hand that plays an agent, and a model that is fed from it.
type mesh struct {
	t     *testing.T
	b     *broker.Broker
	nc    *nats.Conn
	store *console.Store
	model *view.Mesh
	seq   uint64
	saved map[string]uint64 // revisions, by name

	troubles chan error
}

func start(t *testing.T, before func(*mesh)) *mesh {
	t.Helper()
	m := &mesh{t: t, b: natstest.Start(t), model: view.New(time.Now()), saved: map[string]uint64{}, troubles: make(chan error, 100)}
	m.nc = natstest.Connect(t, m.b)
	back := make(chan struct{}, 1)
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) },
		nats.ReconnectHandler(func(*nats.Conn) {
			select {
			case back <- struct{}{}:
			default:
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if m.store, err = cl.Monitors(t.Context()); err != nil {
		t.Fatal(err)
	}
	before(m)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Client: cl, Model: m.model, Back: back, Trouble: func(err error) { m.troubles <- err }})
	}()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	return m
}

func (m *mesh) save(name string) uint64 {
	m.t.Helper()
	revision, err := m.store.Save(m.t.Context(), wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1"}.WithDefaults()}, "added")
	if err != nil {
		m.t.Fatal(err)
	}
	m.saved[name] = revision
	return revision
}

func (m *mesh) publish(subject string, v any) {
	m.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := natstest.JetStream(m.t, m.nc).Publish(m.t.Context(), subject, data); err != nil {
		m.t.Fatalf("publish on %s: %v", subject, err)
	}
}

func (m *mesh) beat(agent string) {
	m.publish("agent."+agent+".alive", wire.Alive{Agent: agent, At: time.Now(), Started: time.Now()})
}

func (m *mesh) result(agent, monitor string, ago time.Duration) {
	m.seq++
	ns := int64(1e6)
	m.publish("results."+agent+"."+monitor, wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Epoch: "E", Seq: m.seq, Run: m.seq,
		Started: time.Now().Add(-ago), LatencyNS: &ns, Outcome: wire.OK, Revision: m.saved[monitor]})
}

// until waits until the snapshot says what is wanted.
func (m *mesh) until(what string, ok func(view.Snapshot) bool) {
	m.t.Helper()
	limit := time.Now().Add(patience)
	for {
		s := m.model.Snapshot(view.Query{Strip: 10, Agents: true}, time.Now())
		if ok(s) {
			return
		}
		if time.Now().After(limit) {
			m.t.Fatalf("never: %s\n%+v", what, s)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

func up(name string) func(view.Snapshot) bool {
	return func(s view.Snapshot) bool {
		for _, r := range s.Monitors {
			if r.Name == name {
				return r.State == judge.Up
			}
		}
		return false
	}
}

func gone(name string) func(view.Snapshot) bool {
	return func(s view.Snapshot) bool {
		for _, r := range s.Monitors {
			if r.Name == name {
				return false
			}
		}
		return true
	}
}

func TestRun_BeginsWithWhatIsThereAndGoesOn(t *testing.T) {
	var revision uint64
	m := start(t, func(m *mesh) {
		revision = m.save("web")
		m.beat("paris")
		for n := range 3 {
			m.result("paris", "web", time.Duration(30-10*n)*time.Second)
		}
	})
	m.until("web is up", up("web"))
	m.until("its past is there", func(s view.Snapshot) bool { return len(s.Monitors[0].Strip) == 3 })
	m.until("the agent is online", func(s view.Snapshot) bool { return s.Totals.Online == 1 })
	m.save("db")
	m.result("paris", "db", 0)
	m.until("a new monitor is up", up("db"))
	if _, err := m.store.Delete(t.Context(), "web", revision); err != nil {
		t.Fatal(err)
	}
	m.until("a deleted one is gone", gone("web"))
	m.beat("tokyo")
	m.until("an agent joined", func(s view.Snapshot) bool { return s.Totals.Online == 2 })
}

// TestRun_OutlivesTheBroker restarts it; monitors are saved and deleted behind
// the model's back while it reconnects.
func TestRun_OutlivesTheBroker(t *testing.T) {
	revisions := map[string]uint64{}
	m := start(t, func(m *mesh) {
		for _, name := range []string{"web", "db"} {
			revisions[name] = m.save(name)
		}
		m.beat("paris")
		m.result("paris", "web", 0)
	})
	m.until("web is up", up("web"))
	for round := range 2 {
		m.b = natstest.Restart(t, m.b)
		waitFor(t, m.nc)
		if err := broker.Provision(t.Context(), natstest.JetStream(t, m.nc), broker.DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			if _, err := m.store.Delete(t.Context(), "db", revisions["db"]); err != nil {
				t.Fatal(err)
			}
		}
		name := fmt.Sprintf("new%d", round)
		m.save(name)
		m.beat("paris")
		m.result("paris", name, 0)
		m.until(name+" is up", up(name))
		m.until("db is gone", gone("db"))
		m.until("the agent is online", func(s view.Snapshot) bool { return s.Totals.Online == 1 })
	}
}

func waitFor(t *testing.T, nc *nats.Conn) {
	t.Helper()
	limit := time.Now().Add(patience)
	for !nc.IsConnected() {
		if time.Now().After(limit) {
			t.Fatal("not connected again")
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

// TestRun_SaysWhyResultsCannotBeRead takes their stream away, and brings it back.
func TestRun_SaysWhyResultsCannotBeRead(t *testing.T) {
	m := start(t, func(*mesh) {})
	js, err := jetstream.New(m.nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), wire.ResultsStream); err != nil {
		t.Fatal(err)
	}
	told := func() error {
		select {
		case err := <-m.troubles:
			return err
		case <-time.After(patience):
			t.Fatal("nothing is told")
			return nil
		}
	}
	if err := told(); !errors.Is(err, console.ErrUnreachable) {
		t.Errorf("without their stream: %v", err)
	}
	if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	for err := told(); err != nil; err = told() {
		t.Log(err) // another reason, on the way
	}
}
