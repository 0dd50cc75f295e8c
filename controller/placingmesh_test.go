package controller

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/broker"
	"netmon/internal/badlink"
	"netmon/internal/need"
	"netmon/internal/tail"
	"netmon/probes/kinds"
	"netmon/wire"
)

// europe is a mesh with a monitor on two of three agents of a region, one agent elsewhere, and
// leaders with little patience.
type europe struct {
	*mesh
	dir        string
	placements *tail.Tail
	last       wire.Placement
	results    *nats.Subscription
	links      map[string]*badlink.Link
	stops      map[string]func() // of agents
	stopLead   func()
	leader     *Controller
}

var impatient = patience{offline: 12 * time.Second, left: 500 * time.Millisecond, back: 500 * time.Millisecond, look: 50 * time.Millisecond}

// newEurope has shop on paris and rome, as it ranks rome, paris, oslo.
func newEurope(t *testing.T, p patience) *europe {
	e := &europe{mesh: newMesh(t), dir: t.TempDir(), links: map[string]*badlink.Link{}, stops: map[string]func(){}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	var err error
	if e.placements, err = tail.Open(ctx, e.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllPlacements}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.placements.Stop)
	if e.results, err = e.nc.SubscribeSync("results.*.shop"); err != nil {
		t.Fatal(err)
	}
	e.lead(p)
	for _, id := range []string{"oslo", "paris", "rome"} {
		e.join(id)
	}
	e.agent("tokyo", map[string]string{"region": "asia"})
	for _, id := range []string{"oslo", "paris", "rome", "tokyo"} {
		e.await(id, 0)
	}
	for heard := 0; heard < 4; time.Sleep(5 * time.Millisecond) { // by the leader, too
		e.leader.mu.Lock()
		if e.leader.placing != nil {
			heard = len(e.leader.placing.agents)
		}
		e.leader.mu.Unlock()
	}
	e.saveOn("2 of region=eu")
	e.placed("paris rome")
	e.runs("paris rome")
	return e
}

// saveOn saves shop: it measures the broker, often.
func (e *europe) saveOn(on string) {
	e.t.Helper()
	s := wire.Saved{Monitor: wire.Monitor{Name: "shop", Kind: "tcp", Target: strings.TrimPrefix(e.b.URL(), "nats://"), Every: wire.Duration(100 * time.Millisecond)}, Agents: wire.Selectors{on}}
	data, err := json.Marshal(s)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.kv.Put(e.t.Context(), "shop", data); err != nil {
		e.t.Fatal(err)
	}
}

func (e *europe) lead(p patience) {
	c, err := New(e.nc, func(ctx context.Context) error { return broker.Provision(ctx, e.js, broker.DefaultLimits()) }, Access{}, slog.New(slog.NewTextHandler(e.t.Output(), nil)))
	if err != nil {
		e.t.Fatal(err)
	}
	c.patience = p
	e.leader, e.stopLead = c, e.running(c.Run)
}

// join starts an agent of the region, with what it kept where it was here before.
func (e *europe) join(id string) {
	if e.links[id] == nil {
		e.links[id] = badlink.New(e.t, strings.TrimPrefix(e.b.URL(), "nats://"))
	}
	link := e.links[id]
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, Labels: map[string]string{"region": "eu"}, State: filepath.Join(e.dir, id), Version: "1.0.0",
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect("nats://"+link.Addr(), o...) }})
	if err != nil {
		e.t.Fatal(err)
	}
	e.stops[id] = e.running(a.Run)
}

// placed waits until shop is placed on these agents.
func (e *europe) placed(want string) wire.Placement {
	e.t.Helper()
	for limit := time.Now().Add(time.Minute); strings.Join(e.last.Agents, " ") != want; {
		if time.Now().After(limit) {
			e.t.Fatalf("shop is placed on %v, want %s", e.last.Agents, want)
		}
		m, _, err := e.placements.Next()
		if err != nil {
			e.t.Fatal(err)
		}
		if e.last, err = wire.DecodePlacement(m.Subject, m.Data); err != nil {
			e.t.Fatal(err)
		}
	}
	return e.last
}

// runs waits until these agents say that they run shop, the others say that they do not, and
// results come of each.
func (e *europe) runs(want string) {
	e.t.Helper()
	for id := range strings.FieldsSeq(want) {
		e.await(id, 1)
	}
	for _, id := range []string{"oslo", "paris", "rome"} {
		e.mu.Lock()
		there := !e.beats[id].Leaving
		e.mu.Unlock()
		if !strings.Contains(want, id) && there {
			e.await(id, 0)
		}
	}
	e.measure(want)
}

// measure waits until results come of each of these agents.
func (e *europe) measure(want string) {
	e.t.Helper()
	on := map[string]bool{}
	for id := range strings.FieldsSeq(want) {
		on[id] = true
	}
	for { // what is under way is not news
		if _, err := e.results.NextMsg(time.Millisecond); err != nil {
			break
		}
	}
	for limit := time.Now().Add(time.Minute); len(on) > 0; {
		if time.Now().After(limit) {
			e.t.Fatalf("no results of %v", on)
		}
		if m, err := e.results.NextMsg(time.Second); err == nil {
			delete(on, strings.Split(m.Subject, ".")[1])
		}
	}
}

// TestPlacing_AnAgentIsShutDown: another one takes over; the first comes back with what it
// ran, and two run it, not three.
func TestPlacing_AnAgentIsShutDown(t *testing.T) {
	e := newEurope(t, impatient)
	e.stops["rome"]()
	if x := e.placed("oslo paris"); x.Why != "rome was shut down: oslo takes over" {
		t.Errorf("%+v", x)
	}
	e.runs("oslo paris")
	e.join("rome")
	e.placed("paris rome")
	e.runs("paris rome")
}

// TestPlacing_AnAgentIsCutOff runs on without the mesh. Another one takes over after the
// grace, and when the link is back two run it.
func TestPlacing_AnAgentIsCutOff(t *testing.T) {
	need.Time(t)
	p := impatient
	p.back = time.Hour
	e := newEurope(t, p)
	e.links["rome"].Cut()
	if x := e.placed("oslo paris"); !strings.HasPrefix(x.Why, "rome was offline for 1") {
		t.Errorf("%+v", x)
	}
	e.measure("oslo paris")
	e.links["rome"].Heal()
	e.await("rome", 0) // it is told to stop
	e.runs("oslo paris")
}

// TestPlacing_AnAgentIsDeleted moves it at once, however patient the leader is.
func TestPlacing_AnAgentIsDeleted(t *testing.T) {
	e := newEurope(t, usualPatience)
	e.stops["rome"]()
	data, err := json.Marshal(wire.Farewell("rome", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.js.Publish(t.Context(), "agent.rome.alive", data); err != nil {
		t.Fatal(err)
	}
	if x := e.placed("oslo paris"); x.Why != "rome is gone: oslo takes over" {
		t.Errorf("%+v", x)
	}
	e.runs("oslo paris")
}

// TestPlacing_LeadersChange: what was chosen stays, also what the next leader would not
// have chosen by itself, and what changes later is decided from there.
func TestPlacing_LeadersChange(t *testing.T) {
	e := newEurope(t, usualPatience)
	e.stopLead()
	x := e.last
	x.Agents, x.N, x.Why = []string{"oslo", "paris"}, x.N+1, "a test"
	data, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.js.Publish(t.Context(), "verdicts.placement.shop", data); err != nil {
		t.Fatal(err)
	}
	e.placed("oslo paris")
	e.lead(usualPatience)
	e.runs("oslo paris")
	e.saveOn("3 of region=eu")
	if x := e.placed("oslo paris rome"); x.Want != 3 || x.N != e.last.N || x.Why != "the monitor was changed" {
		t.Errorf("%+v", x)
	}
	e.runs("oslo paris rome")
	e.saveOn("1 of region=asia")
	e.placed("tokyo")
	e.await("tokyo", 1)
	e.await("paris", 0)
	e.saveOn("region=eu")
	e.await("tokyo", 0)
	e.runs("oslo paris rome")
}

// TestPlacing_AnAgentRefuses: each agent that refuses it is heard, and another one is asked.
func TestPlacing_AnAgentRefuses(t *testing.T) {
	e := newEurope(t, usualPatience)
	s := wire.Saved{Monitor: wire.Monitor{Name: "odd", Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(time.Hour), Options: json.RawMessage(`{"nope":1}`)}, Agents: wire.Selectors{"1 of region=eu"}}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.kv.Put(t.Context(), "odd", data); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for limit := time.Now().Add(time.Minute); len(seen) < 3; {
		if time.Now().After(limit) {
			t.Fatalf("asked: %v", seen)
		}
		m, _, err := e.placements.Next()
		if err != nil {
			t.Fatal(err)
		}
		x, err := wire.DecodePlacement(m.Subject, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		for id, r := range x.Refused {
			if !strings.Contains(r.Why, "nope") {
				t.Errorf("%s: %+v", id, r)
			}
			seen[id] = true
		}
	}
}
