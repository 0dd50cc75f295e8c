package console

import (
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// pastMesh makes a mesh as it was at a time.
type pastMesh struct {
	p       *Past
	at      time.Time
	mesh    *view.Mesh
	spans   map[string][]wire.HistorySpan // states, by monitor; nil where history cannot be asked
	agents  map[string]bool
	said    map[string]bool // monitors on which there are verdicts
	changes []pastEvent     // later ones of what is saved, and of states that only history knows
}

// judgedLate is how much of the newest time history may not know yet.
const judgedLate = 5 * time.Minute

// told notes on which monitors there are verdicts; the states of others are history's.
func (b *pastMesh) told(verdicts []pastEvent) {
	b.said = map[string]bool{}
	for _, e := range verdicts {
		for _, x := range e.verdict.Monitors {
			b.said[x.Monitor] = true
		}
	}
	for name, list := range b.spans {
		if b.said[name] {
			continue
		}
		for i := range list {
			if list[i].Since.After(b.at) {
				x := b.fromHistory(&list[i])
				b.changes = append(b.changes, pastEvent{at: list[i].Since, verdict: &view.Verdicts{Monitors: []wire.Verdict{x}}})
			}
		}
	}
}

// monitors gives the mesh the monitors that were there, their verdicts, and who was there.
func (b *pastMesh) monitors(verdicts []pastEvent) {
	b.told(verdicts)
	last := map[string]wire.Verdict{}
	agents, groups := map[string]wire.AgentVerdict{}, map[string]wire.GroupVerdict{}
	var all view.Verdicts
	for _, e := range verdicts {
		if e.at.After(b.at) {
			break
		}
		for _, x := range e.verdict.Monitors {
			last[x.Monitor] = x
		}
		for _, x := range e.verdict.Agents {
			agents[x.Agent] = x
		}
		for _, x := range e.verdict.Groups {
			groups[x.Group] = x
		}
		if e.verdict.Mesh.N > 0 {
			all.Mesh = e.verdict.Mesh
		}
	}
	for _, x := range agents {
		all.Agents = append(all.Agents, x)
		b.agents[x.Agent] = x.Status != wire.AgentAway
	}
	for _, x := range groups {
		all.Groups = append(all.Groups, x)
	}
	revisions := map[string]uint64{}
	for name, list := range b.p.saved {
		then := b.savedAt(name, list)
		x, ok := last[name]
		now := b.spanAt(name)
		if then == nil && (ok || len(b.spans[name]) > 0 && !b.spans[name][0].Since.After(b.at)) { // what was saved then is no longer kept, but it was there
			then = b.firstSaved(list)
		}
		if then == nil || then.saved == nil && then.problem == nil {
			continue
		}
		b.mesh.Saved(name, then.saved, then.problem, b.at)
		switch {
		case b.unjudged(name): // a gap is in no state
			x = wire.Verdict{Monitor: name, State: wire.VerdictUnknown, N: 1, Why: "nobody judged at this time"}
			if then.saved != nil {
				x.Revision = then.saved.Revision
			}
		case !ok && now != nil:
			x = b.fromHistory(now)
			if then.saved != nil {
				x.Revision = then.saved.Revision
			}
		case !ok:
			continue
		}
		all.Monitors = append(all.Monitors, x)
		revisions[name] = x.Revision
		for id, share := range view.Shares(&x.Quorum) {
			if _, known := b.agents[id]; !known {
				b.agents[id] = share != view.Silent && share != view.Aside
			}
		}
	}
	for id, there := range b.agents {
		if there {
			b.p.beat(b.mesh, id, b.at)
		} else {
			b.p.beat(b.mesh, id, b.at.Add(-wire.OfflineAfter-time.Second))
		}
	}
	b.mesh.Judged(all, b.at)
	for name, revision := range revisions {
		b.mesh.MeasuredSince(name, revision, b.at)
	}
}

// savedAt is the revision that was saved at the time, and notes the later ones.
func (b *pastMesh) savedAt(name string, list []pastSaved) (then *pastSaved) {
	for i := range list {
		if !list[i].at.After(b.at) {
			then = &list[i]
			continue
		}
		b.changes = append(b.changes, pastEvent{at: list[i].at, name: name, saved: &list[i]})
	}
	return then
}

func (b *pastMesh) firstSaved(list []pastSaved) *pastSaved {
	for i := range list {
		if list[i].saved != nil {
			return &list[i]
		}
	}
	return nil
}

// spanAt is the state that history knows of that time; nil where it knows none.
func (b *pastMesh) spanAt(name string) *wire.HistorySpan {
	for i := range b.spans[name] {
		if s := &b.spans[name][i]; !s.Since.After(b.at) && s.Until.After(b.at) {
			return s
		}
	}
	return nil
}

// unjudged says that history knows the monitor, and that nobody judged at the time.
func (b *pastMesh) unjudged(name string) bool {
	list := b.spans[name]
	return len(list) > 0 && list[0].Since.Before(b.at) && b.spanAt(name) == nil && time.Since(b.at) > judgedLate
}

// fromHistory is a verdict of which the state alone is kept.
func (b *pastMesh) fromHistory(s *wire.HistorySpan) wire.Verdict {
	x := wire.Verdict{Monitor: s.Monitor, State: s.State, Since: s.Since, At: s.Since, N: 1, Why: "from history: which agents saw it is no longer kept"}
	if s.Since.Before(b.at.Add(-uptimeOver + time.Minute)) {
		x.Since = time.Time{} // it began before
	}
	if s.Blame != "" {
		x.Blame = &wire.Blame{Class: s.Blame}
	}
	if list := b.p.saved[s.Monitor]; len(list) > 0 {
		for i := range list {
			if list[i].saved != nil && (!list[i].at.After(s.Since) || x.Revision == 0) {
				x.Revision = list[i].saved.Revision
			}
		}
	}
	return x
}

// results gives the mesh those from before the time, and returns the others.
func (b *pastMesh) results(list []pastEvent) (rest []pastEvent) {
	for i := range list {
		e := &list[i]
		if e.at.After(b.at) {
			return list[i:]
		}
		if _, known := b.agents[e.result.Agent]; !known {
			b.agents[e.result.Agent] = true
			b.p.beat(b.mesh, e.result.Agent, b.at)
		}
		b.mesh.ResultAt(*e.result, e.at.Add(-e.late), b.at)
	}
	return nil
}

// later are the verdicts from after the time.
func (b *pastMesh) later(verdicts []pastEvent) []pastEvent {
	for i := range verdicts {
		if verdicts[i].at.After(b.at) {
			return verdicts[i:]
		}
	}
	return nil
}

// uptimes gives the mesh the uptimes of the 24 h before, as [Client.Uptime] counts them.
func (b *pastMesh) uptimes(why error) {
	if why != nil {
		b.mesh.NoUptimes(why.Error(), b.at)
		return
	}
	b.mesh.SetUptimes(uptimesOf(b.spans, b.at), b.at)
}

// uptimesOf are the uptimes of the 24 h before a time.
func uptimesOf(spans map[string][]wire.HistorySpan, at time.Time) map[string]float64 {
	of := map[string]float64{}
	for name, list := range spans {
		if row := uptimeRow(name, list, at.Add(-uptimeOver), at); row.Uptime != nil {
			of[name] = *row.Uptime
		}
	}
	return of
}
