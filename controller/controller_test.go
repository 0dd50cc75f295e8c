package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent"
	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// mesh is a broker with a controller, and agents that are started in it.
type mesh struct {
	t  *testing.T
	b  *broker.Broker
	nc *nats.Conn
	js jetstream.JetStream
	kv jetstream.KeyValue

	mu    sync.Mutex
	beats map[string]wire.Alive
	heard chan struct{}
}

func newMesh(t *testing.T) *mesh {
	b := natstest.Start(t)
	m := &mesh{t: t, b: b, nc: natstest.Connect(t, b), beats: map[string]wire.Alive{}, heard: make(chan struct{}, 1)}
	m.js = natstest.JetStream(t, m.nc)
	var err error
	if m.kv, err = m.js.KeyValue(t.Context(), wire.MonitorsBucket); err != nil {
		t.Fatal(err)
	}
	if _, err := m.nc.Subscribe(wire.AllAlive, func(msg *nats.Msg) {
		a, err := wire.DecodeAlive(msg.Subject, msg.Data)
		if err != nil {
			t.Error(err)
		}
		m.mu.Lock()
		m.beats[a.Agent] = a
		m.mu.Unlock()
		select {
		case m.heard <- struct{}{}:
		default:
		}
	}); err != nil {
		t.Fatal(err)
	}
	return m
}

// control runs a controller until stop or the test's end.
func (m *mesh) control() (stop func()) {
	c, err := New(m.nc, func(ctx context.Context) error { return broker.Provision(ctx, m.js, broker.DefaultLimits()) }, Access{}, slog.New(slog.NewTextHandler(m.t.Output(), nil)))
	if err != nil {
		m.t.Fatal(err)
	}
	return m.running(c.Run)
}

func (m *mesh) agent(id string, labels map[string]string) (stop func()) {
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, Labels: labels, State: filepath.Join(m.t.TempDir(), id), Version: "1.0.0",
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) }})
	if err != nil {
		m.t.Fatal(err)
	}
	return m.running(a.Run)
}

func (m *mesh) running(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			m.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	m.t.Cleanup(stop)
	return stop
}

func (m *mesh) save(name string, agents ...string) {
	m.t.Helper()
	s := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(time.Hour)}, Agents: agents}
	data, err := json.Marshal(s)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.kv.Put(m.t.Context(), name, data); err != nil {
		m.t.Fatal(err)
	}
}

// await waits until an agent's heartbeat says that it runs so many monitors.
func (m *mesh) await(id string, monitors int) wire.Alive {
	m.t.Helper()
	return m.awaits(id, func(a wire.Alive) bool { return a.Monitors == monitors })
}

// awaits waits until an agent's heartbeat is as wanted.
func (m *mesh) awaits(id string, ok func(wire.Alive) bool) wire.Alive {
	m.t.Helper()
	limit := time.After(time.Minute)
	for {
		m.mu.Lock()
		a, known := m.beats[id]
		m.mu.Unlock()
		if known && !a.Leaving && ok(a) {
			return a
		}
		select {
		case <-m.heard:
		case <-limit:
			m.t.Fatalf("agent %s is not as wanted: %+v", id, a)
		}
	}
}

func TestController_MakesAgentsRunWhatIsSaved(t *testing.T) {
	m := newMesh(t)
	m.save("everywhere", "all")
	m.save("europe", "region=eu")
	m.save("tokyo-only", "tokyo")
	m.control()
	m.agent("paris", map[string]string{"region": "eu"})
	m.agent("tokyo", nil)
	m.await("paris", 2)
	m.await("tokyo", 2)

	m.save("more", "all")
	m.await("paris", 3)
	m.await("tokyo", 3)
	if err := m.kv.Delete(t.Context(), "everywhere"); err != nil {
		t.Fatal(err)
	}
	m.await("paris", 2)
	m.await("tokyo", 2)
	m.save("europe", "tokyo")
	m.await("paris", 1)
	m.await("tokyo", 3)
}

func TestController_TellsAnAgentThatReturns(t *testing.T) {
	m := newMesh(t)
	m.control()
	stop := m.agent("paris", nil)
	m.await("paris", 0)
	stop()
	m.save("web", "all")
	m.agent("paris", nil)
	m.await("paris", 1)
}

func TestController_MendsDrift(t *testing.T) {
	m := newMesh(t)
	m.save("web", "all")
	m.control()
	m.agent("paris", nil)
	m.await("paris", 1)
	if _, err := m.nc.Request("agent.paris.cmd", []byte(`{"op":"stop","names":["web"]}`), time.Minute); err != nil {
		t.Fatal(err)
	}
	m.await("paris", 0)
	m.await("paris", 1)
}

func TestController_LeavesAloneWhatWasStartedByHand(t *testing.T) {
	m := newMesh(t)
	m.control()
	m.agent("paris", nil)
	m.await("paris", 0)
	if _, err := m.nc.Request("agent.paris.cmd", []byte(`{"op":"start","monitors":[{"name":"mine","kind":"tcp","target":"127.0.0.1:1"}]}`), time.Minute); err != nil {
		t.Fatal(err)
	}
	m.save("web", "all")
	if a := m.await("paris", 2); a.Manual != 1 {
		t.Errorf("%+v", a)
	}
}

func TestController_ACorruptEntryHarmsNobodyElse(t *testing.T) {
	m := newMesh(t)
	for key, data := range map[string]string{"torn": `{"name":`, "other": `{"name":"another","kind":"tcp","target":"h:1"}`, "kindless": `{"name":"kindless"}`} {
		if _, err := m.kv.Put(t.Context(), key, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	m.save("web", "all")
	m.control()
	m.agent("paris", nil)
	m.await("paris", 1)
}

func TestController_ARefusedMonitorIsToldOnceAndShown(t *testing.T) {
	m := newMesh(t)
	if _, err := m.kv.Put(t.Context(), "odd", []byte(`{"name":"odd","kind":"from-the-future","target":"h:1"}`)); err != nil {
		t.Fatal(err)
	}
	m.save("web", "all")
	m.control()
	m.agent("paris", nil)
	a := m.await("paris", 1)
	if a.Refused["odd"] == "" {
		t.Errorf("%+v", a)
	}
}

func TestController_SendsManyInPieces(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	const many = 2*wire.MaxCommand + 500
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < many; i += 8 {
				m.save(fmt.Sprintf("m%d", i), "all")
			}
		})
	}
	wg.Wait()
	stop := m.control()
	m.agent("paris", nil)
	a := m.await("paris", many)
	stop()
	m.control() // another one finds nothing to do
	if b := m.await("paris", many); b.Digest != a.Digest {
		t.Errorf("digest %s, was %s", b.Digest, a.Digest)
	}
}

// TestController_AnEmptyStoreIsNotAnOrder deletes the bucket: what ran continues, and
// says that it is not saved, until somebody saves or stops it.
func TestController_AnEmptyStoreIsNotAnOrder(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	for range 5 {
		m.save("web", "all")
	}
	m.save("old", "all")
	m.control()
	m.agent("paris", nil)
	m.await("paris", 2)
	if err := m.js.DeleteKeyValue(t.Context(), wire.MonitorsBucket); err != nil {
		t.Fatal(err)
	}
	m.awaits("paris", func(a wire.Alive) bool { return a.Monitors == 2 && a.Unsaved == 2 })
	m.save("db", "all")
	m.awaits("paris", func(a wire.Alive) bool { return a.Monitors == 3 && a.Unsaved == 2 })
	m.save("web", "all") // somebody saves it again
	if a := m.awaits("paris", func(a wire.Alive) bool { return a.Monitors == 3 && a.Unsaved == 1 }); !strings.Contains(strings.Join(a.Notes, "\n"), "runs monitors that are not saved (1)") {
		t.Errorf("its notes: %q", a.Notes)
	}
	if err := m.kv.Delete(t.Context(), "db"); err != nil {
		t.Fatal(err)
	}
	m.awaits("paris", func(a wire.Alive) bool { return a.Monitors == 2 && a.Unsaved == 1 })
}

func TestController_AnotherTakesOver(t *testing.T) {
	m := newMesh(t)
	stop := m.control()
	m.agent("paris", nil)
	m.save("web", "all")
	m.await("paris", 1)
	m.control() // stands by
	stop()
	m.save("db", "all")
	m.await("paris", 2)
}

func TestController_ALeaseThatIsNotRenewedIsGone(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	kv, err := m.js.KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), wire.LeaderKey, []byte(`{"id":"dead","host":"gone"}`)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	m.save("web", "all")
	m.control()
	m.agent("paris", nil)
	m.await("paris", 1)
	t.Logf("took over after %v", time.Since(begin))
}

func TestController_MakesADeletedStreamAnew(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	m.control()
	m.agent("paris", nil)
	m.await("paris", 0)
	if err := m.js.DeleteStream(t.Context(), wire.ResultsStream); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(time.Minute); ; {
		if _, err := m.js.Stream(t.Context(), wire.ResultsStream); err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the stream is not made anew")
		}
		<-m.heard
	}
}

func TestController_AnAgentThatIsGoneIsNotFollowed(t *testing.T) {
	m := newMesh(t)
	c, err := New(m.nc, func(context.Context) error { return nil }, Access{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer func() { cancel(); c.wg.Wait() }()
	heard := func(a wire.Alive) map[string]*follower {
		t.Helper()
		c.follow(ctx, a, time.Now())
		return c.agents
	}
	if got := heard(wire.Alive{Agent: "paris"}); got["paris"] == nil {
		t.Fatalf("followed: %v", got)
	}
	if got := heard(wire.Farewell("paris", time.Now())); len(got) > 0 {
		t.Errorf("followed: %v", got)
	}
	c.wg.Wait() // nothing continues
	if got := heard(wire.Alive{Agent: "paris"}); got["paris"] == nil {
		t.Errorf("it is back, and not followed: %v", got)
	}
}
