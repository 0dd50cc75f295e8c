package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/need"
	"netmon/wire"
)

// TestNotifier_Killed: notifiers end between any two steps, as by kill -9, while
// incidents begin, change and are over, and the other side refuses some of what it gets.
// In the end everybody knows what is true: nothing is lost, nothing overtakes, and what
// comes twice has the same key and comes no more often than somebody was killed.
func TestNotifier_Killed(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	m.ackWait = 100 * time.Millisecond
	seen := &ledger{shown: map[string]uint64{}, keys: map[string]int{}, over: map[string]bool{}}
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		if rand.IntN(8) == 0 {
			w.WriteHeader([]int{500, 502, 429}[rand.IntN(3)])
			return
		}
		seen.record(t, req)
	})
	m.save(hook("hook", r.URL, ""))
	control, err := m.js.KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}

	const incidents = 40
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var telling sync.WaitGroup
	telling.Go(func() {
		now := map[string]uint64{}
		for ctx.Err() == nil && len(now) < incidents*50 {
			id := "web-" + string(rune('a'+rand.IntN(26))) + string(rune('0'+rand.IntN(incidents/26+1)))
			now[id]++
			m.store(about("hook", id, now[id], wire.ReasonChanged))
			time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		}
		for id := range now {
			now[id]++
			m.store(about("hook", id, now[id], wire.ReasonResolved))
			seen.want(id, now[id])
		}
	})

	kills := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) || kills < 30 || seen.count() < 200; kills++ {
		m.runUntilKilled(rand.IntN(12))
		if err := control.Delete(t.Context(), "notifier.hook"); err != nil { // its time runs out
			t.Fatal(err)
		}
	}
	stop()
	telling.Wait()
	_, _ = m.run(nil)
	m.await("the end of every incident", seen.allOver, seen)
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	t.Logf("%d kills, %d messages, %d of them twice", kills, seen.messages, seen.twice)
	if seen.twice > kills {
		t.Errorf("%d came twice, want at most one for each of %d kills", seen.twice, kills)
	}
}

// runUntilKilled runs a notifier that takes so many steps, and then nothing more: its
// connection is gone, and each of its goroutines ends where it is.
func (m *mesh) runUntilKilled(steps int) {
	m.t.Helper()
	var mu sync.Mutex
	var nc *nats.Conn
	dead := make(chan struct{})
	n := New(Options{Policy: openPolicy(m.t), Host: "desk", Log: slog.New(slog.DiscardHandler), Connect: func(o ...nats.Option) (*nats.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		var err error
		nc, err = m.b.Connect(o...)
		return nc, err
	}})
	quick(&n.timings)
	n.timings.grace = time.Millisecond
	n.step = func(step) {
		mu.Lock()
		defer mu.Unlock()
		if steps--; steps >= 0 {
			return
		}
		select {
		case <-dead:
		default:
			nc.Close()
			close(dead)
		}
		runtime.Goexit()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	select {
	case <-dead:
	case <-time.After(time.Second): // nothing to do
	}
	cancel()
	running.Wait()
}

// ledger is what the other side took.
type ledger struct {
	mu       sync.Mutex // guards what follows
	shown    map[string]uint64
	keys     map[string]int
	wanted   map[string]uint64
	over     map[string]bool
	messages int
	twice    int
}

func (l *ledger) record(t *testing.T, req *http.Request) {
	var p Payload
	if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
		t.Error(err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages++
	if l.keys[p.Key]++; l.keys[p.Key] > 1 {
		l.twice++
	}
	if p.Key != req.Header.Get("Idempotency-Key") {
		t.Errorf("key %q in the body, %q in the header", p.Key, req.Header.Get("Idempotency-Key"))
	}
	if p.Incident.N < l.shown[p.Incident.ID] {
		t.Errorf("%s tells of change %d after %d", p.Key, p.Incident.N, l.shown[p.Incident.ID])
	}
	l.shown[p.Incident.ID] = p.Incident.N
	l.over[p.Incident.ID] = p.Incident.State == wire.IncidentResolved
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages
}

func (l *ledger) want(id string, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted == nil {
		l.wanted = map[string]uint64{}
	}
	l.wanted[id] = n
}

func (l *ledger) allOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range l.wanted {
		if !l.over[id] || l.shown[id] != n {
			return false
		}
	}
	return len(l.wanted) > 0
}

// TestNotifier_TakesOver: of two notifiers one sends, and the other one continues when that
// one ends.
func TestNotifier_TakesOver(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	r := receive(t, taken)
	m.save(hook("hook", r.URL, ""))
	_, stopFirst := m.run(func(n *Notifier) { n.o.Host = "first" })
	m.status("hook", func(s wire.ChannelStatus) bool { return s.By == "first" })
	m.run(func(n *Notifier) { n.o.Host = "second" })
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	if d := m.delivery("hook", "web-1", func(wire.Delivery) bool { return true }); d.By != "first" {
		t.Errorf("by %q, want first", d.By)
	}
	stopFirst()
	m.store(about("hook", "web-1", 2, wire.ReasonResolved))
	if d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.N == 2 }); d.By != "second" {
		t.Errorf("by %q, want second", d.By)
	}
	m.status("hook", func(s wire.ChannelStatus) bool { return s.By == "second" })
	if got := r.requests(); len(got) != 2 {
		t.Errorf("%d messages, want 2", len(got))
	}
}

// TestNotifier_EndsInTime: what is being sent when a notifier ends is sent to its end, and
// noted; what waits is for the next one.
func TestNotifier_EndsInTime(t *testing.T) {
	m := newMesh(t)
	came, go_ := make(chan struct{}, 10), make(chan struct{})
	r := receive(t, func(http.ResponseWriter, *http.Request) {
		came <- struct{}{}
		<-go_
	})
	m.save(hook("hook", r.URL, ""))
	_, stop := m.run(nil)
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	<-came
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("it ended while it was sending")
	case <-time.After(50 * time.Millisecond):
	}
	close(go_)
	<-stopped
	m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Sent })
	if m.queued() != 0 {
		t.Error("the notice is in the queue though it was sent")
	}
}

// TestNotifier_BrokerAway: what was sent while the broker could not be reached is reported when
// it is back, and is not sent again.
func TestNotifier_BrokerAway(t *testing.T) {
	m := newMesh(t)
	m.ackWait = time.Second
	r := receive(t, taken)
	m.save(hook("hook", r.URL, ""))
	_, err := m.js.UpdateStream(t.Context(), refusing(t, m, true))
	if err != nil {
		t.Fatal(err)
	}
	m.run(func(n *Notifier) { n.timings.backoff.first = 50 * time.Millisecond })
	i, n := about("hook", "web-1", 1, wire.ReasonOpened)
	m.publish("incidents.web-1", i)
	m.publish("notices.hook.web-1", n)
	m.await("the message", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.got) > 0 }, nil)
	time.Sleep(200 * time.Millisecond) // it comes again, and is not sent
	if _, err := m.js.UpdateStream(t.Context(), refusing(t, m, false)); err != nil {
		t.Fatal(err)
	}
	m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Sent })
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)
	if got := r.requests(); len(got) != 1 {
		t.Errorf("%d messages, want 1", len(got))
	}
}

// refusing is the stream of incidents as it is, or without deliveries.
func refusing(t *testing.T, m *mesh, refuse bool) jetstream.StreamConfig {
	t.Helper()
	s, err := m.js.Stream(t.Context(), wire.IncidentsStream)
	if err != nil {
		t.Fatal(err)
	}
	c := s.CachedInfo().Config
	c.Subjects = []string{wire.AllIncidents, wire.AllTroubles, wire.AllChannels, wire.AllKeeper}
	if !refuse {
		c.Subjects = append(c.Subjects, wire.AllDeliveries)
	}
	return c
}
