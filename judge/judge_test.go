package judge

import (
	"encoding/json"
	"testing"
	"time"

	"netmon/wire"
)

func TestOfResult(t *testing.T) {
	for _, c := range []struct {
		r    wire.Result
		want State
	}{
		{wire.Result{Outcome: wire.OK}, Up},
		{wire.Result{Outcome: wire.Failed, Failure: wire.FailSlow}, Degraded},
		{wire.Result{Outcome: wire.Failed, Failure: wire.FailMismatch}, Down},
		{wire.Result{Outcome: wire.Failed}, Down},
		{wire.Result{Outcome: wire.Broken, Failure: wire.FailSlow}, Unknown},
		{wire.Result{Outcome: wire.Broken}, Unknown},
		{wire.Result{Outcome: "perhaps"}, Unknown},
		{wire.Result{}, Unknown},
	} {
		if got := OfResult(&c.r); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.r.Outcome, c.r.Failure, got, c.want)
		}
	}
}

// TestSeries tries every combination of what hides a result: the first reason of
// the list counts, and none of them lets a good result count.
func TestSeries(t *testing.T) {
	for _, last := range []State{Down, Degraded, Unknown, Up} {
		for bits := range 1 << 5 {
			s := Series{Last: last, Offline: bits&1 > 0, Refused: bits&2 > 0, Heard: bits&4 == 0, Stale: bits&8 > 0, Silent: bits&16 > 0}
			want, why := last, NoReason
			switch {
			case s.Offline:
				want, why = Unknown, AgentOffline
			case s.Refused:
				want, why = Unknown, AgentRefused
			case !s.Heard:
				want, why = Unknown, NothingHeard
			case s.Stale:
				want, why = Unknown, ChangedSince
			case s.Silent:
				want, why = Unknown, TooOld
			case last == Unknown:
				why = NotMeasured
			}
			if got, reason := s.State(); got != want || reason != why {
				t.Errorf("%+v: %s for %d, want %s for %d", s, got, reason, want, why)
			}
			s.Paused = true
			if got, reason := s.State(); got != Paused || reason != NoReason {
				t.Errorf("%+v: %s for %d, want paused", s, got, reason)
			}
		}
	}
}

func TestOfMonitor(t *testing.T) {
	for _, c := range []struct {
		down, degraded, unknown, up int
		want                        State
	}{
		{0, 0, 0, 0, Unknown},
		{0, 0, 2, 0, Unknown},
		{0, 0, 0, 2, Up},
		{0, 0, 1, 1, Degraded}, // of one nothing is known
		{1, 0, 0, 1, Degraded},
		{0, 2, 0, 0, Degraded}, // slow everywhere
		{1, 1, 0, 0, Degraded}, // slow is reached
		{2, 0, 0, 0, Down},
		{1, 0, 1, 0, Down}, // nobody finds it up
	} {
		n := Counts{Down: c.down, Degraded: c.degraded, Unknown: c.unknown, Up: c.up}
		if got := OfMonitor(false, n); got != c.want {
			t.Errorf("%v: %s, want %s", n, got, c.want)
		}
		if got := OfMonitor(true, n); got != Paused {
			t.Errorf("%v, paused: %s", n, got)
		}
	}
}

func TestExpected(t *testing.T) {
	eu := map[string]string{"region": "eu"}
	m := func(agents, except wire.Selectors) *wire.Saved {
		return &wire.Saved{Monitor: wire.Monitor{Revision: 7}, Agents: agents, Except: except}
	}
	for _, c := range []struct {
		name string
		m    *wire.Saved
		a    Agent
		want bool
	}{
		{"everywhere", m(nil, nil), Agent{ID: "paris"}, true},
		{"by label", m(wire.Selectors{"region=eu"}, nil), Agent{ID: "paris", Labels: eu}, true},
		{"by another label", m(wire.Selectors{"region=us"}, nil), Agent{ID: "paris", Labels: eu}, false},
		{"except it", m(nil, wire.Selectors{"paris"}), Agent{ID: "paris"}, false},
		{"by label, and it left", m(wire.Selectors{"region=eu"}, nil), Agent{ID: "paris", Labels: eu, Left: true}, false},
		{"everywhere, and it left", m(nil, nil), Agent{ID: "paris", Left: true}, false},
		{"by name, and it left", m(wire.Selectors{"paris"}, nil), Agent{ID: "paris", Left: true}, true},
		{"only a result of now is known", m(wire.Selectors{"region=eu"}, nil), Agent{ID: "oslo", Unheard: true, Revision: 7}, true},
		{"only an older result is known", m(wire.Selectors{"region=eu"}, nil), Agent{ID: "oslo", Unheard: true, Revision: 6}, false},
		{"nothing is known, of a named one", m(wire.Selectors{"oslo"}, nil), Agent{ID: "oslo", Unheard: true}, true},
		{"chosen of some", &wire.Saved{Agents: wire.Selectors{"1 of region=eu"}, Chosen: []string{"paris"}}, Agent{ID: "paris", Labels: eu}, true},
		{"chosen of some, and it left", &wire.Saved{Agents: wire.Selectors{"1 of region=eu"}, Chosen: []string{"paris"}}, Agent{ID: "paris", Labels: eu, Left: true}, false},
		{"matches, and is not chosen", &wire.Saved{Agents: wire.Selectors{"1 of region=eu"}, Chosen: []string{"rome"}}, Agent{ID: "paris", Labels: eu}, false},
		{"not chosen, and a result of now is known", &wire.Saved{Agents: wire.Selectors{"1 of all"}}, Agent{ID: "paris", Unheard: true, Revision: 7}, false},
	} {
		if got := Expected(c.m, c.a); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestSilence(t *testing.T) {
	if got := Silence(10*time.Second, 2*time.Second); got != 27*time.Second {
		t.Errorf("%v", got)
	}
}

func TestState_Text(t *testing.T) {
	for _, s := range States {
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(data, &back); err != nil || back != s {
			t.Errorf("%s: %v %v", data, back, err)
		}
	}
	var s State
	if err := json.Unmarshal([]byte(`"sideways"`), &s); err == nil {
		t.Error("a word that is none is taken")
	}
}

func TestBegan(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	if got := at.Sub(Began(&wire.Result{ElapsedNS: 2e9, LateNS: 60e9}, at)); got != 62*time.Second {
		t.Errorf("%v before it was stored", got)
	}
	if got := Began(&wire.Result{ElapsedNS: -1, LateNS: -1}, at); !got.Equal(at) { // an agent that lies
		t.Errorf("%v, want %v", got, at)
	}
}
