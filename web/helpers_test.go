package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// world is a mesh that a test feeds, in place of a broker that a model follows.
type world struct {
	*view.Mesh
	mu       sync.Mutex
	watching map[chan struct{}]bool
	ready    chan struct{}
	follows  int
	link     console.Link

	graph  console.Graph
	uptime []console.UptimeRow
	asked  int

	stored stored
}

func newWorld() *world {
	w := &world{Mesh: view.New(time.Now()), watching: map[chan struct{}]bool{}, ready: make(chan struct{})}
	close(w.ready)
	return w
}

func (w *world) Snapshot(q view.Query) view.Snapshot {
	w.InContact(time.Now()) // the broker is there
	return w.Mesh.Snapshot(q, time.Now())
}

func (w *world) Link() console.Link          { return w.link }
func (w *world) Troubles() []console.Trouble { return nil }
func (w *world) Ready() <-chan struct{}      { return w.ready }

func (w *world) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watching[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watching, c)
	}
}

func (w *world) follow(context.Context) Model {
	w.follows++
	return w
}

func (w *world) changed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.watching {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (w *world) Graph(_ context.Context, monitor, agent string, from, to time.Time, columns int) (console.Graph, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.graph.Step == 0 {
		return console.Graph{}, errors.New("nobody answers")
	}
	return w.graph, nil
}

func (w *world) Uptime(context.Context, console.UptimeFilter) ([]console.UptimeRow, time.Time, error) {
	return w.uptime, time.Time{}, nil
}

func (w *world) save(name, kind, target string) {
	w.Saved(name, &wire.Saved{Monitor: wire.Monitor{Name: name, Kind: kind, Target: target, Every: wire.Duration(time.Second), Revision: 1}.WithDefaults()}, nil, time.Now())
}

// judge says that a monitor is in a state, by one agent.
func (w *world) judge(name string, state wire.VerdictState, why string) {
	v := wire.Verdict{Monitor: name, State: state, Since: time.Now().Add(-time.Second), Why: why, Revision: 1}
	switch state {
	case wire.VerdictUp:
		v.Quorum.Up = []string{"paris"}
	case wire.VerdictDown:
		v.Quorum.Down = []string{"paris"}
	}
	w.InContact(time.Now())
	w.Mesh.Verdict(v, time.Now())
	w.changed()
}

func (w *world) agent(id string) {
	now := time.Now()
	w.Heartbeat(wire.Alive{Agent: id, At: now, Started: now}, now, now)
}

// serve serves the world's pages.
func (w *world) serve(t testing.TB, change ...func(*Options)) (*Server, *httptest.Server) {
	t.Helper()
	o := Options{Open: true, Archive: w, Broker: "nats://127.0.0.1:4222", Version: "0.1.0", pace: time.Millisecond,
		Follow:  w.follow,
		Write:   func(m wire.Saved) (string, error) { return "name: " + m.Name + "\ntarget: " + m.Target + "\n", nil },
		History: func(context.Context, string) ([]console.Revision, error) { return nil, errors.New("no such monitor") }}
	for _, c := range change {
		c(&o)
	}
	s := New(o)
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	t.Cleanup(s.Close)
	return s, h
}

func get(t *testing.T, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func inOrder(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := text
	for _, w := range want {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Fatalf("%q is missing, or in another place than %q; there is\n%s", w, want, text)
		}
		rest = after
	}
}
