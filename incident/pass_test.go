package incident

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// TestKeeper_Pass: what began and ended while no controller led is treated as if one had.
func TestKeeper_Pass(t *testing.T) {
	for _, known := range []bool{false, true} { // whether the beginning was stored before the kill
		w := newWorld(t)
		w.set(channel("hook"))
		monitors(w, "web")
		w.step()
		w.now = zero.Add(time.Minute)
		w.verdict("web", wire.VerdictDown, nil, "refused", false)
		down := w.verdicts["web"]
		if known {
			w.step()
		} else {
			delete(w.verdicts, "web")
		}
		w.restore()
		if !known {
			w.k.Pass(down.At)
			w.k.Verdict(down)
		}
		up := down
		up.State, up.Incident, up.N, up.Since, up.At = wire.VerdictUp, "", 2, zero.Add(5*time.Minute), zero.Add(5*time.Minute)
		for _, msg := range w.k.Pass(up.At) {
			w.store(msg)
		}
		w.k.Verdict(up)
		w.now = zero.Add(time.Hour)
		w.step()
		if got := w.spoken("hook"); got != "opened@1m10s resolved@5m0s" && got != "opened@1m10s resolved@1h0m0s" {
			t.Errorf("known %v: told %s", known, got)
		}
	}
	if out := New().Pass(zero.Add(time.Hour)); out != nil {
		t.Errorf("before its start: %v", out)
	}
}

// TestKeeper_PassGenerated compares a Keeper that is given each verdict when it comes
// with one that is given all of them later.
func TestKeeper_PassGenerated(t *testing.T) {
	type event struct {
		at    time.Duration
		name  string
		state wire.VerdictState
	}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 7))
		var events []event
		at := time.Duration(0)
		for range 60 {
			at += time.Duration(1+r.IntN(90)) * time.Second
			events = append(events, event{at, fmt.Sprintf("m%d", r.IntN(4)), []wire.VerdictState{wire.VerdictUp, wire.VerdictDown, wire.VerdictDegraded}[r.IntN(3)]})
		}
		notices := func(live bool) []string {
			w := newWorld(t)
			w.outcome = map[string]wire.SendOutcome{"hook": "", "mail": ""} // deliveries come after it
			w.set(channel("hook"))
			w.set(channel("mail"))
			w.set(&wire.NoticeRule{Name: "r", To: []string{"hook"}, Repeat: wire.Duration(5 * time.Minute), Escalate: []wire.Escalation{{After: wire.Duration(2 * time.Minute), To: []string{"mail"}}}})
			w.set(&wire.Silence{ID: "s", From: zero.Add(10 * time.Minute), Until: zero.Add(20 * time.Minute)})
			monitors(w, "m0", "m1", "m2", "m3")
			w.step()
			for _, e := range events {
				if live {
					w.until(zero.Add(e.at))
				} else {
					for _, msg := range w.k.Pass(zero.Add(e.at)) {
						w.store(msg)
					}
					w.now = zero.Add(e.at)
				}
				w.verdict(e.name, e.state, nil, "x", false)
				if live {
					w.step()
				}
			}
			end := zero.Add(at + time.Hour)
			for _, msg := range w.k.Pass(end) {
				w.store(msg)
			}
			w.now = end
			w.step()
			var out []string
			for _, n := range w.told {
				out = append(out, fmt.Sprintf("%s %s %v", n.Key(), n.Reason, n.At.Sub(zero)))
			}
			slices.Sort(out)
			return out
		}
		if a, b := notices(true), notices(false); !slices.Equal(a, b) {
			t.Fatalf("seed %d:\nlive   %s\nlater  %s", seed, strings.Join(a, "\n       "), strings.Join(b, "\n       "))
		}
	}
}
