package console

import (
	"slices"
	"strings"
	"testing"

	"netmon/wire"
)

// TestPlaces starts and stops a monitor on agents, and looks where it runs then.
func TestPlaces(t *testing.T) {
	agents := map[string]map[string]string{
		"oregon": {"region": "us"}, "paris": {"region": "eu"}, "rome": {"region": "eu"}, "tokyo": {"region": "asia"},
	}
	for name, tc := range map[string]struct {
		agents, except wire.Selectors
		paused         bool
		start, stop    string
		want           []string
	}{
		"stopped on one of all":                   {stop: "paris", want: []string{"oregon", "rome", "tokyo"}},
		"stopped on a region":                     {stop: "region=eu", want: []string{"oregon", "tokyo"}},
		"stopped on all":                          {stop: "all"},
		"stopped on one that is named":            {agents: wire.Selectors{"paris", "tokyo"}, stop: "paris", want: []string{"tokyo"}},
		"stopped on the only one":                 {agents: wire.Selectors{"paris"}, stop: "paris"},
		"stopped on one of a region":              {agents: wire.Selectors{"region=eu"}, stop: "paris", want: []string{"rome"}},
		"stopped on its region and named":         {agents: wire.Selectors{"region=eu", "tokyo"}, stop: "region=eu", want: []string{"tokyo"}},
		"started where it runs":                   {start: "paris", want: []string{"oregon", "paris", "rome", "tokyo"}},
		"started on one more":                     {agents: wire.Selectors{"paris"}, start: "tokyo", want: []string{"paris", "tokyo"}},
		"started on a region more":                {agents: wire.Selectors{"tokyo"}, start: "region=eu", want: []string{"paris", "rome", "tokyo"}},
		"started where it was stopped":            {except: wire.Selectors{"paris"}, start: "paris", want: []string{"oregon", "paris", "rome", "tokyo"}},
		"started on all":                          {agents: wire.Selectors{"paris"}, except: wire.Selectors{"rome"}, start: "all", want: []string{"oregon", "paris", "rome", "tokyo"}},
		"paused and started on one":               {paused: true, start: "tokyo", want: []string{"tokyo"}},
		"paused and started without saying where": {paused: true, agents: wire.Selectors{"paris"}, start: "-", want: []string{"paris"}},
		"paused and started on all":               {paused: true, start: "all", want: []string{"oregon", "paris", "rome", "tokyo"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := wire.Saved{Agents: tc.agents, Except: tc.except, Paused: tc.paused}
			before := slices.Clone(m.Agents)
			if tc.start != "" {
				var on wire.Selectors
				var err error
				if tc.start != "-" {
					if on, err = wire.ParseSelectors(tc.start); err != nil {
						t.Fatal(err)
					}
				}
				if m, err = AddPlacement(m, on); err != nil {
					t.Fatal(err)
				}
			}
			if tc.stop != "" {
				on, err := wire.ParseSelectors(tc.stop)
				if err != nil {
					t.Fatal(err)
				}
				m = RemovePlacement(m, on)
			}
			var got []string
			for id, labels := range agents {
				if m.RunsOn(id, labels) {
					got = append(got, id)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("runs on %v (agents %v except %v paused %v), want %v", got, m.Agents, m.Except, m.Paused, tc.want)
			}
			if !slices.Equal(tc.agents, before) {
				t.Error("the monitor that was given is changed")
			}
		})
	}
}

// TestPlaces_OfSome: exceptions come and go, and nothing else changes which agents run it.
func TestPlaces_OfSome(t *testing.T) {
	some := wire.Saved{Monitor: wire.Monitor{Name: "web"}, Agents: wire.Selectors{"2 of region=eu"}, Chosen: []string{"paris", "rome"}}
	m := RemovePlacement(some, wire.Selectors{"paris"})
	if m.Agents.String() != "2 of region=eu" || m.Except.String() != "paris" {
		t.Errorf("stopped on paris: %v except %v", m.Agents, m.Except)
	}
	back, err := AddPlacement(m, wire.Selectors{"paris"})
	if err != nil || back.Agents.String() != "2 of region=eu" || len(back.Except) > 0 {
		t.Errorf("started on paris again: %v except %v, %v", back.Agents, back.Except, err)
	}
	if _, err := AddPlacement(some, wire.Selectors{"tokyo"}); err == nil || !strings.Contains(err.Error(), `runs on 2 of region=eu, and the controller chooses which`) {
		t.Errorf("started on tokyo: %v", err)
	}
	if _, err := AddPlacement(some, wire.Selectors{"3 of all"}); err == nil || !strings.Contains(err.Error(), `got "3 of all": netmon set web agents="3 of all"`) {
		t.Errorf("started on three: %v", err)
	}
	if all, err := AddPlacement(some, wire.Selectors{"all"}); err != nil || all.Agents.IsSome() {
		t.Errorf("started on all: %v, %v", all.Agents, err)
	}
	paused := RemovePlacement(some, nil)
	if m, err := AddPlacement(paused, nil); err != nil || m.Paused || !m.Agents.IsSome() {
		t.Errorf("started again: %+v, %v", m, err)
	}
	if m, err := AddPlacement(paused, wire.Selectors{"tokyo"}); err != nil || m.Agents.String() != "tokyo" {
		t.Errorf("paused, and started on one: %+v, %v", m, err)
	}
}

func TestPlacedText(t *testing.T) {
	agent := func(id, region string) Agent {
		return Agent{Alive: wire.Alive{Agent: id, Labels: map[string]string{"region": region}}, Online: true}
	}
	agents := []Agent{agent("oslo", "eu"), agent("paris", "eu"), agent("rome", "eu"), agent("tokyo", "asia")}
	left := agent("lima", "eu")
	left.Leaving = true
	agents = append(agents, left)
	for _, c := range []struct {
		on     string
		chosen []string
		text   string
		few    string
	}{
		{"all", nil, "", ""},
		{"2 of region=eu", []string{"oslo", "rome"}, "on 2 of the 3 agents that match region=eu: oslo, rome", ""},
		{"2 of region=eu", nil, "on 2 of the 3 agents that match region=eu; the controller has not chosen yet", ""},
		{"9 of all", []string{"oslo"}, "on 1 of the 4 agents that match all (9 asked for): oslo", "it asks for 9 agents, and only 4 match all: it runs on oslo, paris, rome, tokyo until more join"},
		{"3 of region=us", []string{}, "on none of the 0 agents that match region=us", ""},
		{"2 of tokyo", []string{"tokyo"}, "on 1 of the 1 agent that matches tokyo (2 asked for): tokyo", "it asks for 2 agents, and only 1 matches tokyo: it runs on tokyo until more join"},
	} {
		on, err := wire.ParsePlacement(c.on)
		if err != nil {
			t.Fatal(err)
		}
		m := wire.Saved{Agents: on, Chosen: c.chosen}
		if got := PlacedText(m, agents); got != c.text {
			t.Errorf("%s: %q, want %q", c.on, got, c.text)
		}
		if got := TooFew(m, agents); got != c.few {
			t.Errorf("%s: warns %q, want %q", c.on, got, c.few)
		}
	}
	m := wire.Saved{Agents: wire.Selectors{"2 of region=eu"}, Verdict: &wire.Rule{Quorum: wire.Quorum{Kind: wire.QuorumNumber, N: 3}}}
	if got := Unreachable(m, agents); got != "it takes 3 agents to be down, and it is placed on 2" {
		t.Errorf("a quorum of more than run it: %q", got)
	}
	picked := pickSome(wire.Saved{Monitor: wire.Monitor{Target: "h:1"}, Agents: wire.Selectors{"2 of region=eu"}}, agents)
	if len(picked.Chosen) != 2 || picked.IsPlacedOn("tokyo", nil) {
		t.Errorf("picked %v", picked.Chosen)
	}
}

func TestAddPlacement_SaysWhatExceptsTheAgent(t *testing.T) {
	if _, err := AddPlacement(wire.Saved{Except: wire.Selectors{"all"}}, wire.Selectors{"paris"}); err == nil {
		t.Error("started where it is excepted")
	}
}
