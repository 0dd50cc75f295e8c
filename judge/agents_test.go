package judge

import (
	"fmt"
	"testing"
	"time"

	"netmon/wire"
)

// many is names of monitors.
func many(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("m%02d", i))
	}
	return out
}

// round has each monitor run on all agents, where those of these fail on all.
func (w *world) round(monitors []string, cut ...string) {
	w.t.Helper()
	for _, m := range monitors {
		for _, a := range three {
			finds := "good"
			for _, c := range cut {
				if a == c {
					finds = "timeout"
				}
			}
			w.run(m, a, finds)
		}
		w.wait(500 * time.Millisecond)
	}
}

// TestAgents_Uplink: one of three uplinks is cut: no monitor changes, and one line
// says so. Then two: up, seen from 1 of 3; and the target that dies then is down, not
// for sure.
func TestAgents_Uplink(t *testing.T) {
	monitors := many(20)
	w := threeGood(t, monitors...)
	w.round(monitors)
	w.told = nil
	for range 4 {
		w.round(monitors, "paris")
	}
	for _, m := range monitors {
		w.want(m, "up: up, seen from 2 of 3 agents")
	}
	lines := 0
	for _, c := range w.told {
		lines += count(c.Agent != nil)
		if c.Monitor != nil && c.Monitor.State != wire.VerdictUp {
			t.Errorf("%s is %s", c.Monitor.Monitor, say(*c.Monitor))
		}
	}
	v, _ := w.j.AgentVerdict("paris")
	if lines != 1 || v.Status != wire.AgentAside || v.Monitors != 20 || v.Incident == "" {
		t.Errorf("%d lines, %+v", lines, v)
	}
	for range 4 {
		w.round(monitors, "paris", "tokyo")
	}
	w.want("m07", "up: up, seen from 1 of 3 agents")
	w.asks = nil
	w.run("m07", "oregon", "refused")
	w.answer(map[string]string{"oregon": "refused", "paris": "timeout", "tokyo": "timeout"})
	w.want("m07", "down: refused from 1 of 3 agents [target]")
	w.run("m07", "oregon", "good")
	w.run("m07", "oregon", "good")
	for range 3 {
		w.round(monitors)
	}
	for _, m := range monitors {
		w.want(m, "up: up, seen from 3 of 3 agents")
	}
	if v, _ := w.j.AgentVerdict("paris"); v.Status != wire.AgentAble || v.Incident != "" {
		t.Errorf("%+v", v)
	}
}

// TestAgents_Away: an agent that says goodbye and comes back changes nothing; one that
// does not is away.
func TestAgents_Away(t *testing.T) {
	w := threeGood(t, "web")
	w.told = nil
	w.j.Presence(wire.Alive{Agent: "paris", At: w.now, Leaving: true}, w.now)
	w.wait(5 * time.Second)
	w.beat("paris")
	w.wait(5 * time.Second)
	w.all("web", "good", three...)
	if len(w.told) > 0 {
		t.Errorf("told:\n%s", w.history())
	}
	delete(w.there, "paris")
	for range 5 {
		w.wait(10 * time.Second)
		w.all("web", "good", "tokyo", "oregon")
	}
	w.want("web", "up: up, seen from 2 of 3 agents")
	if v, _ := w.j.AgentVerdict("paris"); v.Status != wire.AgentAway || v.Why != "nothing is heard from paris" {
		t.Errorf("%+v", v)
	}
	w.join("paris", nil)
	w.run("web", "paris", "good")
	w.want("web", "up: up, seen from 3 of 3 agents")
}

// TestAgents_Clock: a clock that is wrong is named, and changes no verdict.
func TestAgents_Clock(t *testing.T) {
	w := threeGood(t, "web")
	for range 2 {
		w.j.Presence(wire.Alive{Agent: "paris", At: w.now.Add(time.Hour)}, w.now)
	}
	v, _ := w.j.AgentVerdict("paris")
	if v.Status != wire.AgentAble || v.Blame == nil || v.Blame.Class != wire.BlameClock || v.Why != "paris's clock is 1h0m0s ahead of the broker's" {
		t.Errorf("%+v", v)
	}
	w.beat("paris")
	if v, _ := w.j.AgentVerdict("paris"); v.Blame != nil {
		t.Errorf("%+v", v)
	}
	w.want("web", "up: up, seen from 3 of 3 agents")
}

// TestLate: what an agent kept while it was cut off alarms nobody.
func TestLate(t *testing.T) {
	w := threeGood(t, "web")
	delete(w.there, "paris")
	for range 10 {
		w.wait(10 * time.Second)
		w.all("web", "good", "tokyo", "oregon")
	}
	w.join("paris", nil)
	w.told = nil
	for i := 90; i > 0; i -= 10 {
		w.run("web", "paris", "timeout", func(r *wire.Result) { r.LateNS = int64(i) * int64(time.Second) })
	}
	w.want("web", "up: up, seen from 2 of 3 agents")
	w.run("web", "paris", "good")
	w.want("web", "up: up, seen from 3 of 3 agents")
	if got := w.states("web"); got != "up" {
		t.Errorf("%s\n%s", got, w.history())
	}
}
