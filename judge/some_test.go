package judge

import (
	"slices"
	"testing"
	"time"

	"netmon/wire"
)

func onSome(of string, chosen ...string) func(*wire.Saved) {
	return func(m *wire.Saved) { m.Agents, m.Chosen = wire.Selectors{of}, chosen }
}

// quorumOf is who is placed, by the verdict that holds.
func (w *world) quorumOf(monitor string) []string {
	w.t.Helper()
	v, ok := w.j.Verdict(monitor)
	if !ok {
		w.t.Fatalf("no verdict on %s", monitor)
	}
	q := v.Quorum
	ids := slices.Concat(q.Down, q.Slow, q.Up, q.Blind, q.Silent, q.Aside)
	slices.Sort(ids)
	return ids
}

// TestPlace: of the agents that match, those that are chosen count, and when others are
// chosen these do. Only agents where it runs are asked to measure at once.
func TestPlace(t *testing.T) {
	w := newWorld(t, "oslo", "paris", "rome", "tokyo")
	w.save("web", onSome("2 of all", "oslo", "paris"))
	wait := func() {
		for range 2 {
			w.now = w.now.Add(10 * time.Second)
			for a := range w.there {
				w.beat(a)
			}
			w.all("web", "good", "oslo", "paris", "rome", "tokyo") // of those that are not chosen it is late news
		}
	}
	wait()
	if got := w.quorumOf("web"); !slices.Equal(got, []string{"oslo", "paris"}) {
		t.Errorf("placed on %v", got)
	}
	w.save("web", func(m *wire.Saved) { m.Chosen = nil }, func(m *wire.Saved) { m.Tags = map[string]string{"a": "b"} })
	wait()
	if got := w.quorumOf("web"); !slices.Equal(got, []string{"oslo", "paris"}) {
		t.Errorf("after it was saved again: placed on %v", got)
	}
	w.j.Place("web", []string{"paris", "tokyo"}, w.now)
	w.collect()
	wait()
	if got := w.quorumOf("web"); !slices.Equal(got, []string{"paris", "tokyo"}) {
		t.Errorf("after a move: placed on %v", got)
	}
	if v, _ := w.j.Verdict("web"); v.State != wire.VerdictUp {
		t.Errorf("%+v", v)
	}
	again, err := Restore(w.j.Checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	if m := again.monitors["web"]; m == nil || !slices.Equal(m.Chosen, []string{"paris", "tokyo"}) {
		t.Errorf("restored: %+v", m)
	}
	w.asks = nil
	w.now = w.now.Add(10 * time.Second)
	w.run("web", "paris", "timeout")
	for _, ask := range w.asks {
		if ask.Agent != "paris" && ask.Agent != "tokyo" {
			t.Errorf("%s is asked to measure it", ask.Agent)
		}
	}
	if len(w.asks) == 0 {
		t.Error("nobody is asked to measure it")
	}
	w.save("web", func(m *wire.Saved) { m.Agents = nil })
	w.now = w.now.Add(10 * time.Second)
	if got := w.quorumOf("web"); len(got) != 4 {
		t.Errorf("everywhere: placed on %v", got)
	}
}
