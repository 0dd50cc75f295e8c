package judge_test

import (
	"hash/fnv"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// spread is where in its interval a series has its ticks.
func spread(id, name string, every time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(id + "/" + name))
	x := h.Sum64()
	x ^= x >> 31
	x *= 0x9e3779b97f4a7c15
	return time.Duration(x>>1) % every
}

func (a *agent) has(x *series) bool { return a.running && a.series[x.m.Name] == x }

func (w *world) tick(a *agent, x *series) {
	if !a.has(x) {
		return
	}
	w.plan(w.now+x.m.Every.Std(), func() { w.tick(a, x) })
	x.due = w.now
	switch {
	case x.busy && x.asked == "":
		x.covers++
	case x.owed:
		x.lost++
	default:
		x.owed = true
		w.turn(a, x)
	}
}

// ask has it run a monitor once more, at once or right after the run under way. An
// agent makes 20 such runs at once and 10 a second; who asks while one waits shares it.
func (w *world) ask(q judge.Ask) {
	a := w.agent(q.Agent)
	x := a.series[q.Monitor]
	if a.deaf || !w.reaches(a) || x == nil {
		return
	}
	if x.wanted == "" {
		const gap, burst = 100 * time.Millisecond, 2 * time.Second
		full := max(a.asks, w.now) + gap
		if full > w.now+burst {
			return
		}
		a.asks = full
	}
	x.wanted = q.ID
	w.turn(a, x)
}

// turn begins the run of a tick that has none yet, else one that was asked for.
func (w *world) turn(a *agent, x *series) {
	switch {
	case x.busy || !a.has(x):
	case x.owed:
		x.owed = false
		w.measure(a, x, x.due)
	case x.wanted != "":
		x.asked, x.wanted = x.wanted, ""
		w.measure(a, x, w.now)
	}
}

func (w *world) measure(a *agent, x *series, due time.Duration) {
	started := w.now
	found, takes := w.find(a, x)
	x.busy = true
	w.plan(started+takes, func() {
		asked := x.asked
		x.busy, x.asked = false, ""
		if !a.has(x) {
			return
		}
		a.seq++
		x.runs++
		r := &wire.Result{Agent: a.id, Monitor: x.m.Name, Kind: x.m.Kind, Target: x.m.Target, Epoch: "e1", Seq: a.seq, Run: x.runs,
			Due: began.Add(due + a.clock), Started: began.Add(started + a.clock), ElapsedNS: int64(takes),
			Outcome: found.outcome, Failure: found.failure, Error: string(found.failure), Asked: asked, Revision: x.m.Revision}
		if asked == "" {
			r.Covers, r.Skipped = x.covers, x.covers+x.lost
			x.covers, x.lost = 0, 0
		}
		if k := (kept{r, w.now}); w.reaches(a) {
			w.deliver(a, k, w.now+a.lag)
		} else {
			a.spool = append(a.spool, k)
		}
		w.turn(a, x)
	})
}

// find is what a run that begins now finds, and how long it takes.
func (w *world) find(a *agent, x *series) (condition, time.Duration) {
	c, known := a.finds[x.m.Name]
	switch {
	case a.cut:
		c = condition{failure: wire.FailTimeout, outcome: wire.Failed}
	case !known:
		c = fine
	case c.period > 0 && (w.now-c.from)/c.period%2 == 1, c.chance > 0 && c.chance < 1 && w.rng.Float64() >= c.chance:
		c = fine
	case c.once:
		delete(a.finds, x.m.Name)
	}
	timeout := x.m.Timeout.Std()
	takes := c.takes
	if takes == 0 {
		switch c.failure {
		case wire.FailTimeout, wire.FailNoAnswer, wire.FailDNSTimeout, wire.FailLoss, wire.BrokenResolver:
			takes = timeout
		case wire.FailSlow:
			takes = timeout * 2 / 5
		case wire.FailUnreachable:
			takes = 3 * time.Second
		default:
			takes = 12*time.Millisecond + time.Duration(w.rng.IntN(int(8*time.Millisecond)))
		}
	}
	return c, min(takes, timeout)
}
