package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

var t0 = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return t0.Add(d) }

// mesh has one saved monitor web, every 1s, on agents that are online.
func mesh(agents ...string) *Mesh {
	v := New(t0)
	v.Saved("web", saved("web", time.Second), nil, t0)
	for _, a := range agents {
		v.Heartbeat(alive(a, t0), t0, t0)
	}
	return v
}

func saved(name string, every time.Duration) *wire.Saved {
	return &wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(every), Timeout: wire.Duration(time.Second), Revision: 1}}
}

func alive(agent string, at time.Time) wire.Alive {
	return wire.Alive{Agent: agent, At: at, Started: t0}
}

// run is the n-th result of web on an agent, a second after the previous one.
func run(agent string, n int, change ...func(*wire.Result)) wire.Result {
	ms := int64(n) * 1e6
	r := wire.Result{Agent: agent, Monitor: "web", Kind: "tcp", Target: "h:1", Epoch: "E", Seq: uint64(n), Run: uint64(n), Revision: 1,
		Due: at(time.Duration(n) * time.Second), Started: at(time.Duration(n) * time.Second), LatencyNS: &ms, Outcome: wire.OK}
	for _, c := range change {
		c(&r)
	}
	return r
}

func failed(f wire.Failure) func(*wire.Result) {
	return func(r *wire.Result) {
		r.Outcome, r.Failure, r.Error, r.LatencyNS = wire.Failed, f, "said "+string(f), nil
	}
}

func broken(r *wire.Result) {
	r.Outcome, r.Failure, r.LatencyNS = wire.Broken, wire.BrokenPermission, nil
}

func (v *Mesh) web(t *testing.T, now time.Time) Row {
	t.Helper()
	s := v.Snapshot(Query{Strip: 20, Names: []string{"web"}}, now)
	if len(s.Monitors) != 1 {
		t.Fatalf("%d rows of web", len(s.Monitors))
	}
	return s.Monitors[0]
}

func marks(strip []judge.State) string {
	out := ""
	for _, s := range strip {
		out += s.Mark()
	}
	return out
}

func TestMesh_Strips(t *testing.T) {
	for name, tc := range map[string]struct {
		feed  func(v *Mesh)
		now   time.Duration
		strip string
	}{
		"nothing came yet":  {func(v *Mesh) {}, time.Second, ""},
		"ok on both agents": {func(v *Mesh) { v.Result(run("a", 1), t0); v.Result(run("b", 1), t0) }, 2 * time.Second, "●"},
		"failed on one":     {func(v *Mesh) { v.Result(run("a", 1), t0); v.Result(run("b", 1, failed("refused")), t0) }, 2 * time.Second, "▲"},
		"failed on both": {func(v *Mesh) {
			v.Result(run("a", 1, failed("refused")), t0)
			v.Result(run("b", 1, failed("refused")), t0)
		}, 2 * time.Second, "✕"},
		"slow on both": {func(v *Mesh) { v.Result(run("a", 1, failed("slow")), t0); v.Result(run("b", 1, failed("slow")), t0) }, 2 * time.Second, "▲"},
		"one agent is silent": {func(v *Mesh) {
			v.Result(run("a", 1), t0)
			for n := range 9 {
				v.Result(run("b", n+1), at(time.Duration(n+1)*time.Second))
			}
		}, 9 * time.Second, "●????????"},
		"both are silent":         {func(v *Mesh) { v.Result(run("a", 1), t0); v.Result(run("b", 1), t0) }, 5 * time.Second, "●????"},
		"neither could measure":   {func(v *Mesh) { v.Result(run("a", 1, broken), t0); v.Result(run("b", 1, broken), t0) }, 2 * time.Second, "?"},
		"an outcome of tomorrow":  {func(v *Mesh) { v.Result(run("a", 1, func(r *wire.Result) { r.Outcome = "perhaps" }), t0) }, 2 * time.Second, "?"},
		"down, and one not known": {func(v *Mesh) { v.Result(run("a", 1, failed("refused")), t0) }, 2 * time.Second, "✕"},
		"an agent said good-bye": {func(v *Mesh) {
			v.Result(run("a", 1), t0)
			b := alive("b", at(time.Second))
			b.Leaving = true
			v.Heartbeat(b, at(time.Second), at(time.Second))
		}, 2 * time.Second, "●"},
		"an agent is gone": {func(v *Mesh) {
			v.Result(run("a", 1), t0)
			v.Result(run("b", 1, failed("refused")), t0)
			v.Heartbeat(wire.Farewell("b", at(time.Second)), at(time.Second), at(time.Second))
			v.Result(run("b", 2, failed("refused")), at(time.Second)) // it was on its way
		}, 2 * time.Second, "●"},
		"an agent was gone, and is back": {func(v *Mesh) {
			v.Result(run("a", 1), t0)
			v.Result(run("b", 1, failed("refused")), t0)
			v.Heartbeat(wire.Farewell("b", at(time.Second)), at(time.Second), at(time.Second))
			v.Heartbeat(alive("b", at(time.Second)), at(time.Second), at(time.Second))
			v.Result(run("b", 2), at(time.Second))
		}, 2 * time.Second, "●"},
		"paused": {func(v *Mesh) {
			v.Result(run("a", 1), t0)
			p := saved("web", time.Second)
			p.Paused = true
			v.Saved("web", p, nil, at(time.Second))
		}, 2 * time.Second, "●"},
		"an old result came late": {func(v *Mesh) {
			v.Result(run("a", 2, failed("refused")), t0)
			v.Result(run("a", 1), t0)
			v.Result(run("b", 2), t0)
			v.Result(run("b", 1, failed("refused")), t0)
		}, 3 * time.Second, "▲▲"},
		"runs are lost": {func(v *Mesh) {
			for _, a := range []string{"a", "b"} {
				v.Result(run(a, 1), t0)
				v.Result(run(a, 4), t0)
			}
		}, 4 * time.Second, "●??●"},
		"the agent says that it dropped some": {func(v *Mesh) {
			for _, a := range []string{"a", "b"} {
				v.Result(run(a, 1), t0)
				v.Result(run(a, 2, func(r *wire.Result) { r.Dropped = 3 }), t0)
			}
		}, 2 * time.Second, "●?●"},
		"lost runs that came after all": {func(v *Mesh) {
			for _, a := range []string{"a", "b"} {
				for _, n := range []int{1, 4, 3, 2, 3, 4} {
					v.Result(run(a, n), t0)
				}
			}
		}, 4 * time.Second, "●●●●"},
		"a new epoch is no gap": {func(v *Mesh) {
			for _, a := range []string{"a", "b"} {
				v.Result(run(a, 1), t0)
				v.Result(run(a, 2), t0)
				v.Result(run(a, 3, func(r *wire.Result) { r.Epoch, r.Run = "F", 1 }), t0)
				v.Result(run(a, 4, func(r *wire.Result) { r.Epoch, r.Run = "F", 2 }), t0)
			}
		}, 4 * time.Second, "●●●●"},
		"a new epoch after a silence is one": {func(v *Mesh) {
			for _, a := range []string{"a", "b"} {
				v.Result(run(a, 1), t0)
				v.Result(run(a, 7, func(r *wire.Result) { r.Epoch, r.Run = "F", 1 }), t0)
			}
		}, 7 * time.Second, "●?????●"},
	} {
		t.Run(name, func(t *testing.T) {
			v := mesh("a", "b")
			tc.feed(v)
			if got := marks(v.web(t, at(tc.now)).Strip); got != tc.strip {
				t.Errorf("%q, want %q", got, tc.strip)
			}
		})
	}
}

// TestMesh_ByHand has monitors that nobody saved: their state is that of the runs
// heard last.
func TestMesh_ByHand(t *testing.T) {
	byHand := func(r *wire.Result) { r.Revision = 0 }
	hear := func(v *Mesh, agent string, change ...func(*wire.Result)) {
		v.Result(run(agent, 1, append(change, byHand)...), at(time.Second))
	}
	for name, tc := range map[string]struct {
		feed   func(v *Mesh)
		now    time.Duration
		state  judge.State
		up, of int
	}{
		"ok on both agents": {func(v *Mesh) { hear(v, "a"); hear(v, "b") }, 2 * time.Second, judge.Up, 2, 2},
		"failed on one":     {func(v *Mesh) { hear(v, "a"); hear(v, "b", failed("refused")) }, 2 * time.Second, judge.Degraded, 1, 2},
		"failed on both":    {func(v *Mesh) { hear(v, "a", failed("refused")); hear(v, "b", failed("refused")) }, 2 * time.Second, judge.Down, 0, 2},
		"slow on both":      {func(v *Mesh) { hear(v, "a", failed("slow")); hear(v, "b", failed("slow")) }, 2 * time.Second, judge.Degraded, 2, 2},
		"neither measured":  {func(v *Mesh) { hear(v, "a", broken); hear(v, "b", broken) }, 2 * time.Second, judge.Unknown, 0, 2},
		"one is offline": {func(v *Mesh) {
			hear(v, "a")
			v.Heartbeat(alive("b", at(25*time.Second)), at(25*time.Second), at(25*time.Second))
			hear(v, "b")
		}, 31 * time.Second, judge.Degraded, 1, 2},
		"both are silent": {func(v *Mesh) { hear(v, "a"); hear(v, "b") }, time.Minute, judge.Unknown, 0, 2},
		"an agent is gone": {func(v *Mesh) {
			hear(v, "a")
			hear(v, "b", failed("refused"))
			v.Heartbeat(wire.Farewell("b", at(time.Second)), at(time.Second), at(time.Second))
			hear(v, "b", failed("refused")) // it was on its way
		}, 2 * time.Second, judge.Up, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			v := mesh("a", "b")
			v.Saved("web", nil, nil, t0)
			tc.feed(v)
			r := v.web(t, at(tc.now))
			if r.State != tc.state || r.Up != tc.up || r.Of != tc.of || !r.Manual || r.Verdict != nil {
				t.Errorf("%v %d/%d, want %v %d/%d", r.State, r.Up, r.Of, tc.state, tc.up, tc.of)
			}
		})
	}
}

func TestMesh_CorrectsAnAgentsClock(t *testing.T) {
	v := New(t0)
	v.Heartbeat(alive("a", at(-time.Hour)), t0, t0) // its clock is an hour behind
	v.Result(run("a", 1, func(r *wire.Result) { r.Started, r.Revision = at(time.Second-time.Hour), 0 }), at(time.Second))
	if r := v.web(t, at(2*time.Second)); r.State != judge.Up {
		t.Errorf("the agent's clock is behind, and web is %v", r.State)
	}
}

func TestMesh_Figures(t *testing.T) {
	v := mesh("a")
	for n := 1; n <= 20; n++ {
		var change []func(*wire.Result)
		if n%5 == 0 {
			change = append(change, failed("refused"))
		}
		v.Result(run("a", n, change...), t0)
	}
	f := v.web(t, at(20500*time.Millisecond)).Figures
	// 16 latencies of 1 to 19 ms without the fifths; 3.5 of 19.5 s are down.
	if f.Last.OK || f.P50.Duration() != 9*time.Millisecond || f.P95.Duration() != 19*time.Millisecond || f.Loss.OK || f.CertDays.OK {
		t.Errorf("%+v", f)
	}
	if want := 16 / 19.5; !f.Good.OK || f.Good.V < want-0.001 || f.Good.V > want+0.001 {
		t.Errorf("uptime %v, want %v", f.Good, want)
	}
	loss, ends := 0.1, at(90*24*time.Hour)
	v.Result(run("a", 21, func(r *wire.Result) { r.Loss, r.CertExpires = &loss, &ends }), t0)
	if f := v.web(t, at(22*time.Second)).Figures; f.Loss.V != 0.1 || f.CertDays.V != 89 || f.Last.Duration() != 21*time.Millisecond {
		t.Errorf("%+v", f)
	}
}

func TestMesh_ForgetsWhatIsDeleted(t *testing.T) {
	v := mesh("a")
	v.Result(run("a", 1), t0)
	v.Saved("web", nil, nil, t0)
	v.Result(run("a", 2), t0) // one that was on its way
	if s := v.Snapshot(Query{}, at(time.Minute)); s.Totals.All != 0 || len(s.Monitors) != 0 {
		t.Errorf("%+v", s.Totals)
	}
	v.Saved("web", saved("web", time.Second), nil, at(2*time.Second)) // it comes back, and the held result with it
	if r := v.web(t, at(3*time.Second)); marks(r.Strip) != "●" {
		t.Errorf("%v", r.Strip)
	}
	v.Only(map[string]bool{})
	if s := v.Snapshot(Query{}, at(time.Minute)); s.Totals.All != 0 {
		t.Errorf("%+v", s.Totals)
	}
}

func TestMesh_MonitorsStartedByHand(t *testing.T) {
	v := mesh("a")
	v.Saved("web", nil, nil, t0)
	for n := 1; n < 4; n++ {
		v.Result(run("a", n, func(r *wire.Result) { r.Revision = 0 }), at(time.Duration(n)*time.Second))
	}
	if r := v.web(t, at(4*time.Second)); r.State != judge.Up || !r.Manual || r.Every != time.Second {
		t.Errorf("%+v", r)
	}
	if s := v.Snapshot(Query{}, at(time.Hour)); s.Totals.All != 0 {
		t.Error("one that is stopped by hand stays for ever")
	}
}

// TestMesh_AGapIsNeverUp gives the results of one agent with some lost, some
// failed, some twice, in any order, and compares with what is known then.
func TestMesh_AGapIsNeverUp(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		v := mesh("a")
		const most = 20
		want := make([]judge.State, most)
		var given []wire.Result
		for n := range most {
			want[n] = judge.Unknown
			if rnd.IntN(3) == 0 && n > 0 && n < most-1 {
				continue // lost
			}
			var change []func(*wire.Result)
			if want[n] = judge.Up; rnd.IntN(3) == 0 {
				want[n], change = judge.Down, append(change, failed("refused"))
			}
			r := run("a", n+1, change...)
			given = append(given, r)
			if rnd.IntN(4) == 0 {
				given = append(given, r)
			}
		}
		rnd.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		for _, r := range given {
			v.Result(r, at(most*time.Second))
		}
		r := v.web(t, at(most*time.Second))
		if !slices.Equal(r.Strip, want) {
			t.Fatalf("seed %d: %s, want %s", seed, marks(r.Strip), marks(want))
		}
		up, known := 0.0, 0.0
		for n := range most - 1 {
			if want[n] != judge.Unknown {
				known++
			}
			if want[n] == judge.Up {
				up++
			}
		}
		if known > 0 && (!r.Good.OK || r.Good.V < up/known-1e-9 || r.Good.V > up/known+1e-9) {
			t.Fatalf("seed %d: uptime %v, want %v of %s", seed, r.Good.V, up/known, marks(want))
		}
		s := v.Snapshot(Query{Detail: "web", Plot: 40}, at(most*time.Second+10*time.Second))
		for i, run := range s.Detail.Plot {
			if known := i < most && want[i] != judge.Unknown; known != !run.At.IsZero() || !known && run.Latency.OK {
				t.Fatalf("seed %d: place %d of the plot: %+v of %s", seed, i, run, marks(want))
			}
		}
		if s.Totals.Monitors[judge.Up] != 0 {
			t.Fatalf("seed %d: up ten seconds after its last result", seed)
		}
	}
}

// TestMesh_CountsStayTrue compares the counts that are kept up to date with
// what they count, after anything that may happen.
func TestMesh_CountsStayTrue(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	v, now := New(t0), t0
	agents, names := []string{"a", "b", "c"}, []string{"web", "db", "dns"}
	for range 20000 {
		now = now.Add(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		agent, name := agents[rnd.IntN(3)], names[rnd.IntN(3)]
		switch rnd.IntN(12) {
		case 10:
			x := wire.Verdict{Monitor: name, State: wire.VerdictDegraded, Revision: uint64(rnd.IntN(2))}
			x.Quorum.Down, x.Quorum.Up = agents[:rnd.IntN(3)], agents[2:]
			v.Verdict(x, now)
		case 11:
			if rnd.IntN(2) == 0 {
				v.InContact(now)
			}
		case 0:
			m := saved(name, time.Duration(1+rnd.IntN(20))*time.Second)
			m.Paused = rnd.IntN(4) == 0
			if rnd.IntN(2) == 0 {
				m.Agents = wire.Selectors{agent}
			}
			v.Saved(name, m, nil, now)
		case 1:
			v.Saved(name, nil, nil, now)
		case 2:
			b := alive(agent, now)
			b.Leaving = rnd.IntN(5) == 0
			b.Gone = rnd.IntN(10) == 0
			v.Heartbeat(b, now, now)
		case 3:
			v.Snapshot(Query{Strip: 10, Cells: true, Detail: name, Plot: 10}, now)
		default:
			r := run(agent, rnd.IntN(9000), func(r *wire.Result) {
				r.Monitor, r.Started, r.Revision = name, now.Add(-time.Duration(rnd.IntN(20))*time.Second), uint64(rnd.IntN(2))
			})
			v.Result(r, now)
		}
		for _, m := range v.monitors {
			var n judge.Counts
			for _, s := range m.series {
				if s.wanted {
					n[s.state]++
				}
			}
			if n != m.count {
				t.Fatalf("%s counts %v, is %v", m.name, m.count, n)
			}
		}
	}
}

func TestSnapshot_OrderAndWindow(t *testing.T) {
	v := New(t0)
	v.Heartbeat(alive("a", t0), t0, t0)
	for n := range 30 {
		name := fmt.Sprintf("m%02d", n)
		v.Saved(name, saved(name, time.Second), nil, t0)
		x := wire.Verdict{Monitor: name, State: wire.VerdictUp, Revision: 1}
		if n%10 == 3 {
			x.State = wire.VerdictDown
		}
		v.Verdict(x, t0)
	}
	names := func(s Snapshot) (out []string) {
		for _, m := range s.Monitors {
			out = append(out, m.Name)
		}
		return out
	}
	s := v.Snapshot(Query{Limit: 5}, at(2*time.Second))
	if got := names(s); !slices.Equal(got, []string{"m03", "m13", "m23", "m00", "m01"}) || s.Cursor != "m03" || s.Matching != 30 {
		t.Errorf("%v at %s of %d", got, s.Cursor, s.Matching)
	}
	s = v.Snapshot(Query{Limit: 5, First: s.First, Cursor: s.Cursor, Move: 6}, at(2*time.Second))
	if got := names(s); !slices.Equal(got, []string{"m23", "m00", "m01", "m02", "m04"}) || s.Cursor != "m04" {
		t.Errorf("%v at %s from %d", got, s.Cursor, s.First)
	}
	s = v.Snapshot(Query{Limit: 5, Cursor: "m29", Move: 99}, at(2*time.Second))
	if got := names(s); got[4] != "m29" || s.Cursor != "m29" || s.First != 25 {
		t.Errorf("%v at %s from %d", got, s.Cursor, s.First)
	}
	s = v.Snapshot(Query{Filter: "down 13"}, at(2*time.Second))
	if got := names(s); !slices.Equal(got, []string{"m13"}) {
		t.Errorf("%v", got)
	}
	if s := v.Snapshot(Query{Filter: "nothing", Cursor: "m01"}, at(2*time.Second)); len(s.Monitors) != 0 || s.Cursor != "" {
		t.Errorf("%+v", s)
	}
	for _, by := range Sorts {
		if s := v.Snapshot(Query{Sort: by}, at(2*time.Second)); len(s.Monitors) != 30 {
			t.Errorf("by %v: %d rows", by, len(s.Monitors))
		}
	}
}

// TestPlaced: of a monitor on some of the agents that match, the chosen ones run it, whichever
// of monitor and placement comes first.
func TestPlaced(t *testing.T) {
	on := func(v *Mesh) (ids []string) {
		st, _ := v.Status("some", t0)
		for _, a := range st.Agents {
			ids = append(ids, a.Agent)
		}
		return ids
	}
	some := saved("some", time.Second)
	some.Agents = wire.Selectors{"2 of all"}
	first, second := wire.Placement{Monitor: "some", Agents: []string{"oslo", "paris"}}, wire.Placement{Monitor: "some", Agents: []string{"oslo", "rome"}}
	for name, steps := range map[string][]func(*Mesh){
		"the monitor first":   {func(v *Mesh) { v.Saved("some", some, nil, t0) }, func(v *Mesh) { v.Placed(first, t0) }},
		"the placement first": {func(v *Mesh) { v.Judged(Verdicts{Placed: []wire.Placement{first}}, t0) }, func(v *Mesh) { v.Saved("some", some, nil, t0) }},
	} {
		v := mesh("oslo", "paris", "rome")
		for _, step := range steps {
			step(v)
		}
		if got := on(v); !slices.Equal(got, first.Agents) {
			t.Errorf("%s: it runs on %v", name, got)
		}
		was := v.SavedChanges()
		v.Placed(second, t0)
		if got := on(v); !slices.Equal(got, second.Agents) || v.SavedChanges() == was {
			t.Errorf("%s: it moved, and runs on %v", name, got)
		}
		if i := slices.IndexFunc(v.Monitors(), func(m wire.Saved) bool { return m.Name == "some" }); !slices.Equal(v.Monitors()[i].Chosen, second.Agents) {
			t.Errorf("%s: %+v", name, v.Monitors()[i])
		}
		every := *some
		every.Agents = nil
		v.Saved("some", &every, nil, t0)
		if got := on(v); len(got) != 3 {
			t.Errorf("%s: on all it runs on %v", name, got)
		}
	}
	if some.Chosen != nil {
		t.Error("the monitor that was given is changed")
	}
}
