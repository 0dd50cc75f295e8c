package view

import (
	"errors"
	"slices"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// TestMesh_Status has the same asked of a mesh that is told once what is stored.
func TestMesh_Status(t *testing.T) {
	type heard struct {
		outcome  wire.Outcome
		age      time.Duration
		revision uint64
	}
	type results map[string]heard
	seen := func(id string, ago time.Duration, change ...func(*wire.Alive)) func(*Mesh) {
		return func(v *Mesh) {
			a := wire.Alive{Agent: id}
			for _, c := range change {
				c(&a)
			}
			v.Heartbeat(a, t0.Add(-ago), t0)
		}
	}
	leaving := func(a *wire.Alive) { a.Leaving = true }
	refusing := func(a *wire.Alive) { a.Refused = map[string]string{"web": "policy: no"} }
	eu := func(a *wire.Alive) { a.Labels = map[string]string{"region": "eu"} }
	both := []func(*Mesh){seen("paris", 0), seen("tokyo", 0)}
	ok, failed, broken := heard{wire.OK, 0, 7}, heard{wire.Failed, 0, 7}, heard{wire.Broken, 0, 7}
	for _, c := range []struct {
		name   string
		agents []func(*Mesh)
		last   results
		on     wire.Selectors
		paused bool
		want   judge.State
		of     int
		why    string // of the last agent by id
	}{
		{name: "all up", agents: both, last: results{"paris": ok, "tokyo": ok}, want: judge.Up, of: 2},
		{name: "one failed", agents: both, last: results{"paris": ok, "tokyo": failed}, want: judge.Degraded, of: 2, why: "timeout: it said no"},
		{name: "all failed", agents: both, last: results{"paris": failed, "tokyo": failed}, want: judge.Down, of: 2, why: "timeout: it said no"},
		{name: "nobody is there", want: judge.Unknown},
		{name: "nothing measured", agents: both, want: judge.Unknown, of: 2, why: "nothing was measured yet"},
		{name: "of one nothing is known", agents: both, last: results{"paris": ok}, want: judge.Degraded, of: 2, why: "nothing was measured yet"},
		{name: "failed on one, unknown on the other", agents: both, last: results{"paris": failed}, want: judge.Down, of: 2, why: "nothing was measured yet"},
		{name: "a gap is not up", agents: both[:1], last: results{"paris": {wire.OK, 27 * time.Second, 7}}, want: judge.Unknown, of: 1, why: "nothing was heard for 27s"},
		{name: "just before a gap", agents: both[:1], last: results{"paris": {wire.OK, 26 * time.Second, 7}}, want: judge.Up, of: 1},
		{name: "measured before the change", agents: both[:1], last: results{"paris": {wire.OK, 0, 6}}, want: judge.Unknown, of: 1, why: "nothing was measured since it was changed"},
		{name: "could not be measured", agents: both[:1], last: results{"paris": broken}, want: judge.Unknown, of: 1, why: "timeout: it said no"},
		{name: "refused", agents: []func(*Mesh){seen("paris", 0, refusing)}, last: results{"paris": ok}, want: judge.Unknown, of: 1, why: "the agent cannot run it: policy: no"},
		{name: "of an agent only results are left, as after a restart of the broker", agents: both[:1],
			last: results{"paris": ok, "tokyo": {wire.OK, time.Hour, 6}}, want: judge.Degraded, of: 2, why: "nothing was measured since it was changed"},
		{name: "it was there two days ago", agents: both[:1], last: results{"paris": ok, "tokyo": {wire.OK, 48 * time.Hour, 7}}, want: judge.Up, of: 1},
		{name: "its heartbeat is two days old", agents: []func(*Mesh){seen("paris", 0), seen("tokyo", 48*time.Hour)}, last: results{"paris": ok}, want: judge.Up, of: 1},
		{name: "it left", agents: []func(*Mesh){seen("paris", 0), seen("tokyo", 0, leaving)}, last: results{"paris": ok, "tokyo": ok}, want: judge.Up, of: 1},
		{name: "offline", agents: []func(*Mesh){seen("paris", time.Hour)}, last: results{"paris": ok}, want: judge.Unknown, of: 1, why: "the agent is offline"},
		{name: "named, and never seen", agents: both, last: results{"paris": ok, "tokyo": ok}, on: wire.Selectors{"paris", "zagreb"}, want: judge.Degraded, of: 2, why: "no agent of that name is known"},
		{name: "by label, of agents that are forgotten only one had this definition", agents: []func(*Mesh){seen("paris", 0, eu)},
			last: results{"paris": ok, "oslo": ok, "tokyo": {wire.OK, 0, 6}}, on: wire.Selectors{"region=eu"}, want: judge.Up, of: 2},
		{name: "paused", agents: both, last: results{"paris": ok}, paused: true, want: judge.Paused},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := New(t0)
			v.KeepResults()
			m := saved("web", 10*time.Second)
			m.Revision, m.Agents, m.Paused = 7, c.on, c.paused
			v.Saved("web", m, nil, t0)
			for _, tell := range c.agents {
				tell(v)
			}
			for id, h := range c.last {
				r := run(id, 1)
				r.Outcome, r.Revision = h.outcome, h.revision
				if h.outcome != wire.OK {
					r.Failure, r.Error = wire.FailTimeout, "it said no\nand more"
				}
				r.Started = t0.Add(1000 * time.Hour) // by a clock that nobody asks
				v.ResultAt(r, t0.Add(-h.age), t0)
			}
			got, there := v.Status("web", t0)
			if !there || got.State != c.want || len(got.Agents) != c.of {
				t.Fatalf("%+v, want %s on %d", got, c.want, c.of)
			}
			if c.of > 0 {
				if last := got.Agents[c.of-1]; last.Why != c.why {
					t.Errorf("%s: %q, want %q", last.Agent, last.Why, c.why)
				}
			}
			for _, a := range got.Agents {
				if tells := a.Reason == judge.NoReason || a.Reason == judge.NotMeasured; tells && c.last[a.Agent].outcome != "" && (a.Result == nil || a.Result.Agent != a.Agent) {
					t.Errorf("%s has no result: %+v", a.Agent, a)
				}
			}
			if row := v.web(t, t0); row.State != c.want {
				t.Errorf("the row is %s, want %s", row.State, c.want)
			}
		})
	}
}

// TestMesh_ResultWaitsForItsMonitor: the two come on ways of their own, and an agent
// without a heartbeat is known by nothing else.
func TestMesh_ResultWaitsForItsMonitor(t *testing.T) {
	v := New(t0)
	v.ResultAt(run("oslo", 1), t0, t0)
	v.Advance(t0.Add(time.Second))
	v.Saved("web", saved("web", time.Minute), nil, t0)
	if s, _ := v.Status("web", t0); s.State != judge.Up {
		t.Errorf("%+v", s)
	}
}

// TestMesh_StatusInAnyOrder tells the same facts in every order: an agent of which
// only results are known counts where it has one.
func TestMesh_StatusInAnyOrder(t *testing.T) {
	facts := []func(*Mesh){
		func(v *Mesh) { v.Saved("web", saved("web", time.Minute), nil, t0) },
		func(v *Mesh) { v.Saved("db", saved("db", time.Minute), nil, t0) },
		func(v *Mesh) { v.ResultAt(run("oslo", 1), t0, t0) },
		func(v *Mesh) { v.ResultAt(run("rome", 1, func(r *wire.Result) { r.Monitor = "db" }), t0, t0) },
		func(v *Mesh) { v.Heartbeat(alive("paris", t0), t0, t0) },
		func(v *Mesh) { v.ResultAt(run("paris", 1), t0, t0) },
	}
	var try func(order []int)
	try = func(order []int) {
		if len(order) < len(facts) {
			for i := range facts {
				if !slices.Contains(order, i) {
					try(append(order, i))
				}
			}
			return
		}
		v := New(t0)
		for _, i := range order {
			facts[i](v)
		}
		web, _ := v.Status("web", t0)
		db, _ := v.Status("db", t0)
		if web.State != judge.Up || len(web.Agents) != 2 || db.State != judge.Degraded || len(db.Agents) != 2 {
			t.Fatalf("in the order %v: %+v, %+v", order, web, db)
		}
	}
	try(nil)
}

// TestMesh_WhatCannotBeReadIsNotListed: what was saved before does not stand for it.
func TestMesh_WhatCannotBeReadIsNotListed(t *testing.T) {
	v := mesh("paris")
	v.Saved("web", nil, errors.New("nobody let it in"), t0)
	if _, ok := v.Status("web", t0); ok || len(v.Monitors()) != 0 || v.Problems()["web"] == "" {
		t.Errorf("%v, %v", v.Monitors(), v.Problems())
	}
	v.Saved("web", saved("web", time.Minute), nil, t0)
	if _, ok := v.Status("web", t0); !ok || len(v.Monitors()) != 1 || len(v.Problems()) != 0 {
		t.Errorf("mended: %v, %v", v.Monitors(), v.Problems())
	}
}
