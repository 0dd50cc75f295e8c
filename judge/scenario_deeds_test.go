package judge_test

import (
	"fmt"
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// restartJudge continues with a judge made of a whole checkpoint, as a controller
// that was killed and started does.
func (w *world) restartJudge() {
	for _, s := range w.judge.Checkpoint() {
		w.shards[s.Index] = s
	}
	next, err := judge.Restore(all(w.shards))
	if err != nil {
		w.stuck = fmt.Errorf("restore: %w", err)
		return
	}
	w.judge = next
}

// save does what a person does, who learns where the broker is not there.
func (w *world) save(name string, change func(*wire.Saved)) {
	if w.down {
		return
	}
	m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: name + ".example:443"}}
	if old := w.saved[name]; old != nil {
		m = *old
	}
	change(&m)
	m.Monitor = m.Monitor.WithDefaults()
	if err := m.Validate(); err != nil {
		w.stuck = fmt.Errorf("save %s: %w", name, err)
	}
	w.revision++
	m.Revision = w.revision
	w.saved[name] = &m
	w.store(fact{saved: &m})
	w.syncAll()
}

func (w *world) remove(name string) {
	if w.down || w.saved[name] == nil {
		return
	}
	delete(w.saved, name)
	w.store(fact{deleted: name})
	w.syncAll()
}

func (w *world) syncAll() {
	for _, a := range w.agents {
		w.plan(w.now+100*time.Millisecond, func() { w.sync(a) })
	}
}

// noticed is when whoever gives the judge the time notices that the broker is unreachable.
func (w *world) noticed() time.Duration {
	if w.down {
		return w.since + 2*time.Second
	}
	return forever
}

func (w *world) setBroker(down bool) {
	if !down && w.down {
		gap := fact{gap: began.Add(min(w.noticed(), w.now))}
		w.down, w.resumed = false, w.now
		w.store(gap)
	}
	if down && !w.down {
		w.since = w.now
	}
	w.down = down
	for i, a := range w.agents {
		if !down {
			w.plan(w.now+time.Duration(300+i%7*250)*time.Millisecond, func() { w.connect(a) })
		}
	}
}

func (w *world) setCondition(monitors, agents []string, c condition) {
	for _, id := range agents {
		a := w.agent(id)
		for _, m := range monitors {
			a.finds[m] = c
		}
	}
}

func (w *world) agent(id string) *agent {
	return w.agents[slices.IndexFunc(w.agents, func(a *agent) bool { return a.id == id })]
}
