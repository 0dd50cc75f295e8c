package view

import (
	"errors"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"netmon/judge"
	"netmon/wire"
)

// TestMesh_Status has states from verdicts, and what is known beside them.
func TestMesh_Status(t *testing.T) {
	heard := func(id string, outcome wire.Outcome, revision uint64) func(*Mesh) {
		return func(v *Mesh) {
			r := run(id, 1)
			r.Outcome, r.Revision = outcome, revision
			if outcome != wire.OK {
				r.Failure, r.Error = wire.FailTimeout, "it said no\nand more"
			}
			v.ResultAt(r, t0, t0)
		}
	}
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
	says := func(state wire.VerdictState, revision uint64, q wire.VerdictQuorum, evidence ...wire.Evidence) func(*Mesh) {
		return func(v *Mesh) {
			v.Verdict(wire.Verdict{Monitor: "web", State: state, Since: at(-time.Minute), Why: "the judge says so", Quorum: q, Evidence: evidence, Revision: revision}, t0)
		}
	}
	both := []func(*Mesh){seen("paris", 0), seen("tokyo", 0)}
	known := func(more ...func(*Mesh)) []func(*Mesh) { return append(slices.Clip(both), more...) }
	for _, c := range []struct {
		name string
		told []func(*Mesh)
		save func(*wire.Saved)
		want judge.State
		on   string // a sign for each agent by id
		why  string // of the last agent by id
	}{
		{name: "nothing is known", want: judge.Unknown},
		{name: "not judged yet", told: known(heard("paris", wire.OK, 7)), want: judge.Unknown, on: "??", why: "no result yet"},
		{name: "up", told: known(says("up", 7, wire.VerdictQuorum{Up: []string{"paris", "tokyo"}})), want: judge.Up, on: "●●"},
		{name: "the last result counts for nothing", told: known(says("up", 7, wire.VerdictQuorum{Up: []string{"paris", "tokyo"}}), heard("tokyo", wire.Failed, 7)), want: judge.Up, on: "●●"},
		{name: "degraded, by the last result", told: known(heard("tokyo", wire.Failed, 7), says("degraded", 7, wire.VerdictQuorum{Up: []string{"paris"}, Down: []string{"tokyo"}})),
			want: judge.Degraded, on: "●✕", why: "timeout: it said no"},
		{name: "degraded, by evidence", told: known(says("degraded", 7, wire.VerdictQuorum{Up: []string{"paris"}, Down: []string{"tokyo"}},
			wire.Evidence{Agent: "tokyo", Outcome: wire.Failed, Failure: wire.FailRefused, Text: "refused\nand more"})), want: judge.Degraded, on: "●✕", why: "refused: refused"},
		{name: "slow", told: known(says("degraded", 7, wire.VerdictQuorum{Slow: []string{"paris", "tokyo"}})), want: judge.Degraded, on: "▲▲", why: "it fails there"},
		{name: "blind", told: known(heard("tokyo", wire.Broken, 7), says("up", 7, wire.VerdictQuorum{Up: []string{"paris"}, Blind: []string{"tokyo"}})), want: judge.Up, on: "●?", why: "timeout: it said no"},
		{name: "silent", told: known(says("up", 7, wire.VerdictQuorum{Up: []string{"paris"}, Silent: []string{"tokyo"}})), want: judge.Up, on: "●?", why: "no result came in time"},
		{name: "aside", told: known(func(v *Mesh) {
			v.AgentVerdict(wire.AgentVerdict{Agent: "tokyo", Status: wire.AgentAside, Why: "tokyo has lost its uplink"})
		},
			says("up", 7, wire.VerdictQuorum{Up: []string{"paris"}, Aside: []string{"tokyo"}})), want: judge.Up, on: "●?", why: "set aside: tokyo has lost its uplink"},
		{name: "refused", told: []func(*Mesh){seen("paris", 0, refusing), says("unknown", 7, wire.VerdictQuorum{Silent: []string{"paris"}})}, want: judge.Unknown, on: "?", why: "the agent cannot run it: policy: no"},
		{name: "offline", told: []func(*Mesh){seen("paris", time.Hour), says("unknown", 7, wire.VerdictQuorum{Silent: []string{"paris"}})}, want: judge.Unknown, on: "?", why: "the agent is offline"},
		{name: "it left", told: []func(*Mesh){seen("paris", 0), seen("tokyo", 0, leaving), says("up", 7, wire.VerdictQuorum{Up: []string{"paris"}})}, want: judge.Up, on: "●"},
		{name: "an agent of which nothing else is known", told: []func(*Mesh){says("up", 7, wire.VerdictQuorum{Up: []string{"oslo"}})}, want: judge.Up, on: "●"},
		{name: "named, and never seen", told: known(says("up", 7, wire.VerdictQuorum{Up: []string{"paris"}, Silent: []string{"zagreb"}})),
			save: func(m *wire.Saved) { m.Agents = wire.Selectors{"paris", "zagreb"} }, want: judge.Up, on: "●?", why: "no agent of that name is known"},
		{name: "a verdict of before the change", told: known(says("up", 6, wire.VerdictQuorum{Up: []string{"paris", "tokyo"}}), heard("tokyo", wire.OK, 6)),
			want: judge.Unknown, on: "??", why: "no result since its last change"},
		{name: "paused", told: known(says("up", 7, wire.VerdictQuorum{Up: []string{"paris"}})), save: func(m *wire.Saved) { m.Paused = true }, want: judge.Paused},
		{name: "a state of a newer judge", told: known(says("quarantined", 7, wire.VerdictQuorum{Up: []string{"paris", "tokyo"}})), want: judge.Unknown, on: "●●"},
		{name: "who judges is not heard", told: known(says("up", 7, wire.VerdictQuorum{Up: []string{"paris", "tokyo"}}), func(v *Mesh) { v.InContact(t0.Add(-time.Minute)) }),
			want: judge.Unknown, on: "??", why: "no result yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := New(t0)
			v.KeepResults()
			m := saved("web", 10*time.Second)
			if m.Revision = 7; c.save != nil {
				c.save(m)
			}
			v.Saved("web", m, nil, t0)
			for _, tell := range c.told {
				tell(v)
			}
			got, there := v.Status("web", t0)
			on, why := "", ""
			for _, a := range got.Agents {
				on, why = on+a.State.Mark(), a.Why
			}
			if !there || got.State != c.want || on != c.on || why != c.why {
				t.Fatalf("%+v: %s on %q, %q, want %s on %q, %q", got, got.State, on, why, c.want, c.on, c.why)
			}
			if holds := got.State != judge.Unknown && got.State != judge.Paused; holds && (got.Since != at(-time.Minute) || got.Why != "the judge says so") {
				t.Errorf("since %v: %s", got.Since, got.Why)
			}
			if row := v.web(t, t0); row.State != c.want || row.Of != utf8.RuneCountInString(c.on) {
				t.Errorf("the row is %s on %d, want %s", row.State, row.Of, c.want)
			}
		})
	}
}

// TestMesh_ChangedSince: a change of what is measured ends a verdict, another one does not.
func TestMesh_ChangedSince(t *testing.T) {
	v := mesh("paris")
	judged := func(state wire.VerdictState, revision uint64) {
		v.Verdict(wire.Verdict{Monitor: "web", State: state, Revision: revision, Quorum: wire.VerdictQuorum{Up: []string{"paris"}}}, t0)
	}
	save := func(revision uint64, change func(*wire.Saved)) {
		m := saved("web", time.Second)
		m.Revision = revision
		change(m)
		v.Saved("web", m, nil, t0)
	}
	is := func(what string, want judge.State) {
		t.Helper()
		if s, _ := v.Status("web", t0); s.State != want {
			t.Errorf("%s: %+v, want %s", what, s, want)
		}
	}
	judged("up", 1)
	is("judged", judge.Up)
	save(2, func(m *wire.Saved) { m.Agents = wire.Selectors{"paris"} })
	is("placed elsewhere", judge.Up)
	save(3, func(m *wire.Saved) { m.Verdict = &wire.Rule{Up: 3} })
	is("judged otherwise", judge.Up)
	save(4, func(m *wire.Saved) { m.Target = "h:2" })
	is("another target", judge.Unknown)
	if got := v.Outdated(); !slices.Equal(got, []string{"web"}) {
		t.Errorf("outdated: %v", got)
	}
	v.MeasuredSince("web", 1, t0) // it was so before, too
	is("the same after all", judge.Up)
	save(5, func(m *wire.Saved) { m.Target = "h:1" })
	judged("down", 5)
	is("judged anew", judge.Down)
	save(6, func(m *wire.Saved) { m.Paused = true })
	is("paused", judge.Paused)
	judged("paused", 6)
	save(7, func(m *wire.Saved) {})
	is("started again", judge.Unknown)
	judged("up", 7)
	is("judged again", judge.Up)
	v.Saved("web", nil, nil, t0)
	save(8, func(m *wire.Saved) {})
	is("deleted, and saved anew", judge.Unknown)
}

// TestMesh_Judged: what another judge says takes the place of all that was said.
func TestMesh_Judged(t *testing.T) {
	v := mesh("paris")
	v.Verdict(wire.Verdict{Monitor: "web", State: "up", Revision: 1}, t0)
	v.Verdict(wire.Verdict{Monitor: "later", State: "up", Revision: 1}, t0)
	v.AgentVerdict(wire.AgentVerdict{Agent: "paris", Status: wire.AgentAside, Monitors: 1})
	if s := v.Snapshot(Query{}, t0); s.Here || len(s.Unable) != 1 || s.Monitors[0].State != judge.Up {
		t.Errorf("%+v", s)
	}
	v.Judged(Verdicts{Here: true, Monitors: []wire.Verdict{{Monitor: "later", State: "down", Revision: 1}}}, t0)
	v.Saved("later", saved("later", time.Second), nil, t0)
	s := v.Snapshot(Query{Sort: ByName}, t0)
	if !s.Here || len(s.Unable) != 0 || s.Monitors[0].State != judge.Down || s.Monitors[1].State != judge.Unknown {
		t.Errorf("%+v", s)
	}
	v.Advance(t0.Add(Contact + time.Second))
	if s, _ := v.Status("later", t0.Add(Contact+time.Second)); s.State != judge.Unknown || s.Why == "" {
		t.Errorf("out of contact: %+v", s)
	}
	v.InContact(t0.Add(time.Minute))
	if s, _ := v.Status("later", t0.Add(time.Minute)); s.State != judge.Down {
		t.Errorf("in contact again: %+v", s)
	}
}

// TestMesh_ResultWaitsForItsMonitor: the two come on ways of their own, and an agent
// without a heartbeat is known by nothing else.
func TestMesh_ResultWaitsForItsMonitor(t *testing.T) {
	v := New(t0)
	v.ResultAt(run("oslo", 1), t0, t0)
	v.Advance(t0.Add(time.Second))
	v.Saved("web", saved("web", time.Minute), nil, t0)
	if r := v.web(t, t0.Add(2*time.Second)); marks(r.Strip) != "●" || r.Of != 1 {
		t.Errorf("%+v", r)
	}
}

// TestMesh_StatusInAnyOrder gives the same facts in every order: an agent of which
// only results are known counts where it has one.
func TestMesh_StatusInAnyOrder(t *testing.T) {
	facts := []func(*Mesh){
		func(v *Mesh) { v.Saved("web", saved("web", time.Minute), nil, t0) },
		func(v *Mesh) { v.Saved("db", saved("db", time.Minute), nil, t0) },
		func(v *Mesh) { v.ResultAt(run("oslo", 1), t0, t0) },
		func(v *Mesh) { v.ResultAt(run("rome", 1, func(r *wire.Result) { r.Monitor = "db" }), t0, t0) },
		func(v *Mesh) { v.Heartbeat(alive("paris", t0), t0, t0) },
		func(v *Mesh) {
			v.Verdict(wire.Verdict{Monitor: "web", State: "up", Revision: 1, Quorum: wire.VerdictQuorum{Up: []string{"oslo", "paris"}}}, t0)
		},
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
		if web.State != judge.Up || len(web.Agents) != 2 || db.State != judge.Unknown || len(db.Agents) != 2 {
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
