package judge

import (
	"testing"
	"time"
)

// TestParents: a gateway dies, and what is behind it is unknown because of it, with its
// incident, and never down.
func TestParents(t *testing.T) {
	w := threeGood(t, "gateway")
	w.save("web", after("gateway"))
	for range 2 {
		w.all("web", "good", three...)
		w.all("gateway", "good", three...)
		w.wait(10 * time.Second)
	}
	w.told = nil
	w.run("web", "paris", "timeout")
	w.answer(map[string]string{"web": "timeout", "gateway": "no_answer"})
	w.want("gateway", "down: no answer from 3 of 3 agents [target, sure]")
	w.want("web", "unknown: gateway is down [parent gateway, sure]")
	if a, b := w.verdict("gateway").Incident, w.verdict("web").Incident; a == "" || a != b {
		t.Errorf("incidents %q and %q", a, b)
	}
	w.wait(4 * time.Second)
	w.all("web", "timeout", three...)
	w.all("gateway", "good", three...)
	w.all("web", "timeout", three...)
	w.all("gateway", "good", three...)
	w.want("gateway", "up: up, seen from 3 of 3 agents")
	w.wait(time.Second)
	w.all("web", "good", three...)
	w.want("web", "up: up, seen from 3 of 3 agents")
	if got := w.states("web"); got != "unknown up" {
		t.Errorf("%s\n%s", got, w.history())
	}
}

// TestParents_OfOneAgent: a parent that is down for one agent takes only its word.
func TestParents_OfOneAgent(t *testing.T) {
	w := threeGood(t, "gateway")
	w.save("web", after("gateway"))
	w.all("web", "good", three...)
	for range 6 {
		w.all("gateway", "good", "tokyo", "oregon")
		w.run("gateway", "paris", "no_answer")
		w.all("web", "good", three...)
		w.wait(10 * time.Second)
	}
	w.want("gateway", "degraded: paris gets no answer, oregon and tokyo are fine [path paris, sure]")
	w.want("web", "up: up, seen from 2 of 3 agents")
}

func TestFlapping(t *testing.T) {
	w := threeGood(t, "web")
	for i := range 3 {
		w.all("web", "refused", three...)
		w.wait(3 * time.Second)
		w.all("web", "refused", three...)
		w.wait(7 * time.Second)
		w.all("web", "good", three...)
		w.all("web", "good", three...)
		w.wait(5 * time.Second)
		if v := w.verdict("web"); v.Flapping != (i >= 1) {
			t.Errorf("after %d outages: flapping %t\n%s", i+1, v.Flapping, w.history())
		}
	}
	for range 59 {
		w.wait(10 * time.Second)
		w.all("web", "good", three...)
	}
	if !w.verdict("web").Flapping {
		t.Error("it is calm too soon")
	}
	w.wait(20 * time.Second)
	w.want("web", "up: up, seen from 3 of 3 agents")
}
