package view

import (
	"testing"
	"time"

	"netmon/judge"
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
		second float64
		change func(*wire.Result)
	}
	asked := func(r *wire.Result) { failed("timeout")(r); r.Asked = "K3D7" }
	fine := func(r *wire.Result) { none(r); r.Asked = "K3D7" }
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
		// Runs that somebody asked for are runs: they show, and no tick is lost or gained by them.
		"asked for between":         {[]one{{1, none}, {1.5, asked}, {2, none}, {3, none}}, 4, "●✕●●", 2.5 / 3, 0},
		"asked for, in an outage":   {[]one{{1, none}, {2, silent}, {4.4, asked}, {5, none}}, 6, "●✕✕✕✕●", 2.0 / 5, 3.0 / 5},
		"asked for, of a busy one":  {[]one{{1, none}, {2, none}, {4.4, fine}, {5, busy}}, 6, "●●●??●", 1, 0},
		"asked for, after a missed": {[]one{{1, none}, {2, none}, {4.5, fine}, {5, missed}}, 6, "●●●??●", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := mesh("a")
			for i, r := range c.runs {
				x := run("a", i+1, r.change)
				x.Due = at(time.Duration(r.second * float64(time.Second)))
				x.Started = x.Due
				v.Result(x, x.Started)
			}
			row := v.web(t, at(time.Duration(c.now)*time.Second))
			if got := marks(row.Strip); got != c.strip {
				t.Errorf("strip %s, want %s", got, c.strip)
			}
			series, shown := v.agents["a"].series["web"], ""
			for _, r := range series.plot(v, 20, v.tick(at(time.Duration(c.now)*time.Second))) {
				shown += marks([]judge.State{r.State})
			}
			if shown != c.strip {
				t.Errorf("plot %s, want %s", shown, c.strip)
			}
			f := row.Figures
			if !f.Good.OK || f.Good.V < c.uptime-1e-6 || f.Good.V > c.uptime+1e-6 || f.Loss.V < c.loss-1e-6 || f.Loss.V > c.loss+1e-6 {
				t.Errorf("uptime %v, loss %v, want %v and %v", f.Good.V, f.Loss.V, c.uptime, c.loss)
			}
		})
	}
}

// TestModel_LearnsTheIntervalFromTicks: of a monitor that nobody saved, when its
// runs are due is all that shows it; one that was asked for was due at any time.
func TestModel_LearnsTheIntervalFromTicks(t *testing.T) {
	v := New(t0)
	v.Heartbeat(alive("a", t0), t0, t0)
	for i, second := range []float64{4, 8, 9.5, 12, 12.5, 13, 16, 20, 23.5} {
		r := run("a", i+1, func(r *wire.Result) { r.Revision = 0 })
		r.Due = at(time.Duration(second * float64(time.Second)))
		r.Started = r.Due
		if second != float64(int(second)/4*4) {
			r.Asked = "K3D7"
		}
		v.Result(r, r.Started)
		if m := v.monitors["web"]; i > 0 && m.every != ticks(4*time.Second) {
			t.Errorf("after second %v: every %d ticks, want %d", second, m.every, ticks(4*time.Second))
		}
	}
}
