package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/broker"
	"netmon/console"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// opsMesh is a broker, and agents in this process. No controller is there: what
// agents do, Ops had them do.
type opsMesh struct {
	t *testing.T
	b *broker.Broker
	*console.Ops
	cl *console.Client
}

func newOpsMesh(t *testing.T) *opsMesh {
	m := &opsMesh{t: t, b: natstest.Start(t)}
	m.cl = m.console()
	m.Ops = m.cl.Ops(console.Checks{Monitor: kinds.All().CheckMonitor})
	return m
}

func (m *opsMesh) console() *console.Client {
	m.t.Helper()
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) })
	m.must(err)
	m.t.Cleanup(cl.Close)
	return cl
}

func (m *opsMesh) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// agent runs one until stop, and waits until it is known.
func (m *opsMesh) agent(id string, labels map[string]string) (stop func()) {
	m.t.Helper()
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, Labels: labels, State: filepath.Join(m.t.TempDir(), id), Version: "1.0.0",
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) }})
	m.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			m.t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	m.t.Cleanup(stop)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		list, err := m.cl.Agents(m.t.Context())
		m.must(err)
		if slices.ContainsFunc(list, func(a console.Agent) bool { return a.Agent == id && a.Online }) {
			return stop
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s does not come", id)
		}
	}
}

// refuser plays an agent that refuses every command.
func (m *opsMesh) refuser(id string) {
	m.t.Helper()
	m.plays(id, wire.Refuse(id, wire.Error{Code: wire.CodeDenied, Message: "its policy says no"}))
}

// plays is an agent that always answers the same, and does nothing.
func (m *opsMesh) plays(id string, r wire.Reply) {
	m.t.Helper()
	nc := natstest.Connect(m.t, m.b)
	_, err := nc.Subscribe("agent."+id+".cmd", func(msg *nats.Msg) { msg.Respond(r.Encode()) })
	m.must(err)
	m.must(nc.Flush())
	data, err := json.Marshal(wire.Alive{Agent: id})
	m.must(err)
	_, err = natstest.JetStream(m.t, nc).Publish(m.t.Context(), "agent."+id+".alive", data)
	m.must(err)
}

func monitor(name string, on ...string) wire.Saved {
	return wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(time.Hour)}, Agents: on}
}

// answers are what agents were sent, a line for each.
func answers(o console.Outcome) string {
	var b strings.Builder
	for _, t := range o.Acks {
		b.WriteString(t.Agent + " " + t.Monitor + " " + t.Text + "\n")
	}
	return b.String()
}

func (m *opsMesh) saved(name string) (wire.Saved, error) {
	store, err := m.cl.Monitors(m.t.Context())
	m.must(err)
	return store.Get(m.t.Context(), name)
}

func TestOps_OneMonitorFromItsBeginningToItsEnd(t *testing.T) {
	m := newOpsMesh(t)
	m.agent("paris", nil)
	ctx := t.Context()
	web := monitor("web", "paris")
	changed := web
	changed.Every = wire.Duration(2 * time.Hour)
	var first uint64
	for _, step := range []struct {
		what string
		do   func() (console.Outcome, error)
		did  console.Did // "" for nothing
		told string
		line string
	}{
		{what: "add", do: func() (console.Outcome, error) { return m.Add(ctx, web) }, did: console.Added, told: "paris web running\n", line: "web saved: paris running"},
		{what: "add the same", do: func() (console.Outcome, error) { return m.Add(ctx, web) }, line: "web is saved already, with the same settings"},
		{what: "start what runs", do: func() (console.Outcome, error) { return m.Start(ctx, "web", nil) }, told: "paris web running\n", line: "web was already started: paris running"},
		{what: "edit", do: func() (console.Outcome, error) {
			is, err := m.saved("web")
			first, changed.Revision = is.Revision, is.Revision
			m.must(err)
			return m.Edit(ctx, changed)
		}, did: console.Changed, told: "paris web running\n", line: "web changed: paris running"},
		{what: "edit to the same", do: func() (console.Outcome, error) { return m.Edit(ctx, changed) }, line: "web is unchanged"},
		{what: "stop", do: func() (console.Outcome, error) { return m.Stop(ctx, "web", nil) }, did: console.Changed, told: "paris web stopped\n", line: "web stopped: paris stopped"},
		{what: "stop where it does not run", do: func() (console.Outcome, error) { return m.Stop(ctx, "web", wire.Selectors{"all"}) }, line: "web does not run on all: nothing is changed; no agent runs it"},
		{what: "start there", do: func() (console.Outcome, error) { return m.Start(ctx, "web", wire.Selectors{"paris"}) }, did: console.Changed, told: "paris web running\n", line: "web started on paris: paris running"},
		{what: "roll back", do: func() (console.Outcome, error) { return m.Rollback(ctx, "web", first) }, did: console.Changed, told: "paris web running\n"},
		{what: "roll back to the same", do: func() (console.Outcome, error) { return m.Rollback(ctx, "web", first) }},
		{what: "delete", do: func() (console.Outcome, error) { return m.Delete(ctx, "web", console.DeleteOptions{}) }, did: console.Deleted, told: "paris web stopped\n", line: "web deleted: paris stopped"},
		{what: "bring back", do: func() (console.Outcome, error) { return m.Rollback(ctx, "web", first) }, did: console.Added, told: "paris web running\n"},
	} {
		o, err := step.do()
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if step.did == "" && (len(o.Changes) != 0 || o.Same != 1) || step.did != "" && (len(o.Changes) != 1 || o.Changes[0].Did() != step.did || o.Changes[0].Revision == 0) {
			t.Errorf("%s: changes %+v, %d the same; want %q", step.what, o.Changes, o.Same, step.did)
		}
		if got := answers(o); got != step.told || o.Err() != nil {
			t.Errorf("%s: told %q (%v), want %q", step.what, got, o.Err(), step.told)
		}
		if step.line != "" && o.Line() != step.line {
			t.Errorf("%s: %q, want %q", step.what, o.Line(), step.line)
		}
	}
}

func TestOps_AgentsThatAreAwayUnknownOrRefuse(t *testing.T) {
	m := newOpsMesh(t)
	m.agent("paris", nil)
	m.agent("tokyo", nil)() // and leaves
	m.refuser("rome")
	o, err := m.Add(t.Context(), monitor("web", "paris", "tokyo", "rome", "pariss"))
	if err != nil {
		t.Fatal(err)
	}
	refused, ok := errors.AsType[*console.RefusedError](o.Err())
	if !ok || *refused != (console.RefusedError{Refused: 1, Of: 4}) {
		t.Errorf("its error: %v", o.Err())
	}
	if len(o.Acks) != 4 {
		t.Fatalf("told %+v", o.Acks)
	}
	for i, want := range []console.Ack{{Agent: "paris", OK: true, Text: "running"}, {Agent: "pariss", Away: true, Text: "no agent of that name"},
		{Agent: "rome", Text: "refused: "}, {Agent: "tokyo", Away: true, Text: "not told: the agent is offline"}} {
		got := o.Acks[i]
		if got.Agent != want.Agent || got.OK != want.OK || got.Away != want.Away || !strings.HasPrefix(got.Text, want.Text) {
			t.Errorf("told %+v, want %+v", got, want)
		}
	}
	if is, err := m.saved("web"); err != nil || is.Revision != o.Changes[0].Revision {
		t.Errorf("it is not saved: %+v %v", is, err)
	}
	var out strings.Builder
	o.Lines(&out)
	if lines := strings.Split(out.String(), "\n"); len(lines) != 6 || lines[0] != "web saved" || lines[1] != "  paris        web running" {
		t.Errorf("%q", out.String())
	}
}

func TestOps_WhatIsNotDone(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	web := monitor("web", "paris")
	if _, err := m.Add(ctx, web); err != nil {
		t.Fatal(err)
	}
	was, err := m.saved("web")
	m.must(err)
	if _, err := m.console().Ops(console.Checks{Monitor: kinds.All().CheckMonitor}).Stop(ctx, "web", nil); err != nil { // another console
		t.Fatal(err)
	}
	other, wrong := web, web
	other.Target, wrong.Kind = "127.0.0.1:2", "nothing"
	was.Target = other.Target
	for what, c := range map[string]struct {
		do    func() error
		right func(error) bool
	}{
		"edit over another console's": {func() error { _, err := m.Edit(ctx, was); return err }, func(err error) bool { return errors.Is(err, console.ErrConflict) }},
		"add another one":             {func() error { _, err := m.Add(ctx, other); return err }, func(err error) bool { _, ok := errors.AsType[*console.ExistsError](err); return ok }},
		"add what is none":            {func() error { _, err := m.Add(ctx, wrong); return err }, func(err error) bool { _, ok := errors.AsType[*console.InvalidError](err); return ok }},
		"plan what is none":           {func() error { _, err := m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{wrong}}, false); return err }, func(err error) bool { _, ok := errors.AsType[*console.InvalidError](err); return ok }},
		"stop what is not there":      {func() error { _, err := m.Stop(ctx, "db", nil); return err }, func(err error) bool { return errors.Is(err, console.ErrNotFound) }},
		"delete what is not there":    {func() error { _, err := m.Delete(ctx, "db", console.DeleteOptions{}); return err }, func(err error) bool { return errors.Is(err, console.ErrNotFound) }},
		"roll back what never was":    {func() error { _, err := m.Rollback(ctx, "db", 1); return err }, func(err error) bool { return errors.Is(err, console.ErrNotFound) }},
		"roll back to nothing": {func() error { _, err := m.Rollback(ctx, "web", 99); return err }, func(err error) bool {
			e, ok := errors.AsType[*console.RevisionError](err)
			return ok && !e.Deleted && e.Unreadable == nil
		}},
		"use what is not there": {func() error { _, err := m.PlanUse(ctx, "office", false); return err }, func(err error) bool { return errors.Is(err, console.ErrNoSet) }},
	} {
		if err := c.do(); !c.right(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if is, err := m.saved("web"); err != nil || !is.Paused || is.Target != "127.0.0.1:1" {
		t.Errorf("saved is %+v %v", is, err)
	}
}

func TestOps_AppliesAPlan(t *testing.T) {
	m := newOpsMesh(t)
	m.agent("paris", nil)
	ctx := t.Context()
	for _, name := range []string{"a", "b", "c"} {
		_, err := m.Add(ctx, monitor(name))
		m.must(err)
	}
	b, d := monitor("b"), monitor("d")
	b.Target = "127.0.0.1:2"
	plan, err := m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{d, b, monitor("a")}}, true)
	m.must(err)
	if got, want := plan.String(), "adds        1  d\nchanges     1  b\ndeletes     1  c"; got != want || plan.Same != 1 || plan.Had != 3 {
		t.Errorf("the plan is\n%s\nwith %d the same of %d; want\n%s", got, plan.Same, plan.Had, want)
	}
	var seen []string
	o, err := m.Apply(ctx, plan, console.ApplyOptions{Progress: func(c console.Change) { seen = append(seen, c.Name()+" "+string(c.Did())) }})
	m.must(err)
	slices.Sort(seen)
	if want := []string{"b changed", "c deleted", "d added"}; !slices.Equal(seen, want) {
		t.Errorf("progress %q, want %q", seen, want)
	}
	if got, want := answers(o), "paris b running\nparis c stopped\nparis d running\n"; got != want || o.Head() != "1 added, 1 changed, 1 unchanged, 1 deleted" {
		t.Errorf("%s: told %q, want %q", o.Head(), got, want)
	}

	// Another console is faster than the second plan.
	b.Target = "127.0.0.1:3"
	plan, err = m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{b}}, false)
	m.must(err)
	_, err = m.console().Ops(console.Checks{Monitor: kinds.All().CheckMonitor}).Stop(ctx, "b", nil)
	m.must(err)
	if o, err := m.Apply(ctx, plan, console.ApplyOptions{}); !errors.Is(err, console.ErrConflict) || len(o.Changes) != 0 || o.Asked {
		t.Errorf("%+v %v, want a conflict", o, err)
	}
}

func TestOps_KeepsConfigurations(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	if _, err := m.SaveSet(ctx, "office", console.Set{}); err == nil {
		t.Error("nothing is kept")
	}
	_, err := m.Add(ctx, monitor("a"))
	m.must(err)
	first, err := m.SaveSet(ctx, "office", console.Set{})
	if err != nil || first.Same || first.Monitors != 1 {
		t.Fatalf("%+v %v", first, err)
	}
	if again, err := m.SaveSet(ctx, "office", console.Set{}); err != nil || !again.Same || again.Digest != first.Digest {
		t.Errorf("%+v %v, want the same", again, err)
	}
	_, err = m.Add(ctx, monitor("b"))
	m.must(err)
	_, err = m.SaveSet(ctx, "office", console.Set{})
	exists, ok := errors.AsType[*console.SetExistsError](err)
	if !ok || exists.Old.Digest != first.Digest || exists.Now != 2 {
		t.Fatalf("%v", err)
	}
	_, err = m.SaveSet(ctx, "office", exists.Old)
	m.must(err)
	_, err = m.Add(ctx, monitor("c"))
	m.must(err)
	if _, err := m.SaveSet(ctx, "office", exists.Old); !errors.Is(err, console.ErrSetChanged) {
		t.Errorf("over one that was replaced: %v", err)
	}
	plan, err := m.PlanUse(ctx, "office", false)
	m.must(err)
	o, err := m.Apply(ctx, plan, console.ApplyOptions{Quiet: true})
	if err != nil || o.Count(console.Deleted) != 1 || o.Asked {
		t.Errorf("%+v %v", o, err)
	}
	if list, err := m.ListSets(ctx); err != nil || len(list) != 1 || !list[0].InUse {
		t.Errorf("%+v %v", list, err)
	}
	m.must(m.DeleteSet(ctx, "office"))
	if err := m.DeleteSet(ctx, "office"); !errors.Is(err, console.ErrNoSet) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestOps_Probe(t *testing.T) {
	m := newOpsMesh(t)
	m.agent("paris", map[string]string{"region": "eu"})
	m.agent("tokyo", map[string]string{"region": "eu"})()
	m.refuser("rome")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	m.must(err)
	defer l.Close()
	p := console.Probing{Monitor: monitor("web", "paris", "rome", "tokyo", "nowhere"), Times: 2, Every: time.Millisecond, Need: 1}
	p.Monitor.Target = l.Addr().String()
	p.Monitor.Monitor = p.Monitor.WithDefaults()
	seen := 0
	got, err := m.Probe(t.Context(), p, func(console.Asked) { seen++ })
	m.must(err)
	if len(got.Tallies) != 2 || seen != 4 || got.Agents != 4 || got.Fine() != 1 || got.Need != 1 || got.Cut || !slices.Equal(got.Away, []string{"tokyo", "nowhere"}) {
		t.Errorf("%d answers: %+v", seen, got)
	}
	if paris := got.Tallies[0]; paris.Agent != "paris" || paris.Runs != 2 || paris.OK != 2 || len(paris.Took) != 2 || paris.Last.Result.Outcome != wire.OK {
		t.Errorf("%+v", paris)
	}
	if line := got.Line(); !strings.HasPrefix(line, "probed: paris ● ") || !strings.Contains(line, " · rome ? refused: ") || !strings.HasSuffix(line, " · tokyo ? is offline · nowhere ? is offline") {
		t.Errorf("%q", line)
	}
	p.Need = 5
	if few, ok := errors.AsType[*console.NeedError](func() error { _, err := m.Probe(t.Context(), p, nil); return err }()); !ok || *few != (console.NeedError{Need: 5, Agents: 4}) {
		t.Errorf("more are needed than there are: %v", few)
	}
	p.Monitor.Agents, p.Need = wire.Selectors{"region=us"}, console.NeedAll
	if _, err := m.Probe(t.Context(), p, nil); !errors.Is(err, console.ErrNoAgent) {
		t.Errorf("nobody is chosen: %v", err)
	}
}
