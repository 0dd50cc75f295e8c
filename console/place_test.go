package console

import (
	"slices"
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
				if m, err = StartOn(m, on); err != nil {
					t.Fatal(err)
				}
			}
			if tc.stop != "" {
				on, err := wire.ParseSelectors(tc.stop)
				if err != nil {
					t.Fatal(err)
				}
				m = StopOn(m, on)
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

func TestStartOn_SaysWhatExceptsTheAgent(t *testing.T) {
	if _, err := StartOn(wire.Saved{Except: wire.Selectors{"all"}}, wire.Selectors{"paris"}); err == nil {
		t.Error("started where it is excepted")
	}
}
