package console

import (
	"testing"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestStore_EditionsCountPerMonitor has people see 1, 2, 3 of each monitor, however many
// changes others saw meanwhile, and across a deletion.
func TestStore_EditionsCountPerMonitor(t *testing.T) {
	b := natstest.Start(t)
	cl, err := Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ops := cl.Ops(Checks{Monitor: func(wire.Monitor) error { return nil }})
	ctx := t.Context()
	want := func(what string, got, want uint64) {
		t.Helper()
		if got != want {
			t.Errorf("%s: edition %d, want %d", what, got, want)
		}
	}
	store, err := cl.Monitors(ctx)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(name, target string) {
		t.Helper()
		m, err := store.Get(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		m.Target = target
		if o, err := ops.Edit(ctx, m); err != nil || len(o.Changes) != 1 {
			t.Fatalf("%+v %v", o, err)
		}
	}
	for _, name := range []string{"web", "db"} {
		m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1"}}
		if _, err := ops.Add(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range []string{"h:2", "h:3"} {
		edit("db", target)
	}
	edit("web", "h:2")
	m, err := store.Get(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	want("web", m.Edition, 2)
	if _, err := ops.Delete(ctx, "web", DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	o, err := ops.Rollback(ctx, "web", 1)
	if err != nil || o.Head() != "web is restored from revision 1: this is revision 4" {
		t.Fatalf("%q %v", o.Head(), err)
	}
	history, err := store.History(ctx, "web")
	if err != nil || len(history) != 4 {
		t.Fatalf("%+v %v", history, err)
	}
	for i, r := range history {
		want("history", r.Edition, uint64(4-i))
		if r.Author == "" {
			t.Errorf("nobody is named for revision %d", r.Edition)
		}
	}
	if history[1].Saved != nil || history[1].Author != Author() {
		t.Errorf("the deletion: %+v", history[1])
	}
}

// TestEditions_OfBefore counts what was saved before monitors said their edition, and goes
// on where the oldest entries are not kept.
func TestEditions_OfBefore(t *testing.T) {
	var n editions
	for i, e := range []struct {
		data string
		want uint64
	}{{`{"name":"web"}`, 1}, {`{"name":"web"}`, 2}, {`{"edition":70}`, 70}, {`not JSON`, 71}, {`{"edition":3}`, 72}} {
		if got := n.of(entry{data: []byte(e.data)}, inData); got != e.want {
			t.Errorf("entry %d: %d, want %d", i, got, e.want)
		}
	}
}

// TestSettings_EditionsCountPerSetting is the same of a channel.
func TestSettings_EditionsCountPerSetting(t *testing.T) {
	b := natstest.Start(t)
	cl, err := Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ops := cl.Ops(Checks{Monitor: func(wire.Monitor) error { return nil }})
	ctx := t.Context()
	store, err := cl.Settings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hook", "mail"} {
		if _, err := store.Save(ctx, &wire.Channel{Name: name, Kind: "webhook"}, "applied"); err != nil {
			t.Fatal(err)
		}
	}
	get := func() wire.Setting {
		t.Helper()
		x, err := store.Get(ctx, wire.SortChannel, "hook")
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	hook := get().(*wire.Channel)
	hook.Paused = true
	if _, err := ops.EditSetting(ctx, hook); err != nil {
		t.Fatal(err)
	}
	if n := get().About().Edition; n != 2 {
		t.Errorf("after a change: edition %d, want 2", n)
	}
	if list, err := cl.ListSettings(ctx, wire.SortChannel); err != nil || len(list) != 2 || list[0].About().Edition != 2 || list[1].About().Edition != 1 {
		t.Errorf("listed: %+v %v", list, err)
	}
	if _, err := ops.RemoveSetting(ctx, wire.SortChannel, "hook", DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	o, err := ops.RollbackSetting(ctx, wire.SortChannel, "hook", 1)
	if err != nil || o.Head() != "channel hook is restored from revision 1: this is revision 4" {
		t.Fatalf("%q %v", o.Head(), err)
	}
	history, err := store.History(ctx, wire.SortChannel, "hook")
	if err != nil || len(history) != 4 {
		t.Fatalf("%+v %v", history, err)
	}
	for i, r := range history {
		if r.Edition != uint64(4-i) || r.Author != Author() {
			t.Errorf("history: edition %d by %q, want %d", r.Edition, r.Author, 4-i)
		}
	}
}
