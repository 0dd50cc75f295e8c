package agent

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"netmon/wire"
)

// This file is the command run: a monitor runs once more, at once, beside its schedule.

// wish is a run that somebody asked for.
type wish struct {
	token string // that its result carries
	at    time.Time
}

// newAskBudget bounds the runs that are asked for of one agent, whoever asks.
func newAskBudget() *rate.Limiter { return rate.NewLimiter(wire.MaxAskRate, wire.MaxAsked) }

// ask has one monitor run once more. field is where the command names it.
func (a *Agent) ask(name, token, field string) wire.MonitorReply {
	r := wire.MonitorReply{Name: name, State: wire.Asked}
	refuse := func(s wire.State, errs ...wire.Error) wire.MonitorReply {
		r.State, r.Errors = s, errs
		return r
	}
	e := a.set.entries[name]
	switch {
	case e == nil:
		return refuse(wire.Absent, wire.Error{Code: wire.CodeInvalid, Field: field, Message: fmt.Sprintf("%q does not run here", name)})
	case e.task == nil:
		r.Revision = e.monitor.Revision
		return refuse(wire.Refused, e.refused...)
	}
	r.Revision = e.monitor.Revision
	if a.runner.join(e.task, token) {
		return r
	}
	if !a.asks.Allow() {
		return refuse(wire.Refused, wire.Error{Code: wire.CodeLimit, Field: field,
			Message: fmt.Sprintf("at most %d runs a second may be requested, and that limit is reached: try again in a moment", wire.MaxAskRate)})
	}
	// What it measures, and where, was asked when it was started: a policy does not change.
	if err := a.policy.Demand(&a.set.tally, e.load, time.Now()); err != nil {
		var p wire.Problems
		p.Add(field, err)
		return refuse(wire.Refused, wire.Invalid(p.Err())...)
	}
	a.runner.ask(e.task, token)
	return r
}

// askAll is ask for all that a command names.
func (a *Agent) askAll(c wire.Command) (all []wire.MonitorReply) {
	token := cmp.Or(c.Asked, rand.Text()[:askedBytes])
	for i, name := range c.Names {
		r := a.ask(name, token, fmt.Sprintf("names[%d]", i))
		if c.Asked == "" && r.State == wire.Asked {
			r.Note = "its result has asked " + token
		}
		all = append(all, r)
	}
	return all
}

// askedBytes is the length of a token that the agent chooses.
const askedBytes = 16

// join has a run that was asked for, and did not begin yet, carry this token
// instead. It says whether there is one.
func (r *runner) join(x *task, token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case x.asked != "" && !x.running: // it waits for a place
		x.asked = token
	case x.wanted.token != "":
		x.wanted.token = token
	default:
		return false
	}
	return true
}

// ask has a monitor run at once, or right after the run under way.
func (r *runner) ask(x *task, token string) {
	r.mu.Lock()
	x.wanted = wish{token, time.Now()}
	busy := x.busy // then the run under way sees to it at its end
	r.mu.Unlock()
	if !busy {
		r.turn(x)
	}
}

// turn has the loop check whether a monitor has a run to make, although no tick of
// it is due.
func (r *runner) turn(x *task) {
	r.mu.Lock()
	r.follow = append(r.follow, x)
	r.mu.Unlock()
	r.wake()
}
