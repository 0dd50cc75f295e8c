package console

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/judge/replay"
	"netmon/wire"
)

// TestChosen: what the controller chose is read with the monitors, is waited for after a change, is
// not saved, and is known of the past.
func TestChosen(t *testing.T) {
	b := natstest.Start(t)
	js := natstest.JetStream(t, natstest.Connect(t, b))
	place := func(revision uint64, agents ...string) {
		t.Helper()
		data, err := json.Marshal(wire.Placement{Monitor: "web", Revision: revision, Want: 2, Agents: agents})
		if err == nil {
			_, err = js.Publish(t.Context(), "verdicts.placement.web", data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cl := dial(t, b)
	s := store(t, cl)
	m := web()
	m.Agents, m.Chosen = wire.Selectors{"2 of all"}, []string{"nobody"}
	revision, err := s.Save(t.Context(), m, "added")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), "web")
	if err != nil || got.Chosen != nil {
		t.Fatalf("before it is placed: %+v, %v", got, err)
	}
	changes := []Change{{Is: &m, Revision: revision}}
	placed := make(chan []Change, 1)
	go func() {
		list, late := cl.awaitPlaced(t.Context(), changes)
		if len(late) > 0 {
			t.Errorf("late: %v", late)
		}
		placed <- list
	}()
	place(revision-1, "oslo", "rome") // of what was there before
	place(revision, "oslo", "paris")
	if list := <-placed; !slices.Equal(list[0].Is.Chosen, []string{"oslo", "paris"}) || m.Chosen[0] != "nobody" {
		t.Errorf("placed on %v", list[0].Is.Chosen)
	}
	all, err := s.List(t.Context())
	if err != nil || len(all) != 1 || !slices.Equal(all[0].Chosen, []string{"oslo", "paris"}) {
		t.Errorf("%+v, %v", all, err)
	}
	if !Same(all[0], m) {
		t.Error("what was chosen makes it another monitor")
	}

	begin := time.Now()
	place(revision, "oslo", "tokyo")
	past, err := cl.withPlacements(t.Context(), []replay.Fact{{At: begin, Saved: &m}}, begin)
	if err != nil || len(past) != 3 || past[0].Saved == nil || past[1].Placed == nil || !past[1].At.Equal(begin) ||
		!slices.Equal(past[1].Placed.Agents, []string{"oslo", "paris"}) || !slices.Equal(past[2].Placed.Agents, []string{"oslo", "tokyo"}) {
		t.Errorf("the past: %+v, %v", past, err)
	}
}
