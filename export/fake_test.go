package export

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
	"netmon/probes/kinds"
	"netmon/wire"
)

const patience = time.Minute

// world is a mesh as somebody says that it is.
type world struct {
	saved    []wire.Saved
	agents   []console.Agent
	rows     []view.Row
	list     console.IncidentList
	channels []console.ChannelSeen
	troubles []console.Trouble
	link     console.Link
	unread   bool
	asked    func(ctx context.Context, agent string, m wire.Monitor) console.Asked // nil: it is ok
}

func (w *world) Snapshot(q view.Query) view.Snapshot {
	s := view.Snapshot{Incidents: w.list, Channels: w.channels}
	for _, r := range w.rows {
		if len(q.Names) == 0 || q.Names[0] == r.Name {
			s.Monitors = append(s.Monitors, r)
		}
	}
	return s
}
func (w *world) Monitors() []wire.Saved      { return w.saved }
func (w *world) Agents() []console.Agent     { return w.agents }
func (w *world) Troubles() []console.Trouble { return w.troubles }
func (w *world) Link() console.Link          { return w.link }
func (w *world) Ready() <-chan struct{} {
	c := make(chan struct{})
	if !w.unread {
		close(c)
	}
	return c
}

// newWorld has agents oslo and paris, and a monitor shop on both.
func newWorld() *world {
	w := &world{}
	for _, id := range []string{"oslo", "paris"} {
		w.agents = append(w.agents, console.Agent{Alive: wire.Alive{Agent: id, Kinds: strings.Split(kinds.All().Names(), ", "), Labels: map[string]string{"city": id}}, Seen: time.Now(), Online: true})
	}
	w.save("shop", "https", "https://shop.example/", `{"expect":{"status":"200-299"}}`)
	return w
}

func (w *world) save(name, kind, target, options string) *wire.Saved {
	m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: kind, Target: target, Options: []byte(options), Every: wire.Duration(10 * time.Second)}.WithDefaults(), Tags: map[string]string{"team": "shop", "a-b": "1"}}
	m.Revision = uint64(len(w.saved) + 1)
	w.saved = append(w.saved, m)
	return &w.saved[len(w.saved)-1]
}

// judged is what the judge says of a monitor.
func (w *world) judged(name string, state judge.State, q wire.VerdictQuorum) {
	w.rows = append(w.rows, view.Row{Name: name, State: state, Since: time.Unix(1000, 0), Verdict: &wire.Verdict{Monitor: name, Quorum: q}, Uptime: view.Figure{V: 0.5, OK: true}})
}

// site is a server of a world.
type site struct {
	t *testing.T
	*httptest.Server
	mesh *Mesh
	of   *Server
}

func (w *world) serve(t *testing.T, access Access) *site {
	t.Helper()
	m := newMesh(kinds.All(), "1.2.3")
	m.begin = func(func(*wire.Result, time.Time)) Model { return w }
	s := NewServer(Options{Mesh: m, Access: access, RoundTrip: func(context.Context) (time.Duration, error) { return 2 * time.Millisecond, nil }, Measure: func(ctx context.Context, agent string, x wire.Monitor) console.Asked {
		if w.asked != nil {
			return w.asked(ctx, agent, x)
		}
		return console.Asked{Agent: agent, Result: &wire.Result{Agent: agent, Kind: x.Kind, Target: x.Target, Started: time.Now(), ElapsedNS: 5e6, Outcome: wire.OK}}
	}})
	m.Begin()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return &site{t, h, m, s}
}

// here is the access of a listener of this host.
var here = Access{Here: true, Probe: true}

// result is one of a monitor that was measured so long ago.
func (s *site) result(agent string, m wire.Saved, o wire.Outcome, ago time.Duration) {
	at := time.Now().Add(-ago)
	r := wire.Result{Agent: agent, Monitor: m.Name, Kind: m.Kind, Target: m.Target, Started: at, ElapsedNS: 5e6, Outcome: o, Revision: m.Revision}
	if o != wire.OK {
		r.Failure, r.Error = wire.FailTimeout, "no answer"
	}
	s.mesh.take(&r, at.Add(r.Elapsed()))
}

// get asks, with headers as names and values in turn.
func (s *site) get(path string, headers ...string) (code int, text string, header http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}

// want asks, and wants this answer to begin with a code and to hold texts.
func (s *site) want(code int, path string, texts ...string) string {
	s.t.Helper()
	got, text, _ := s.get(path)
	if got != code {
		s.t.Errorf("%s: %d, want %d: %s", path, got, code, text)
	}
	for _, x := range texts {
		if !strings.Contains(text, x) {
			s.t.Errorf("%s: there is no %q in\n%s", path, x, text)
		}
	}
	return text
}
