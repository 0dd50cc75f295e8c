package judge_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// invariants reports what does not hold of a world's verdicts, and has to hold of
// all: what docs/verdicts.md says of every verdict, worked out a second time.
func invariants(w *world) (wrong []error) {
	o := newOracle(w)
	both := slices.Concat(w.said, w.held)
	slices.SortStableFunc(both, func(a, b said) int { return cmp.Compare(a.told, b.told) })
	for i := range both {
		x := &both[i]
		o.hear(x.told)
		found := o.checkVerdict(x)
		if !x.held {
			found = append(found, o.checkCounts(x)...)
		}
		for _, err := range found {
			wrong = append(wrong, fmt.Errorf("%w\n\t%v", err, x))
		}
	}
	return append(append(wrong, checkAsks(w)...), o.checkHeld()...)
}

// checkHeld: the judge says when asked what it said last.
func (o *oracle) checkHeld() (wrong []error) {
	for subject, x := range o.last {
		var held judge.Change
		var ok bool
		switch {
		case x.Monitor != nil:
			if o.w.saved[x.Monitor.Monitor] == nil {
				continue
			}
			var v wire.Verdict
			v, ok = o.w.judge.Verdict(x.Monitor.Monitor)
			v.Frozen = x.Monitor.Frozen // of that the mesh learns
			held.Monitor = &v
		case x.Agent != nil:
			var v wire.AgentVerdict
			v, ok = o.w.judge.AgentVerdict(x.Agent.Agent)
			held.Agent = &v
		default:
			continue
		}
		if !ok || text(held) != text(x.Change) {
			wrong = append(wrong, fmt.Errorf("the judge holds of %s\n%s, and said last\n%s", subject, text(held), text(x.Change)))
		}
	}
	return wrong
}

// checkCounts: n without holes, times that do not run ahead or back, and a since
// that stays as long as the state does.
func (o *oracle) checkCounts(x *said) (wrong []error) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	state, subject := x.about()
	before := o.last[subject]
	o.last[subject] = x
	since, at, n := x.times()
	now := began.Add(x.at)
	if at.After(now) {
		bad("it was decided %v in the future", at.Sub(now))
	}
	if since.After(at) {
		bad("since is %v after it was decided", since.Sub(at))
	}
	if before == nil {
		if n != 1 {
			bad("the first n is %d", n)
		}
		return wrong
	}
	_, lastAt, lastN := before.times()
	if n != lastN+1 && !(n == 1 && x.Monitor != nil && o.ended[x.Monitor.Monitor]) {
		bad("n is %d after %d", n, lastN)
	}
	if at.Before(lastAt) {
		bad("it was decided %v before the verdict before it", lastAt.Sub(at))
	}
	was, _ := before.about()
	if v := x.Monitor; v != nil {
		switch again := o.ended[v.Monitor]; {
		case again:
			delete(o.ended, v.Monitor)
		case state == was && !v.Since.Equal(before.Monitor.Since):
			bad("since was %v, and the state is the same", before.Monitor.Since.Sub(began))
		case state != was && string(v.Was) != was:
			bad("it was %s, and the verdict says it was %q", was, v.Was)
		}
	}
	return wrong
}

func (s *said) times() (since, at time.Time, n uint64) {
	switch {
	case s.Monitor != nil:
		return s.Monitor.Since, s.Monitor.At, s.Monitor.N
	case s.Agent != nil:
		return s.Agent.Since, s.Agent.At, s.Agent.N
	}
	return s.Mesh.Since, s.Mesh.At, s.Mesh.N
}

// checkVerdict: the lists are those of the agents, the state is that of the lists, and
// the lists are those of what was reported.
func (o *oracle) checkVerdict(x *said) (wrong []error) {
	v := x.Monitor
	if v == nil || x.saved == nil || v.Frozen {
		return nil
	}
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if v.Why == "" {
		bad("it does not say why")
	}
	notWell := v.State == wire.VerdictDown || v.State == wire.VerdictDegraded
	if notWell && (v.Blame == nil || v.Incident == "") {
		bad("it has no blame or no incident")
	}
	if v.State == wire.VerdictUp && (v.Blame != nil || v.Incident != "") {
		bad("it is up, and has blame or an incident")
	}
	if v.State == wire.VerdictPaused || x.saved.Paused {
		return wrong
	}
	q := v.Quorum
	listed := slices.Concat(q.Down, q.Slow, q.Up, q.Blind, q.Silent, q.Aside)
	placed := slices.DeleteFunc(slices.Clone(listed), func(id string) bool { return slices.Contains(x.still, id) })
	if !slices.Equal(sorted(placed), sorted(x.placed)) {
		bad("its lists hold %v, and it is placed on %v", listed, x.placed)
	}
	if len(x.saved.DependsOn) == 0 {
		// Need may count agents that have reported nothing yet, and so be higher.
		if need, state := o.judge(x.saved, q); q.Need < need || q.Need == need && state != v.State {
			bad("need %d and %s follow from its lists", need, state)
		}
	}
	rule := x.saved.Rule()
	together := 0 // bad runs in a row, of all agents
	for _, id := range q.Down {
		together += o.of(id, v.Monitor).badInARow()
	}
	for _, id := range q.Down {
		r := o.of(id, v.Monitor)
		alone := r.bad(rule.Down.Of+4) >= rule.Down.Bad || r.bad(2*wire.MaxStrikes) >= 5
		if !alone && !o.wasDown(v.Monitor, id) && (r.badInARow() == 0 || together <= rule.Down.Bad) {
			bad("%s is said to find it down, and does not", id)
		}
	}
	for _, id := range q.Up {
		r := o.of(id, v.Monitor)
		heard := slices.MaxFunc([]time.Time{r.good, o.thawed, o.saved[v.Monitor], o.back[id]}, time.Time.Compare)
		switch {
		case r.good.IsZero():
			bad("%s is said to find it up, and nothing was heard of it", id)
		case r.inRow > rule.Down.Of+3 && r.runs[len(r.runs)-1].at.Sub(r.from) > 10*time.Second:
			bad("%s is said to find it up, and all of its last runs are bad", id)
		case began.Add(x.at).Sub(heard) > silence(x.saved):
			bad("%s is said to find it up, and was heard last %v before", id, began.Add(x.at).Sub(r.good))
		}
	}
	return wrong
}

// silence is how long nothing may be heard of a series while it counts. Where its agent
// is not heard either, that is waited for, so that it is one fact, of the agent.
func silence(m *wire.Saved) time.Duration {
	return max(15*time.Second, max(m.Every.Std(), m.Timeout.Std())*5/2+m.Timeout.Std()) + wire.OfflineAfter + time.Second
}

// wasDown says whether an agent found it down in the verdict before.
func (o *oracle) wasDown(monitor, agent string) bool {
	before := o.last["monitor "+monitor]
	return before != nil && slices.Contains(before.Monitor.Quorum.Down, agent)
}

// judge is the table of docs/verdicts.md: what follows from who sees what.
func (o *oracle) judge(m *wire.Saved, q wire.VerdictQuorum) (need int, state wire.VerdictState) {
	return judgeLists(m.Rule().Quorum, q, func(id, label string) string { return o.w.agent(id).heard[label] })
}

func judgeLists(rule wire.Quorum, q wire.VerdictQuorum, value func(id, label string) string) (need int, state wire.VerdictState) {
	count := func(ids []string) int { return len(ids) }
	if rule.Kind == wire.QuorumDistinct {
		count = func(ids []string) int {
			values := map[string]bool{}
			for _, id := range ids {
				values[value(id, rule.Label)] = true
			}
			delete(values, "")
			return len(values)
		}
	}
	troubled := slices.Concat(q.Down, q.Slow)
	able := slices.Concat(troubled, q.Up)
	need = rule.Need(len(able))
	switch {
	case len(able) == 0:
		return need, wire.VerdictUnknown
	case count(q.Down) >= need:
		return need, wire.VerdictDown
	case count(able) < need && len(q.Down) > 0 && len(q.Up)+len(q.Slow) == 0:
		return need, wire.VerdictUnknown
	case len(q.Down) > 0, len(q.Slow) > 0 && (len(q.Up) == 0 || count(troubled) >= need):
		return need, wire.VerdictDegraded
	case len(q.Up) > 0:
		return need, wire.VerdictUp
	}
	return need, wire.VerdictUnknown
}

// checkAsks: only of agents on which the monitor is placed, and at most 50 a second.
func checkAsks(w *world) (wrong []error) {
	var times []time.Duration
	for _, q := range w.asked {
		if !slices.Contains(q.placed, q.Agent) {
			wrong = append(wrong, fmt.Errorf("%v: %s is asked for %s, which is placed on %v", q.at, q.Agent, q.Monitor, q.placed))
		}
		if q.ID == "" || wire.CheckToken(q.ID) != nil {
			wrong = append(wrong, fmt.Errorf("%v: %s is asked for %s by %q, which is no token", q.at, q.Agent, q.Monitor, q.ID))
		}
		times = append(times, max(q.at, q.At.Sub(began)))
	}
	slices.Sort(times)
	for i := range times {
		if i >= asksASecond && times[i]-times[i-asksASecond] < time.Second {
			return append(wrong, fmt.Errorf("%v: more than %d runs are asked for in a second", times[i], asksASecond))
		}
	}
	return wrong
}

const asksASecond = 50
