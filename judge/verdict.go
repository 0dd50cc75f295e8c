package judge

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"

	"netmon/wire"
)

// judge finds the verdict on a monitor, and reports it when it is another one. What
// has still to be waited for wakes it again.
func (j *Judge) judge(m *monitor) {
	if m.Deleted {
		return
	}
	j.heedParents(m)
	next := earliest(j.check(m), j.reconcile(m))
	t := m.tally()
	v := j.compose(m, &t)
	if j.parentsPending(m) {
		next = earliest(next, m.Waits)
	}
	if j.hold(m, v.State) {
		j.wake(m, next)
		return
	}
	j.flap(m, &v)
	j.wake(m, earliest(next, m.Calm))
	if !j.same(&v, &m.Holds) {
		j.publish(m, &t, v)
	}
	if len(j.children[m.Name]) == 0 {
		return
	}
	if down := m.downFor(); down != m.Downs {
		m.Downs = down
		j.markChildren(m.Name)
	}
}

// wake has the monitor judged again then. What is past was looked at now.
func (j *Judge) wake(m *monitor, at moment) {
	if at > j.now {
		j.touch(m)
		j.arm(&m.Armed, timer{at: at, m: m})
	}
}

// hold says whether a state has to wait: one that is worse for the answer of the
// parents, and degraded for the end of a cross-check, since it may be down, or up, in
// a moment.
func (j *Judge) hold(m *monitor, state wire.VerdictState) bool {
	old := m.Holds.State
	switch {
	case state == old || old == "":
		return false
	case rank(state) > rank(old) && j.parentsPending(m):
		return true
	}
	return state == wire.VerdictDegraded && j.outstanding(m)
}

// rank orders the states of what is measured, the worst highest.
func rank(s wire.VerdictState) int {
	switch s {
	case wire.VerdictDown:
		return 3
	case wire.VerdictDegraded:
		return 2
	case wire.VerdictUnknown:
		return 1
	}
	return 0
}

// downFor names for whom the monitor is down: what depends on it is judged again when
// that changes.
func (m *monitor) downFor() uint64 {
	h := fnv.New64a()
	h.Write([]byte(m.Holds.State))
	for _, s := range m.Series {
		if s.Placed && s.Status == isDown && s.voice().able() || s.Parent != "" {
			fmt.Fprint(h, " ", s.a.id)
		}
	}
	return h.Sum64()
}

// compose makes the verdict that follows from the tally. What it rests on is added when
// it is given.
func (j *Judge) compose(m *monitor, t *tally) wire.Verdict {
	v := wire.Verdict{Monitor: m.Name, Revision: m.Revision, Quorum: m.quorum(t)}
	if m.Paused {
		v.State, v.Why, v.Quorum = wire.VerdictPaused, "paused", wire.VerdictQuorum{}
	} else {
		d := t.decide(m.rule.Quorum)
		v.State, v.Quorum.Need = d.state, d.need
		if v.Why = j.why(m, t, d); d.state == wire.VerdictUnknown && j.mesh.Lost {
			v.Why = "no agent is heard"
		}
		v.Blame = j.blame(m, t, d)
	}
	j.date(m, t, &v)
	v.Incident = j.incident(m, t, &v)
	return v
}

func (m *monitor) quorum(t *tally) wire.VerdictQuorum {
	q := wire.VerdictQuorum{
		Down: ids(t[saysDown]), Slow: ids(t[saysSlow]), Up: ids(t[saysUp]),
		Blind: ids(t[isBlind]), Silent: ids(append(slices.Clone(t[isSilent]), t[waiting]...)), Aside: ids(t[isAside]),
	}
	slices.Sort(q.Silent)
	if m.rule.Quorum.Kind != wire.QuorumMajority {
		q.Rule = m.rule.Quorum.String()
	}
	return q
}

// date finds since when the state is what it is: the start of the run that began it,
// and now where no run did.
func (j *Judge) date(m *monitor, t *tally, v *wire.Verdict) {
	old := &m.Holds
	v.At = j.now.time()
	if v.State == old.State {
		v.Since, v.Was = old.Since, old.Was
		return
	}
	v.Was = old.State
	since := moment(0)
	switch v.State {
	case wire.VerdictDown:
		since = sinceReached(t[saysDown], m.rule.Quorum, v.Quorum.Need)
	case wire.VerdictDegraded:
		if old.State == wire.VerdictDown {
			since = newestSince(t[saysUp])
		} else {
			since = oldestSince(t[saysDown], t[saysSlow])
		}
	case wire.VerdictUp:
		since = newestSince(t[saysUp])
	}
	if since <= momentOf(old.Since) || since > j.now {
		since = j.now
	}
	v.Since = since.time()
}

// sinceReached is when the quorum was reached by those who find it down.
func sinceReached(down []*series, q wire.Quorum, need int) moment {
	list := slices.Clone(down)
	slices.SortStableFunc(list, func(a, b *series) int { return cmp.Compare(a.Since, b.Since) })
	for i := range list {
		t := tally{saysDown: list[:i+1]}
		if q.Kind != wire.QuorumDistinct && i+1 >= need || q.Kind == wire.QuorumDistinct && t.decide(q).state == wire.VerdictDown {
			return list[i].Since
		}
	}
	return 0
}

func oldestSince(lists ...[]*series) (since moment) {
	for _, list := range lists {
		for _, s := range list {
			since = earliest(since, s.Since)
		}
	}
	return since
}

func newestSince(list []*series) (since moment) {
	for _, s := range list {
		since = max(since, s.Since)
	}
	return since
}

// incident names what is wrong, from the first failing run on until it is up again. A
// monitor that waits for its parent shares the parent's.
func (j *Judge) incident(m *monitor, t *tally, v *wire.Verdict) string {
	old := &m.Holds
	switch {
	case v.State == wire.VerdictUp || v.State == wire.VerdictPaused:
		return ""
	case v.Blame != nil && v.Blame.Class == wire.BlameParent:
		if p := j.monitors[v.Blame.Names[0]]; p != nil && p.Holds.Incident != "" {
			return p.Holds.Incident
		}
	}
	if old.Incident != "" && old.Revision >= m.Changed {
		return old.Incident
	}
	if v.State == wire.VerdictUnknown && len(t[saysDown]) == 0 && (len(t[waiting]) > 0 || t.placed() == 0) {
		return "" // nothing is wrong as yet
	}
	first := t[saysDown]
	if len(first) == 0 {
		first = t[saysSlow]
	}
	if len(first) == 0 {
		return incidentOf(m.Name, fmt.Sprintf("unknown %d", j.now))
	}
	s := slices.MinFunc(first, func(a, b *series) int { return cmp.Compare(a.Since, b.Since) })
	return incidentOf(m.Name, fmt.Sprintf("%s %d", s.a.id, s.Since))
}

// incidentOf is a token.
func incidentOf(name, first string) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s", name, first)
	return fmt.Sprintf("%.40s-%016x", name, h.Sum64())
}

// same says whether nothing changed that is worth reporting.
func (j *Judge) same(a, b *wire.Verdict) bool {
	return a.State == b.State && a.Why == b.Why && a.Flapping == b.Flapping && a.Incident == b.Incident && a.Revision == b.Revision &&
		reflect.DeepEqual(a.Blame, b.Blame) && sameQuorum(&a.Quorum, &b.Quorum)
}

func sameQuorum(a, b *wire.VerdictQuorum) bool {
	return a.Need == b.Need && a.Rule == b.Rule && slices.Equal(a.Down, b.Down) && slices.Equal(a.Slow, b.Slow) && slices.Equal(a.Up, b.Up) &&
		slices.Equal(a.Blind, b.Blind) && slices.Equal(a.Silent, b.Silent) && slices.Equal(a.Aside, b.Aside)
}

// publish makes the verdict the current one, and adds it to the changes.
func (j *Judge) publish(m *monitor, t *tally, v wire.Verdict) {
	v.N = m.Holds.N + 1
	v.Evidence = t.evidence()
	v.Cross = m.Cross.summary()
	v.Frozen = j.mesh.Holds.Frozen
	m.Holds = v
	told := clone(v)
	fit(&told)
	j.changes = append(j.changes, Change{Monitor: &told})
}

// mostListed bounds the agents of each list in a verdict that would be too long.
const mostListed = 90

// fit keeps a verdict with very many agents within its limit.
func fit(v *wire.Verdict) {
	lists := []*[]string{&v.Quorum.Down, &v.Quorum.Slow, &v.Quorum.Up, &v.Quorum.Blind, &v.Quorum.Silent, &v.Quorum.Aside}
	size := 0
	for _, list := range lists {
		for _, id := range *list {
			size += len(id) + 3
		}
	}
	if size <= wire.MaxVerdict*3/4 {
		return
	}
	for _, list := range lists {
		*list = (*list)[:min(len(*list), mostListed)]
	}
	v.Why += fmt.Sprintf(" (of each list of agents the first %d)", mostListed)
}

// clone is v with nothing shared that can be changed.
func clone(v wire.Verdict) wire.Verdict {
	if v.Blame != nil {
		b := *v.Blame
		b.Names = slices.Clone(b.Names)
		v.Blame = &b
	}
	if v.Cross != nil {
		c := *v.Cross
		v.Cross = &c
	}
	v.Evidence = slices.Clone(v.Evidence)
	q := &v.Quorum
	for _, list := range []*[]string{&q.Down, &q.Slow, &q.Up, &q.Blind, &q.Silent, &q.Aside} {
		*list = slices.Clone(*list)
	}
	return v
}

// recheck judges a monitor whose timer is due.
func (j *Judge) recheck(m *monitor) { j.mark(m) }
