package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

func channel(name string) *wire.Channel { return &wire.Channel{Name: name, Kind: "webhook"} }

func monitors(w *world, names ...string) {
	for _, name := range names {
		w.save(wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: name + ".example:443"}})
	}
}

// spoken lists what a channel was sent: reason@seconds.
func (w *world) spoken(channel string) string {
	var out []string
	for _, n := range w.told {
		if n.Channel == channel {
			out = append(out, fmt.Sprintf("%s@%v", n.Reason, n.At.Sub(zero)))
		}
	}
	return strings.Join(out, " ")
}

// TestKeeper plays the life of one incident.
func TestKeeper(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		w.restart = restart
		w.set(channel("hook"))
		monitors(w, "web")
		w.step()
		w.until(zero.Add(time.Minute))
		w.verdict("web", wire.VerdictDown, &wire.Blame{Class: wire.BlameTarget, Sure: true}, "refused from 3 of 3 agents", false)
		w.step()
		w.until(zero.Add(5 * time.Minute))
		if got := w.incident["web-1"].Summary; got != "web is down: refused from 3 of 3 agents (target)" {
			t.Errorf("summary %q", got)
		}
		w.verdict("web", wire.VerdictUp, nil, "up", false)
		w.step()
		w.until(zero.Add(time.Hour))
		if got := w.spoken("hook"); got != "opened@1m10s resolved@5m0s" {
			t.Errorf("told %s", got)
		}
		inc := w.incident["web-1"]
		if inc.State != wire.IncidentResolved || inc.Summary != "web is up again after 4m0s" && inc.Summary != "web is up again after 4m" || len(w.k.Open()) != 0 {
			t.Errorf("%+v", inc)
		}
		for _, e := range inc.Log {
			t.Logf("%v %s %q %s", e.At.Sub(zero), e.What, e.By, e.Text)
		}
	}
}

// TestKeeper_Storm has 1,000 monitors of one gateway fail within 10 s.
func TestKeeper_Storm(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		w.restart = restart
		w.set(channel("hook"))
		monitors(w, "gateway")
		for i := range 1000 {
			monitors(w, fmt.Sprintf("m%d", i))
		}
		w.step()
		parent := &wire.Blame{Class: wire.BlameParent, Names: []string{"gateway"}, Sure: true, Why: "gateway is down"}
		for i := range 1000 {
			w.verdict(fmt.Sprintf("m%d", i), wire.VerdictUnknown, parent, "gateway is down", false)
			if i%100 == 99 {
				w.until(w.now.Add(time.Second))
				w.step()
			}
			if i == 500 {
				w.verdict("gateway", wire.VerdictDown, &wire.Blame{Class: wire.BlameTarget}, "timeout from 3 of 3 agents", false)
			}
		}
		w.until(zero.Add(10 * time.Minute))
		w.verdict("gateway", wire.VerdictUp, nil, "up", false)
		for i := range 1000 {
			w.verdict(fmt.Sprintf("m%d", i), wire.VerdictUp, nil, "up", false)
		}
		w.step()
		w.until(zero.Add(time.Hour))
		if got := w.spoken("hook"); got != "opened@10s resolved@10m0s" {
			t.Errorf("told %s", got)
		}
		if len(w.ids) != 1 || w.told[0].incident.Summary != "gateway is down: timeout from 3 of 3 agents (target); 1000 monitors depend on it" || w.told[0].incident.More != 1 {
			t.Errorf("%d incidents, %q, more %d", len(w.ids), w.told[0].incident.Summary, w.told[0].incident.More)
		}
	}
}

// TestKeeper_HeardAtOnce hears of an outage when it is over, as who leads after a kill
// does: who was to be notified of it is notified of its end, unless it was over within the wait.
func TestKeeper_HeardAtOnce(t *testing.T) {
	for lasted, want := range map[time.Duration]string{7 * time.Second: "", 15 * time.Second: "resolved@1m0s"} {
		w := newWorld(t)
		w.set(channel("hook"))
		monitors(w, "web")
		w.step()
		w.until(zero.Add(time.Minute))
		began := zero.Add(30 * time.Second)
		down := wire.Verdict{Monitor: "web", State: wire.VerdictDown, Was: wire.VerdictUp, Since: began, At: began, N: 1, Incident: "web-1", Why: "refused", Blame: &wire.Blame{Class: wire.BlameTarget}}
		up := wire.Verdict{Monitor: "web", State: wire.VerdictUp, Was: wire.VerdictDown, Since: began.Add(lasted), At: began.Add(lasted), N: 2, Why: "up"}
		w.k.Verdict(down)
		w.k.Verdict(up)
		w.step()
		w.until(zero.Add(time.Hour))
		if got := w.spoken("hook"); got != want {
			t.Errorf("an outage of %v: told %q, want %q", lasted, got, want)
		}
	}
}
