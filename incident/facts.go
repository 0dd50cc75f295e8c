package incident

import (
	"slices"
	"time"

	"netmon/wire"
)

// Monitor takes a monitor that is saved, RemoveMonitor that it is deleted: what was
// wrong with it is over, and reported as such.
func (k *Keeper) Monitor(m wire.Saved) {
	mon := k.monitor(m.Name)
	if v := mon.verdict; v != nil && !mon.known && v.Revision < m.Revision {
		mon.verdict = nil // of one that had the name before
	}
	mon.known, mon.saved, mon.host = true, m, hostOf(m.Target)
	k.touchGroups(mon)
	k.reapply(mon)
	for _, about := range troublesOfMonitors {
		if f, ok := mon.troubles[about]; ok {
			k.acceptFact(f, true)
		}
	}
	k.touchEnded(m.Name)
	for _, about := range aboutMonitors {
		if mb := k.members[key{about, m.Name}]; mb != nil && mb.Open() {
			k.fit(mb)
			k.reindex(mb.inc)
		}
	}
}

// RemoveMonitor: see Monitor.
func (k *Keeper) RemoveMonitor(name string) {
	mon := k.monitors[name]
	if mon == nil {
		return
	}
	mon.known = false
	k.touchGroups(mon)
	k.dropMonitor(name)
	k.touchEnded(name)
	mon.verdict, mon.troubles = nil, nil
	for _, about := range aboutMonitors {
		k.leave(key{about, name})
	}
	if len(mon.groups) == 0 {
		delete(k.monitors, name)
	}
}

// dropMonitor ends what is wrong with a monitor that is not saved any more.
func (k *Keeper) dropMonitor(name string) {
	for _, about := range aboutMonitors {
		k.endMember(key{about, name}, k.now, "it was deleted")
	}
}

// touchEnded has the mutes of what a monitor was a member of found again, where the end
// is not known yet.
func (k *Keeper) touchEnded(name string) {
	if len(k.mutes) == 0 {
		return
	}
	var list []*incident
	for _, inc := range k.byID {
		if inc.State == wire.IncidentResolved && slices.ContainsFunc(inc.members, func(m *member) bool { return m.Name == name }) {
			list = append(list, inc)
		}
	}
	slices.SortFunc(list, byBeginning)
	for _, inc := range list {
		k.markDirty(inc)
	}
}

func (k *Keeper) monitor(name string) *monitor {
	mon := k.monitors[name]
	if mon == nil {
		mon = &monitor{}
		k.monitors[name] = mon
	}
	return mon
}

// Verdict takes a verdict on a monitor; one that came before changes nothing.
func (k *Keeper) Verdict(v wire.Verdict) {
	mon := k.monitor(v.Monitor)
	if old := mon.verdict; old != nil && v.N < old.N && !v.At.After(old.At) {
		return
	}
	k.advanceTo(v.At)
	mon.verdict = &v
	k.touchGroups(mon)
	k.acceptFact(mon.fact(), mon.known)
}

// reapply checks the newest verdict against what is saved now.
func (k *Keeper) reapply(mon *monitor) {
	if mon.verdict == nil {
		return
	}
	f := mon.fact()
	if f.at = k.now; !f.wrong {
		f.since = k.now
	}
	k.seen[f.key] = seen{f.n, mon.verdict.At}
	k.apply(f)
}

// Agent takes a verdict on an agent.
func (k *Keeper) Agent(v wire.AgentVerdict) {
	k.advanceTo(v.At)
	k.acceptFact(factOfAgent(&v), true)
	if v.Gone {
		k.leave(key{wire.AboutAgent, v.Agent})
	}
}

// Mesh takes the verdict on the mesh.
func (k *Keeper) Mesh(v wire.MeshVerdict) {
	k.advanceTo(v.At)
	k.frozen = v.Frozen
	k.acceptFact(factOfMesh(&v), true)
}

// Trouble takes what is in no verdict.
func (k *Keeper) Trouble(t wire.Trouble) {
	k.advanceTo(t.At)
	f := factOfTrouble(&t)
	if !slices.Contains(troublesOfMonitors, t.About) {
		k.acceptFact(f, true)
		return
	}
	mon := k.monitor(t.Name)
	if mon.troubles == nil {
		mon.troubles = map[string]fact{}
	}
	mon.troubles[t.About] = f
	k.acceptFact(f, mon.known)
}

// advanceTo moves the time on to a fact's. Before the start it is not known yet.
func (k *Keeper) advanceTo(at time.Time) {
	if k.started {
		k.tick(at)
	}
}

// acceptFact applies a fact, unless it is known. counts is false for what is not saved.
func (k *Keeper) acceptFact(f fact, counts bool) {
	if old, ok := k.seen[f.key]; ok && f.n <= old.n && !f.at.After(old.at) {
		k.refresh(f)
		return
	}
	if counts {
		k.seen[f.key] = seen{f.n, f.at}
		k.apply(f)
	}
}

// refresh fills in what the stored message of an incident left out.
func (k *Keeper) refresh(f fact) {
	m := k.members[f.key]
	if m == nil {
		m = k.restoreUnlisted(f.key)
	}
	if m == nil || !m.Open() {
		return
	}
	m.Since = firstTime(m.Since, f.since)
	if m.Why == "" && m.Blame == nil {
		m.Why, m.Blame = f.why, f.blame
		k.setSeverity(m, f.severity)
		k.fit(m)
		k.reindex(m.inc)
	}
}

func firstTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
