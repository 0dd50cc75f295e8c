package incident

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// group is a set of monitors with a verdict of its own.
type group struct {
	name   string
	saved  *wire.Group // nil: it is not saved, or not given yet
	holds  wire.GroupVerdict
	incurs string // the incident while it is wrong or not still
}

// RestoreGroup takes the last verdict on a group that is stored, before anything else
// but Restore.
func (k *Keeper) RestoreGroup(v wire.GroupVerdict) {
	g := k.group(v.Group)
	g.holds = v
	g.incurs = v.Incident
	k.regroup[v.Group] = g
}

func (k *Keeper) group(name string) *group {
	g := k.groups[name]
	if g == nil {
		g = &group{name: name}
		k.groups[name] = g
	}
	return g
}

func (k *Keeper) setGroup(s *wire.Group) {
	g := k.group(s.Name)
	if g.saved != nil {
		k.unlinkGroup(g)
	}
	g.saved = s
	for _, name := range s.Of {
		mon := k.monitor(name)
		if at, found := slices.BinarySearch(mon.groups, s.Name); !found {
			mon.groups = slices.Insert(slices.Clone(mon.groups), at, s.Name)
			k.reindexMonitor(name)
		}
	}
	k.regroup[s.Name] = g
}

func (k *Keeper) removeGroup(name string) {
	g := k.groups[name]
	if g == nil || g.saved == nil {
		return
	}
	k.unlinkGroup(g)
	g.saved, g.incurs = nil, ""
	delete(k.regroup, name)
	k.endMember(key{wire.AboutGroup, name}, k.now, "it was deleted")
	k.leave(key{wire.AboutGroup, name})
}

func (k *Keeper) unlinkGroup(g *group) {
	for _, name := range g.saved.Of {
		mon := k.monitor(name)
		mon.groups = slices.DeleteFunc(slices.Clone(mon.groups), func(x string) bool { return x == g.name })
		k.reindexMonitor(name)
	}
}

func (k *Keeper) reindexMonitor(name string) {
	if m := k.members[key{wire.AboutMonitor, name}]; m != nil && m.inc.State == wire.IncidentOpen {
		k.reindex(m.inc)
	}
}

// touchGroups has the verdicts on the groups of a monitor found again.
func (k *Keeper) touchGroups(mon *monitor) {
	for _, name := range mon.groups {
		k.regroup[name] = k.groups[name]
	}
}

// updateGroups finds the verdicts on groups of which something changed.
func (k *Keeper) updateGroups() {
	for _, name := range slices.Sorted(maps.Keys(k.regroup)) {
		if g := k.regroup[name]; g.saved != nil {
			k.judgeGroup(g)
		} else {
			k.endMember(key{wire.AboutGroup, name}, k.now, "it was deleted")
		}
	}
	clear(k.regroup)
}

// judgeGroup finds the verdict on a group, and reports it when it is another one.
func (k *Keeper) judgeGroup(g *group) {
	t := k.tally(g)
	old := g.holds
	v := wire.GroupVerdict{Group: g.name, Was: old.Was, Since: old.Since, Down: t.down, Degraded: t.degraded, Unknown: t.unknown, Up: t.up, Revision: g.saved.Revision}
	v.State, v.Why = t.state(g.saved)
	if v.State != old.State {
		v.Was, v.Since = old.State, t.since(v.State, k.now)
		if v.Since.Before(old.Since) || v.Since.After(k.now) {
			v.Since = k.now
		}
	}
	wrong := v.State == wire.VerdictDown || v.State == wire.VerdictDegraded
	if m := k.members[key{wire.AboutGroup, g.name}]; (m == nil || !m.Open()) && k.used.has(g.incurs) {
		g.incurs = "" // that incident is over: the group was deleted meanwhile
	}
	v.Flapping = t.flaps > 0 && (wrong || g.incurs != "")
	if wrong && g.incurs == "" {
		g.incurs = idOf(g.name, fmt.Sprintf("group %s %d", g.name, k.now.UnixNano()))
	} else if !wrong && !v.Flapping {
		g.incurs = ""
	}
	v.Incident = g.incurs
	if sameGroup(&v, &old) {
		return
	}
	v.N, v.At = old.N+1, k.now
	if at := slices.IndexFunc(k.verdict, func(x wire.GroupVerdict) bool { return x.Group == g.name }); at >= 0 {
		v.N = old.N // nobody was given that one
		if v.State != old.State {
			v.Was = old.Was
		}
		k.verdict[at] = v
	} else {
		k.verdict = append(k.verdict, v)
	}
	g.holds = v
	f := factOfGroup(&v)
	k.seen[f.key] = seen{f.n, f.at}
	k.apply(f)
}

func factOfGroup(v *wire.GroupVerdict) fact {
	f := fact{key: key{wire.AboutGroup, v.Group}, severity: wire.SeverityDown, since: v.Since, at: v.At, why: v.Why, n: v.N, id: v.Incident, flaps: v.Flapping}
	f.wrong = v.State == wire.VerdictDown || v.State == wire.VerdictDegraded
	if v.State == wire.VerdictDegraded {
		f.severity = wire.SeverityDegraded
	}
	return f
}

func sameGroup(a, b *wire.GroupVerdict) bool {
	return a.State == b.State && a.Why == b.Why && a.Revision == b.Revision && a.Flapping == b.Flapping && a.Incident == b.Incident &&
		slices.Equal(a.Down, b.Down) && slices.Equal(a.Degraded, b.Degraded) && slices.Equal(a.Unknown, b.Unknown) && slices.Equal(a.Up, b.Up)
}

// tally is how the monitors of a group are. Those that are paused, or not saved, are in
// no list.
type tally struct {
	down, degraded, unknown, up     []string
	downSince, badSince, otherSince []time.Time
	paused, flaps                   int
}

func (k *Keeper) tally(g *group) *tally {
	t := &tally{}
	for _, name := range g.saved.Of {
		mon := k.monitors[name]
		if mon == nil || !mon.known {
			continue
		}
		v := mon.verdict
		switch {
		case mon.saved.Paused || v != nil && v.State == wire.VerdictPaused:
			t.paused++
			continue
		case v == nil:
			t.unknown = append(t.unknown, name)
			continue
		case v.State == wire.VerdictDown:
			t.down, t.downSince = append(t.down, name), append(t.downSince, v.Since)
		case v.State == wire.VerdictDegraded:
			t.degraded, t.badSince = append(t.degraded, name), append(t.badSince, v.Since)
		case v.State == wire.VerdictUp:
			t.up, t.otherSince = append(t.up, name), append(t.otherSince, v.Since)
		default:
			t.unknown, t.otherSince = append(t.unknown, name), append(t.otherSince, v.Since)
		}
		t.flaps += count(v.Flapping)
	}
	for _, list := range []*[]string{&t.down, &t.degraded, &t.unknown, &t.up} {
		slices.Sort(*list)
	}
	return t
}

// state is that of the group, and why. What is unknown is never up.
func (t *tally) state(g *wire.Group) (wire.VerdictState, string) {
	all := len(t.down) + len(t.degraded) + len(t.unknown) + len(t.up)
	if all == 0 {
		if t.paused > 0 {
			return wire.VerdictPaused, "all of its monitors are paused"
		}
		return wire.VerdictUnknown, "none of its monitors is saved"
	}
	need, err := g.Rule.Need(all)
	if err != nil {
		need = 1
	}
	need = min(need, all) // those that are paused cannot be down
	down := fmt.Sprintf("%d of %d %s down", len(t.down), all, areOf(len(t.down)))
	switch {
	case len(t.down) >= need:
		return wire.VerdictDown, down + ": " + listOf(t.down)
	case len(t.down) > 0:
		return wire.VerdictDegraded, fmt.Sprintf("%s: %s; it takes %d", down, listOf(t.down), need)
	case len(t.degraded) > 0:
		return wire.VerdictDegraded, fmt.Sprintf("%d of %d %s degraded: %s", len(t.degraded), all, areOf(len(t.degraded)), listOf(t.degraded))
	case len(t.unknown) > 0:
		return wire.VerdictUnknown, fmt.Sprintf("%d of %d %s unknown: %s", len(t.unknown), all, areOf(len(t.unknown)), listOf(t.unknown))
	}
	return wire.VerdictUp, fmt.Sprintf("%d of %d are up", all, all)
}

// since is when the state began.
func (t *tally) since(state wire.VerdictState, now time.Time) time.Time {
	switch {
	case state == wire.VerdictDown && len(t.downSince) > 0:
		return slices.MaxFunc(t.downSince, time.Time.Compare)
	case state == wire.VerdictDegraded && len(t.downSince)+len(t.badSince) > 0:
		return slices.MinFunc(append(t.downSince, t.badSince...), time.Time.Compare)
	case state == wire.VerdictUp && len(t.otherSince) > 0:
		return slices.MaxFunc(t.otherSince, time.Time.Compare)
	}
	return now
}

func areOf(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
