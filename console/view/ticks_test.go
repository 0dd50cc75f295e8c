package view

import (
	"testing"
	"time"

	"netmon/wire"
)

// TestModel_TicksWithoutARun: a tick that came while a run waited has its outcome,
// in every figure; of one that the agent was too busy for, or was not there for,
// nothing is known.
func TestModel_TicksWithoutARun(t *testing.T) {
	silent := func(r *wire.Result) {
		failed("timeout")(r)
		loss := 1.0
		r.Skipped, r.Covers, r.Loss = 1, 1, &loss
	}
	none := func(r *wire.Result) { loss := 0.0; r.Loss = &loss }
	busy := func(r *wire.Result) { none(r); r.Skipped = 2 }
	missed := func(r *wire.Result) { none(r); r.Missed = 2 }
	// At which second, and what the run is like; the numbers are those of its results.
	type one struct {
		second int
		change func(*wire.Result)
	}
	for name, c := range map[string]struct {
		runs   []one
		now    int
		strip  string
		uptime float64
		loss   float64
	}{
		"a silent target":   {[]one{{1, none}, {2, silent}, {4, silent}, {6, none}}, 7, "●✕✕✕✕●", 2.0 / 6, 4.0 / 6},
		"a busy agent":      {[]one{{1, none}, {2, none}, {5, busy}}, 6, "●●??●", 1, 0},
		"an agent was away": {[]one{{1, none}, {2, none}, {5, missed}}, 6, "●●??●", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := mesh("a")
			for i, r := range c.runs {
				x := run("a", i+1, r.change)
				x.Due = at(time.Duration(r.second) * time.Second)
				x.Started = x.Due
				v.Result(x, x.Started)
			}
			row := v.web(t, at(time.Duration(c.now)*time.Second))
			if got := marks(row.Strip); got != c.strip {
				t.Errorf("strip %s, want %s", got, c.strip)
			}
			f := row.Figures
			if !f.Uptime.OK || f.Uptime.V < c.uptime-1e-6 || f.Uptime.V > c.uptime+1e-6 || f.Loss.V < c.loss-1e-6 || f.Loss.V > c.loss+1e-6 {
				t.Errorf("uptime %v, loss %v, want %v and %v", f.Uptime.V, f.Loss.V, c.uptime, c.loss)
			}
		})
	}
}
