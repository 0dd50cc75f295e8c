package judge_test

import (
	"slices"
	"time"

	"netmon/wire"
)

// oracle knows what was given until a verdict, and the verdicts before it.
type oracle struct {
	w      *world
	heard  int
	series map[[2]string]*record // by agent and monitor
	last   map[string]*said      // by subject
	ended  map[string]bool       // monitors that were deleted since their last verdict
	before time.Time             // of the last fact
	saved  map[string]time.Time  // when a monitor was saved last: agents learned it then
	beat   map[string]time.Time  // the newest heartbeat of an agent
	back   map[string]time.Time  // when an agent was heard again that was offline
	thawed time.Time             // when facts came again after none: silence counts from then
}

func newOracle(w *world) *oracle {
	return &oracle{w: w, series: map[[2]string]*record{}, last: map[string]*said{}, ended: map[string]bool{}, saved: map[string]time.Time{}, beat: map[string]time.Time{}, back: map[string]time.Time{}}
}

func (o *oracle) hear(told int) {
	for ; o.heard < told; o.heard++ {
		f := &o.w.told[o.heard]
		if f.at.Sub(o.before) > wire.AliveEvery || !f.gap.IsZero() {
			o.thawed = f.at
		}
		o.before = f.at
		switch {
		case f.result != nil:
			key := [2]string{f.result.Agent, f.result.Monitor}
			if o.series[key] == nil {
				o.series[key] = &record{}
			}
			o.series[key].add(f)
		case f.alive != nil:
			if id := f.alive.Agent; f.at.Sub(o.beat[id]) > wire.OfflineAfter {
				o.back[id] = f.at
			}
			o.beat[f.alive.Agent] = f.at
		case f.saved != nil:
			o.saved[f.saved.Name] = f.at
		case f.deleted != "":
			o.ended[f.deleted] = true
		}
	}
}

// record is what was given of a monitor on one agent, the newest last.
type record struct {
	runs []run1
	good time.Time // when the newest run began that said something
	// Bad runs in a row that did not wait for an agent to come back: how many, and when
	// the first began.
	inRow int
	from  time.Time
}

type run1 struct {
	at  time.Time
	bad bool // slow is not
}

func (r *record) add(f *fact) {
	if f.result.Outcome == wire.Broken {
		return
	}
	r.good = f.measured
	if f.result.LateNS > int64(time.Minute) {
		return // it is about the past
	}
	switch x := f.result; {
	case x.Outcome == wire.OK || x.Failure == wire.FailSlow:
		r.inRow = 0
	case x.LateNS > 0:
	case r.inRow == 0:
		r.inRow, r.from = 1, f.measured
	default:
		r.inRow++
	}
	n := min(f.result.Covers, wire.MaxStrikes)
	for range n + 1 {
		r.runs = append(r.runs, run1{f.measured, f.result.Outcome == wire.Failed && f.result.Failure != wire.FailSlow})
	}
	if n := len(r.runs) - 2*wire.MaxStrikes; n > 100 {
		r.runs = slices.Delete(r.runs, 0, n)
	}
}

// bad counts the bad runs of the last so many.
func (r *record) bad(of int) (n int) {
	for _, x := range r.runs[max(0, len(r.runs)-of):] {
		if x.bad {
			n++
		}
	}
	return n
}

// badInARow counts the newest runs that are bad.
func (r *record) badInARow() (n int) {
	for n < len(r.runs) && r.runs[len(r.runs)-1-n].bad {
		n++
	}
	return n
}

// of is what was given of a monitor on an agent, which may be nothing.
func (o *oracle) of(agent, monitor string) *record {
	if r := o.series[[2]string{agent, monitor}]; r != nil {
		return r
	}
	return &record{}
}
