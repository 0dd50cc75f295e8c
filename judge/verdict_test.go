package judge

import (
	"testing"
	"time"
)

var three = []string{"paris", "tokyo", "oregon"}

// threeGood is a world in which three agents find a monitor good.
func threeGood(t *testing.T, monitors ...string) *world {
	t.Helper()
	w := newWorld(t, three...)
	for _, m := range monitors {
		w.save(m)
		w.all(m, "good", three...)
	}
	w.wait(10 * time.Second)
	for _, m := range monitors {
		w.all(m, "good", three...)
		w.want(m, "up: up, seen from 3 of 3 agents")
	}
	w.wait(10 * time.Second)
	return w
}

func TestVerdict_DownEverywhere(t *testing.T) {
	w := threeGood(t, "web")
	w.run("web", "paris", "refused")
	failed := w.now
	w.answer(map[string]string{"paris": "refused", "tokyo": "refused", "oregon": "refused"})
	w.want("web", "down: refused from 3 of 3 agents [target, sure]")
	v := w.verdict("web")
	if took := v.At.Sub(failed); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	if !v.Since.Equal(failed) || v.Was != "up" {
		t.Errorf("since %v was %s, want %v up\n%s", v.Since, v.Was, failed, w.history())
	}
	w.wait(14 * time.Second)
	w.run("web", "tokyo", "good")
	w.answer(map[string]string{"paris": "good", "tokyo": "good", "oregon": "good"})
	w.want("web", "up: up, seen from 3 of 3 agents")
	if got := w.states("web"); got != "unknown up down up" {
		t.Errorf("%s\n%s", got, w.history())
	}
}

// TestVerdict_OneAgentAgainstTwo: it is degraded, said once, and never down.
func TestVerdict_OneAgentAgainstTwo(t *testing.T) {
	w := threeGood(t, "web", "mail")
	w.run("web", "paris", "timeout")
	w.answer(map[string]string{"paris": "timeout", "tokyo": "good", "oregon": "good"})
	for range 10 {
		w.all("web", "good", "tokyo", "oregon")
		w.all("mail", "good", three...)
		w.run("web", "paris", "timeout")
		w.wait(10 * time.Second)
	}
	w.want("web", "degraded: paris times out, oregon and tokyo are fine [path paris, sure]")
	if got := w.states("web"); got != "unknown up degraded" {
		t.Errorf("%s\n%s", got, w.history())
	}
}

// TestVerdict_LostRuns: an agent that loses one run in four changes nothing.
func TestVerdict_LostRuns(t *testing.T) {
	w := threeGood(t, "web")
	n := len(w.told)
	for i := range 100 {
		w.all("web", "good", "tokyo", "oregon")
		if i%4 == 0 {
			w.run("web", "paris", "timeout")
			w.answer(map[string]string{"paris": "good", "tokyo": "good", "oregon": "good"})
		} else {
			w.run("web", "paris", "good")
		}
		w.wait(10 * time.Second)
	}
	if len(w.told) != n {
		t.Errorf("told:\n%s", w.history())
	}
}

func TestVerdict_OneAgentAlone(t *testing.T) {
	w := newWorld(t, "paris")
	w.save("web", every(time.Hour))
	w.save("mail")
	w.all("web", "good", "paris")
	w.all("mail", "good", "paris")
	w.wait(20 * time.Second)
	w.all("mail", "good", "paris")
	w.run("web", "paris", "timeout")
	failed := w.now
	w.answer(map[string]string{"paris": "timeout"})
	w.want("web", "down: timeout from 1 of 1 agent [target, sure]")
	if took := w.verdict("web").At.Sub(failed); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestVerdict_Silence: who measures nothing is not a witness, and where nobody does
// nothing is known.
func TestVerdict_Silence(t *testing.T) {
	w := threeGood(t, "web")
	for range 4 {
		w.all("web", "good", "tokyo", "oregon")
		w.wait(10 * time.Second)
	}
	w.want("web", "up: up, seen from 2 of 3 agents")
	w.wait(30 * time.Second)
	w.want("web", "unknown: oregon, paris and tokyo have not measured it in time [unclear]")
	if w.verdict("web").Incident == "" {
		t.Error("no incident")
	}
	w.run("web", "tokyo", "good")
	w.want("web", "up: up, seen from 1 of 3 agents")
	w.wait(60 * time.Second)
}

// TestVerdict_NobodyHeard: when all fall silent at once nothing changes, and that is
// said once.
func TestVerdict_NobodyHeard(t *testing.T) {
	w := threeGood(t, "web")
	there := w.there
	w.there = nil
	w.told = nil
	w.wait(80 * time.Second)
	w.want("web", "up: up, seen from 3 of 3 agents")
	if !w.verdict("web").Frozen {
		t.Error("it is not frozen")
	}
	w.there = there
	w.wait(20 * time.Second)
	w.all("web", "good", three...)
	w.want("web", "up: up, seen from 3 of 3 agents")
	if got, want := w.history(), "  10:00:45.000 mesh true no agent is heard: verdicts stay as they are\n  10:01:50.000 mesh false agents are heard again\n"; got != want {
		t.Errorf("told:\n%swant\n%s", got, want)
	}
}

func TestVerdict_Blind(t *testing.T) {
	w := threeGood(t, "web")
	for range 2 {
		w.all("web", "good", "tokyo")
		w.all("web", "secret", "paris", "oregon")
		w.wait(10 * time.Second)
	}
	w.want("web", "up: up, seen from 1 of 3 agents")
	w.all("web", "clock", three...)
	w.all("web", "clock", three...)
	w.want("web", "unknown: oregon, paris and tokyo cannot measure it: clock [clock oregon paris tokyo, sure]")
	w.run("web", "paris", "good")
	w.want("web", "up: up, seen from 1 of 3 agents")
}

func TestVerdict_Paused(t *testing.T) {
	w := threeGood(t, "web")
	w.save("web", func(m *saved) { m.Paused = true })
	w.want("web", "paused: paused")
	w.run("web", "paris", "refused")
	w.wait(time.Hour)
	w.want("web", "paused: paused")
	w.save("web", func(m *saved) { m.Paused = false })
	w.want("web", "unknown: too few runs from oregon, paris and tokyo yet [unclear]")
	w.all("web", "good", three...)
	w.want("web", "up: up, seen from 3 of 3 agents")
}
