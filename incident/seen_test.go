package incident

import (
	"fmt"
	"testing"
	"time"

	"netmon/wire"
)

// TestKeeper_Forgets: of what is over for good, and of what is deleted, only the newest
// is remembered.
func TestKeeper_Forgets(t *testing.T) {
	w := newWorld(t)
	monitors(w, "web", "stays")
	w.step()
	w.verdict("stays", wire.VerdictUp, nil, "", false)
	for i := range 3 * mostGone {
		name := fmt.Sprintf("m%d", i)
		w.trouble(wire.AboutAudit, name, "somebody made a token", true)
		monitors(w, name)
		w.verdict(name, wire.VerdictDown, nil, "refused", false)
		w.step()
		w.remove(name)
		w.set(&wire.Group{Name: name, Of: []string{"web"}})
		w.step()
		w.unset(wire.SortGroup, name)
		w.now = w.now.Add(time.Minute)
		w.step()
	}
	if n := len(w.k.seen); n > 3*mostGone {
		t.Errorf("%d facts are remembered", n)
	}
	if n := len(w.k.closed); n > 3*mostGone {
		t.Errorf("%d ends are remembered", n)
	}
	if _, ok := w.k.seen[key{wire.AboutMonitor, "stays"}]; !ok {
		t.Error("what is saved is forgotten")
	}
}

// TestKeeper_DeletedMeanwhile: a channel that was deleted while nobody led is owed nothing.
func TestKeeper_DeletedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.outcome["hook"] = "" // nothing is heard of it
	w.set(channel("hook"))
	monitors(w, "web")
	w.step()
	w.verdict("web", wire.VerdictDown, nil, "refused", false)
	w.step()
	w.until(zero.Add(time.Minute))
	stored := w.incident["web-1"]

	w.k = New()
	w.k.Restore(stored)
	w.unset(wire.SortChannel, "hook")
	w.k.Monitor(w.monitors["web"])
	w.k.Verdict(w.verdicts["web"])
	w.step()
	if c := w.incident["web-1"].Channels[0]; !c.Deleted || c.Outcome != wire.Undelivered || c.Delivered != c.N {
		t.Errorf("%+v", c)
	}
	w.until(zero.Add(2 * time.Minute))
	w.verdict("web", wire.VerdictUp, nil, "", false)
	w.step()
	w.set(channel("hook"))
	w.restore()
	w.until(zero.Add(time.Hour))
	if got := w.spoken("hook"); got != "opened@10s" {
		t.Errorf("told %s", got)
	}
	w.invariants()
}
