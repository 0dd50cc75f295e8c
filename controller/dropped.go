package controller

import (
	"fmt"
	"time"

	"netmon/internal/plural"
	"netmon/wire"
)

// dropping is what an agent lost.
type dropping struct {
	instance string    // one life of its process
	count    uint64    // results that it lost in this life, as it said last
	grew     time.Time // when it lost some last; zero: not since a restart
	wrong    bool
}

// droppedAfter is after how long without a loss all is good again.
const droppedAfter = 10 * time.Minute

// heartbeat looks at how many results an agent lost. What it had lost when it is heard
// for the first time may be long ago, and counts for nothing.
func (w *watch) heartbeat(a *wire.Alive, at time.Time) {
	if a.Gone {
		delete(w.drops, a.Agent)
		w.add(wire.Trouble{About: wire.AboutDropped, Name: a.Agent, At: at, Why: "the agent is gone"})
		return
	}
	d := w.drops[a.Agent]
	known := d != nil && d.instance != ""
	if d == nil {
		d = &dropping{}
		w.drops[a.Agent] = d
	}
	before := d.count
	if d.instance != a.Instance {
		before = 0
	}
	d.instance, d.count = a.Instance, a.Dropped
	if known && a.Dropped > before {
		w.dropped(a.Agent, at, fmt.Sprintf("it lost %s since it was started at %s: its spool was full", plural.Count(a.Dropped, "result", "results"), a.Started.UTC().Format(time.RFC3339)), "")
	}
}

// dropped notes a loss.
func (w *watch) dropped(agent string, at time.Time, why, evidence string) {
	d := w.drops[agent]
	if d == nil {
		d = &dropping{}
		w.drops[agent] = d
	}
	if at.After(d.grew) {
		d.grew = at
	}
	if !d.wrong {
		d.wrong = true
		w.add(wire.Trouble{About: wire.AboutDropped, Name: agent, Wrong: true, At: at, Why: why, Evidence: evidence})
	}
}

// droppingBy looks who lost nothing for a while.
func (w *watch) droppingBy(now time.Time) {
	for _, name := range sorted(w.drops) {
		switch d := w.drops[name]; {
		case !d.wrong:
		case d.grew.IsZero():
			d.grew = now
		case now.Sub(d.grew) >= droppedAfter:
			d.wrong = false
			w.add(wire.Trouble{About: wire.AboutDropped, Name: name, At: now, Why: "it has lost no results for 10 minutes"})
		}
	}
}

// lostBefore says in words what a result says of those that were lost before it.
func lostBefore(r *wire.Result) string {
	return fmt.Sprintf("it lost %s of %s: its spool was full", plural.Count(r.Dropped, "result", "results"), r.Monitor)
}
