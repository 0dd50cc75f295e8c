package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// world gives a judge agents and what they measure. Its clock moves by wait alone:
// heartbeats come every 10 s from whoever is there, monitors run when a test says so.
type world struct {
	t     *testing.T
	j     *Judge
	now   time.Time
	there map[string]map[string]string // agents that are heard, and their labels
	seq   map[string]uint64
	runs  map[string]uint64
	rev   uint64
	saved map[string]wire.Saved
	told  []Change
	asks  []Ask
}

var begin = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

// newWorld has agents that are there, each in the region of its name's first letter.
func newWorld(t *testing.T, agents ...string) *world {
	t.Helper()
	w := &world{t: t, j: New(), now: begin, there: map[string]map[string]string{}, seq: map[string]uint64{}, runs: map[string]uint64{}, saved: map[string]wire.Saved{}}
	for _, a := range agents {
		w.join(a, nil)
	}
	return w
}

func (w *world) join(agent string, labels map[string]string) {
	w.there[agent] = labels
	w.beat(agent)
}

func (w *world) beat(agent string) {
	w.j.Presence(wire.Alive{Agent: agent, At: w.now, Labels: w.there[agent]}, w.now)
	w.collect()
}

func (w *world) collect() {
	w.told = append(w.told, w.j.Changes()...)
	w.asks = append(w.asks, w.j.Asks()...)
}

// save saves a monitor of that name: every 10 s, timeout 2 s, on a host of its own.
func (w *world) save(name string, change ...func(*wire.Saved)) {
	w.t.Helper()
	w.rev++
	m, ok := w.saved[name]
	if !ok {
		m = wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "http", Target: "http://" + name + ".example", Every: wire.Duration(10 * time.Second), Timeout: wire.Duration(2 * time.Second)}}
	}
	for _, c := range change {
		c(&m)
	}
	m.Revision = w.rev
	if err := m.Validate(); err != nil {
		w.t.Fatal(err)
	}
	w.saved[name] = m
	w.j.Monitor(m, w.now)
	w.collect()
}

func every(d time.Duration) func(*wire.Saved) {
	return func(m *wire.Saved) { m.Every = wire.Duration(d) }
}
func after(parents ...string) func(*wire.Saved) {
	return func(m *wire.Saved) { m.DependsOn = parents }
}

// run has an agent run a monitor now. What it finds is good, slow, broken or a failure.
func (w *world) run(monitor, agent, finds string, change ...func(*wire.Result)) {
	w.t.Helper()
	w.seq[agent]++
	w.runs[agent+monitor]++
	m := w.saved[monitor]
	r := wire.Result{Agent: agent, Monitor: monitor, Kind: m.Kind, Target: m.Target, Epoch: "e", Seq: w.seq[agent], Run: w.runs[agent+monitor], Started: w.now, Outcome: wire.Failed, Failure: wire.Failure(finds), Error: finds, Revision: m.Revision}
	switch finds {
	case "good":
		r.Outcome, r.Failure, r.Error, r.Summary = wire.OK, "", "", "200 OK"
	case "secret", "clock", "policy":
		r.Outcome = wire.Broken
	}
	at := w.now
	for _, c := range change {
		c(&r)
	}
	if late := time.Duration(r.LateNS); late > 0 {
		at = at.Add(-late)
	}
	w.j.Result(&r, at, w.now)
	w.collect()
}

// all has several agents run a monitor now.
func (w *world) all(monitor, finds string, agents ...string) {
	w.t.Helper()
	for _, a := range agents {
		w.run(monitor, a, finds)
	}
}

// wait lets time pass, with heartbeats.
func (w *world) wait(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		next := w.now.Truncate(wire.AliveEvery).Add(wire.AliveEvery)
		if next.After(end) {
			w.now = end
		} else {
			w.now = next
			for _, a := range slices.Sorted(maps.Keys(w.there)) {
				w.beat(a)
			}
		}
		w.j.Advance(w.now)
		w.collect()
	}
}

// answer has what was asked for run, each as finds says of its agent or of the monitor, for some seconds.
func (w *world) answer(finds map[string]string) {
	w.t.Helper()
	for end := w.now.Add(6 * time.Second); len(w.asks) > 0 || w.now.Before(end); {
		if len(w.asks) == 0 {
			w.wait(100 * time.Millisecond)
			continue
		}
		slices.SortStableFunc(w.asks, func(a, b Ask) int { return a.At.Compare(b.At) })
		a := w.asks[0]
		w.asks = w.asks[1:]
		if a.At.After(w.now) {
			w.wait(a.At.Sub(w.now))
		}
		f := finds[a.Agent]
		if g, ok := finds[a.Monitor]; ok {
			f = g
		}
		w.run(a.Monitor, a.Agent, f, func(r *wire.Result) { r.Asked = a.ID })
	}
}

// verdict is the state of a monitor, and what is wrong.
func (w *world) verdict(monitor string) wire.Verdict {
	w.t.Helper()
	v, ok := w.j.Verdict(monitor)
	if !ok {
		w.t.Fatalf("there is no verdict on %s", monitor)
	}
	return v
}

// want checks the newest verdict: its state, why and blame.
func (w *world) want(monitor, want string) {
	w.t.Helper()
	v := w.verdict(monitor)
	if got := say(v); got != want {
		w.t.Errorf("%s at %s:\n got %s\nwant %s\n%s", monitor, w.now.Format(time.TimeOnly), got, want, w.history())
	}
}

// say is a verdict in one line.
func say(v wire.Verdict) string {
	s := fmt.Sprintf("%s: %s", v.State, v.Why)
	if b := v.Blame; b != nil {
		s += " [" + string(b.Class)
		if len(b.Names) > 0 {
			s += " " + strings.Join(b.Names, " ")
		}
		if b.Sure {
			s += ", sure"
		}
		s += "]"
	}
	if v.Flapping {
		s += " flapping"
	}
	return s
}

// history lists what was reported.
func (w *world) history() string {
	var b strings.Builder
	for _, c := range w.told {
		switch {
		case c.Monitor != nil:
			fmt.Fprintf(&b, "  %s %s %s\n", c.Monitor.At.Format("15:04:05.000"), c.Monitor.Monitor, say(*c.Monitor))
		case c.Agent != nil:
			fmt.Fprintf(&b, "  %s agent %s %s %s\n", c.Agent.At.Format("15:04:05.000"), c.Agent.Agent, c.Agent.Status, c.Agent.Why)
		case c.Mesh != nil:
			fmt.Fprintf(&b, "  %s mesh %t %s\n", c.Mesh.At.Format("15:04:05.000"), c.Mesh.Frozen, c.Mesh.Why)
		}
	}
	return b.String()
}

// states lists the states of a monitor as they followed each other.
func (w *world) states(monitor string) string {
	var out []string
	for _, c := range w.told {
		if c.Monitor != nil && c.Monitor.Monitor == monitor {
			if s := string(c.Monitor.State); len(out) == 0 || out[len(out)-1] != s {
				out = append(out, s)
			}
		}
	}
	return strings.Join(out, " ")
}

type saved = wire.Saved
