package console_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"netmon/console"
	"netmon/wire"
)

func child(name string, parents ...string) wire.Saved {
	m := monitor(name)
	m.DependsOn = parents
	return m
}

// TestOps_Parents: whichever way a monitor is saved, its parents are there, and no
// cycle comes of it.
func TestOps_Parents(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	refuse := func(what string, err error, want string) {
		t.Helper()
		if _, ok := errors.AsType[*console.InvalidError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	const missing = `web.depends_on[0]: no monitor "gateway" is saved: save it first, or in the same file`
	_, err := m.Add(ctx, child("web", "gateway"))
	refuse("add", err, missing)
	_, err = m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{child("web", "gateway")}}, false)
	refuse("apply", err, missing)

	plan, err := m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{child("web", "gateway"), child("gateway"), child("shop", "web")}}, false)
	m.must(err)
	_, err = m.Apply(ctx, plan, console.ApplyOptions{})
	m.must(err)
	if _, err := m.SaveSet(ctx, "before", console.Set{}); err != nil {
		t.Fatal(err)
	}

	gateway, err := m.saved("gateway")
	m.must(err)
	gateway.DependsOn = []string{"shop"}
	_, err = m.Edit(ctx, gateway)
	refuse("edit", err, "web.depends_on[0]: gateway -> shop -> web -> gateway is a cycle")
	_, err = m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{gateway}}, false)
	refuse("apply", err, "gateway -> shop -> web -> gateway is a cycle")
	_, err = m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{child("shop", "web")}}, true)
	refuse("prune", err, `shop.depends_on[0]: no monitor "web" is saved`)

	// A rollback that would bring a cycle, or a parent that is gone.
	gateway.DependsOn = nil
	web, err := m.saved("web")
	m.must(err)
	was := web.Edition
	web.DependsOn = nil
	_, err = m.Edit(ctx, web)
	m.must(err)
	gateway, err = m.saved("gateway")
	m.must(err)
	gateway.DependsOn = []string{"shop"}
	_, err = m.Edit(ctx, gateway)
	m.must(err)
	_, err = m.Rollback(ctx, "web", was)
	refuse("rollback", err, "web -> gateway -> shop -> web is a cycle")
	_, err = m.PlanUse(ctx, "before", true)
	m.must(err) // a set is whole

	// What others depend on is not deleted by the way.
	_, err = m.Delete(ctx, "shop", console.DeleteOptions{})
	needed, ok := errors.AsType[*console.DependentsError](err)
	if !ok || !slices.Equal(needed.By, []string{"gateway"}) || err.Error() != "gateway depends on shop" {
		t.Errorf("delete: %v", err)
	}
	_, err = m.Delete(ctx, "shop", console.DeleteOptions{Anyway: true})
	m.must(err)
	_, err = m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{gateway}}, false)
	refuse("apply of one whose parent was deleted", err, `no monitor "shop" is saved`)
}

func TestDependentsError_ManyNames(t *testing.T) {
	e := console.DependentsError{Monitor: "gateway", By: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}}
	if got, want := e.Error(), "a, b, c, d, e, f, g, h and 2 more depend on gateway"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestUnreachable(t *testing.T) {
	eu, us := map[string]string{"region": "eu"}, map[string]string{"region": "us"}
	agents := []console.Agent{
		{Alive: wire.Alive{Agent: "paris", Labels: eu}, Online: true}, {Alive: wire.Alive{Agent: "rome", Labels: eu}}, {Alive: wire.Alive{Agent: "oregon", Labels: us}, Online: true},
		{Alive: wire.Alive{Agent: "old", Labels: us, Leaving: true}},
	}
	for _, c := range []struct {
		name   string
		quorum string
		agents wire.Selectors
		change func(*wire.Saved)
		want   string // "" is reachable
	}{
		{name: "majority", quorum: "majority"},
		{name: "as many as there are", quorum: "3"},
		{name: "one more", quorum: "4", want: "it takes 4 agents to be down, and it is placed on 3"},
		{name: "in one region", quorum: "3", agents: wire.Selectors{"region=eu"}, want: "it takes 3 agents to be down, and it is placed on 2"},
		{name: "with one that is named and has not come", quorum: "3", agents: wire.Selectors{"region=eu", "tokyo"}},
		{name: "values", quorum: "region:2"},
		{name: "too many values", quorum: "region:3", want: "it takes 3 different values of the label region to be down, and its agents have 2"},
		{name: "a label that nobody has", quorum: "tier:1", agents: wire.Selectors{"paris"}, want: "it takes 1 different values of the label tier to be down, and its agents have 0"},
		{name: "nobody", quorum: "any", agents: wire.Selectors{"region=asia"}, want: "no agent that is known is among region=asia"},
		{name: "paused", quorum: "9", change: func(m *wire.Saved) { m.Paused = true }},
		{name: "stopped everywhere", quorum: "9", agents: wire.Selectors{}},
		{name: "one that left, by name", quorum: "1", agents: wire.Selectors{"old"}},
		{name: "percent", quorum: "100%"},
	} {
		m := monitor("web")
		m.Agents = c.agents
		q, err := wire.ParseQuorum(c.quorum)
		if err != nil {
			t.Fatal(err)
		}
		m.Verdict = &wire.Rule{Quorum: q}
		if c.change != nil {
			c.change(&m)
		}
		got := console.Unreachable(m, agents)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := console.Unreachable(monitor("web"), nil); got != "" {
		t.Errorf("of an empty mesh: %s", got)
	}
}

// TestOps_WarnsOfAQuorumThatCannotBeReached, and saves it.
func TestOps_WarnsOfAQuorumThatCannotBeReached(t *testing.T) {
	m := newOpsMesh(t)
	m.agent("paris", nil)
	five := monitor("web")
	five.Verdict = &wire.Rule{Quorum: wire.Quorum{Kind: wire.QuorumNumber, N: 5}}
	o, err := m.Add(t.Context(), five)
	m.must(err)
	var b strings.Builder
	o.Lines(&b)
	if want := "  WARNING: web: it takes 5 agents to be down, and it is placed on 1\n"; !strings.Contains(b.String(), want) || o.Err() != nil {
		t.Errorf("%s%v\nwant %s", b.String(), o.Err(), want)
	}
	is, err := m.saved("web")
	m.must(err)
	if is.Verdict == nil || is.Verdict.Quorum.N != 5 {
		t.Errorf("%+v", is.Verdict)
	}
	is.Verdict = nil
	o, err = m.Edit(t.Context(), is)
	m.must(err)
	if len(o.Changes) != 1 || len(o.Warnings) != 0 {
		t.Errorf("%+v", o)
	}
}

// TestSame_ByHowTheyAreJudged: what is so by default need not be written.
func TestSame_ByHowTheyAreJudged(t *testing.T) {
	off := wire.Crosscheck(0)
	three := wire.Crosscheck(3)
	base := monitor("web")
	with := func(r *wire.Rule, parents ...string) wire.Saved {
		m := base
		m.Verdict, m.DependsOn = r, parents
		return m
	}
	for _, c := range []struct {
		a, b wire.Saved
		want bool
	}{
		{base, with(&wire.Rule{}), true},
		{base, with(&wire.Rule{Quorum: wire.Quorum{Kind: wire.QuorumMajority}, Down: wire.DefaultDown, Up: 2, Crosscheck: &three}), true},
		{base, with(&wire.Rule{Crosscheck: &off}), false},
		{with(&wire.Rule{Up: 3}), with(&wire.Rule{Up: 3, Crosscheck: &three}), true},
		{with(nil, "a", "b"), with(nil, "b", "a"), true},
		{with(nil, "a"), with(nil, "b"), false},
		{base, with(nil, []string{}...), true},
	} {
		if got := console.Same(c.a, c.b); got != c.want {
			t.Errorf("%+v %+v: %t", c.a.Verdict, c.b.Verdict, got)
		}
	}
}
