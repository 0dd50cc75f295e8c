package agent

import (
	"errors"
	"fmt"
	"time"

	"netmon/agent/policy"
	"netmon/wire"
)

const (
	listMost  = 500 // monitors in one reply, so that it stays far under the payload limit
	probeMost = 64  // probes on demand at once
)

// command carries out one request. reply may be called later, from another
// goroutine, and is called exactly once.
//
// proof is what shows who sent it: see wire.Proof.
func (a *Agent) command(data []byte, proof string, reply func(wire.Reply)) {
	c, err := wire.DecodeCommand(data)
	by := ""
	if err == nil || a.o.Trust == nil { // what cannot be read shows nobody
		var errBy error
		by, errBy = a.author(data, proof, c)
		err = errors.Join(err, errBy)
	}
	if err != nil {
		refusal := wire.Refuse(a.o.ID, wire.Invalid(err)...)
		if refusal.Error.Code == wire.CodeChallenge {
			refusal.Challenge = a.replays.Now()
		}
		if a.o.Trust == nil || by != "" { // else anybody could fill the audit
			a.auditCommand(by, c, refusal)
		}
		reply(refusal)
		return
	}
	answer := reply
	reply = func(r wire.Reply) {
		a.auditCommand(by, c, r)
		answer(r)
	}
	switch c.Op {
	case wire.OpProbe:
		a.probeNow(c, reply)
	case wire.OpInfo:
		if c.Instance != "" && c.Instance != a.instance {
			a.link.challenge()
		}
		info := a.alive()
		reply(wire.Reply{OK: true, Agent: a.o.ID, Info: &info})
	case wire.OpTrust:
		reply(a.trust(*c.Trust))
	case wire.OpRotate:
		a.rotate(reply)
	default:
		reply(a.change(c, by))
	}
}

// change carries out a command about the set, saves the set where anything in
// it changed, and only then replies.
func (a *Agent) change(c wire.Command, by string) wire.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopping {
		return wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeStopping, Message: "the agent is shutting down"})
	}
	r := wire.Reply{OK: true, Agent: a.o.ID}
	switch c.Op {
	case wire.OpList:
		limit := listMost
		if c.Limit > 0 {
			limit = min(limit, c.Limit)
		}
		r.Monitors, r.Next = a.set.list(c.After, limit, c.Whole)
		return r
	case wire.OpStart:
		for i, m := range c.Monitors {
			started := a.set.start(c, m, fmt.Sprintf("monitors[%d]", i))
			if e := a.set.entries[m.Name]; e != nil && e.manual() && started.State != wire.Refused {
				a.set.credit(e, by)
			}
			r.Monitors = append(r.Monitors, started)
		}
	case wire.OpStop:
		for _, name := range c.Names {
			r.Monitors = append(r.Monitors, a.set.stop(c, name))
		}
	case wire.OpRun:
		r.Monitors = a.askAll(c)
	case wire.OpSync:
		want, err := a.set.sync(c)
		if err != nil {
			return wire.Refuse(a.o.ID, *err)
		}
		r.Want = want
	}
	if a.set.dirty {
		a.set.startFitting()
	}
	for _, m := range r.Monitors {
		r.Errors = append(r.Errors, m.Errors[:min(len(m.Errors), wire.MaxProblems-len(r.Errors))]...)
	}
	if len(r.Errors) > 0 {
		r.OK, r.Error = false, &r.Errors[0]
	}
	if a.set.dirty { // also where all was refused: heartbeats say why
		a.saveLocked()
		a.changed()
	}
	return r
}

// saveLocked writes the state file; a failure is reported in heartbeats and does
// not undo the command. The next command tries again.
func (a *Agent) saveLocked() {
	s := a.set.state()
	s.Agent = a.o.ID
	err := saveState(a.o.State, s)
	if err != nil {
		a.log.Error("save state", "error", err)
		a.stateProblem = fmt.Sprintf("could not save which monitors run, a restart would forget the last changes: %v", err)
		return
	}
	a.stateProblem, a.set.dirty = "", false
}

// probeNow measures once, beside what runs.
func (a *Agent) probeNow(c wire.Command, reply func(wire.Reply)) {
	m := c.Monitors[0].WithDefaults()
	if m.Name == "" {
		m.Name = "probe"
	}
	m.Every = wire.Duration(wire.MaxEvery) // it has no interval: none is too short
	check, err := a.checkMonitor(m)
	if err != nil {
		var p wire.Problems
		p.Add("monitors[0]", err)
		reply(wire.Refuse(a.o.ID, wire.Invalid(p.Err())...))
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopping {
		reply(wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeStopping, Message: "the agent is shutting down"}))
		return
	}
	if err := a.policy.Demand(&a.set.tally, policy.LoadOf(m, check.footprint), time.Now()); err != nil {
		var p wire.Problems
		p.Add("monitors[0]", err)
		reply(wire.Refuse(a.o.ID, wire.Invalid(p.Err())...))
		return
	}
	if a.probing.Add(1) > probeMost {
		a.probing.Add(-1)
		reply(wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeLimit, Message: fmt.Sprintf("%d probes on demand are running: try again", probeMost)}))
		return
	}
	a.runner.wg.Go(func() {
		defer a.probing.Add(-1)
		defer check.probe.Close()
		res := check.probe.Run(a.runs, m.Timeout.Std(), nil)
		res.Agent, res.Monitor = a.o.ID, m.Name
		res.Fit()
		reply(wire.Reply{OK: true, Agent: a.o.ID, Result: &res})
	})
}

// checkMonitor builds a monitor's probe, or returns every mistake in it.
func (a *Agent) checkMonitor(m wire.Monitor) (candidate, error) {
	check, err := a.o.Kinds.Prepare(a.env, m)
	if err != nil {
		return candidate{}, err
	}
	f := check.Footprint()
	if err := a.policy.Check(m, f); err != nil {
		return candidate{}, err
	}
	return candidate{check, f}, nil
}
