package console

import (
	"context"
	"fmt"
	"slices"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// load makes the mesh as it was at a time, and learns what came next.
func (p *Past) load(ctx context.Context, at time.Time) error {
	until := at.Add(p.ahead())
	if now := time.Now(); until.After(now) {
		until = now
	}
	results, until, err := p.pastResults(ctx, at.Add(-recent), until)
	if err != nil {
		return err
	}
	if until.Before(at) { // more than are read came in the minutes before: the last ones do
		if results, _, err = p.pastResults(ctx, at.Add(-recent/10), at.Add(time.Second)); err != nil {
			return err
		}
		until = at
	}
	verdicts, err := p.pastVerdicts(ctx, time.Time{}, at, until)
	if err != nil {
		return err
	}
	incidents, changed, noIncident := p.pastIncidents(ctx, time.Time{}, at, until)
	if noIncident != nil && noIncidents(noIncident) == "" {
		return noIncident
	}
	spans, noSpans := p.pastSpans(ctx, at.Add(-uptimeOver), maxTime(until, at.Add(time.Second)))
	if noSpans != nil && !noHistory(ctx, noSpans) {
		return noSpans
	}
	b := pastMesh{p: p, at: at, mesh: view.New(at), spans: spans, agents: map[string]bool{}}
	b.mesh.SetPhases(p.o.Phases)
	if noIncident != nil {
		b.mesh.NoIncidents("Incidents of this time cannot be shown: " + noIncident.Error())
	} else {
		b.mesh.Incidents(view.IncidentFacts{Incidents: incidents})
	}
	b.monitors(verdicts)
	rest := b.results(results)
	b.uptimes(noSpans)
	note := ""
	if len(results) == len(rest) { // none before
		sums, err := p.pastSums(ctx, at)
		switch {
		case err == nil && len(sums) > 0:
			b.mesh.SetSums(sums)
			note = fmt.Sprintf("figures: sums of the %s before", wire.Duration(sumsOver))
		case err != nil:
			note = "no result of this time is stored, and no sum can be read"
		default:
			note = "no result of this time is stored"
		}
	}
	events := slices.Concat(b.changes, b.later(verdicts), changed, rest)
	slices.SortStableFunc(events, func(a, b pastEvent) int { return a.at.Compare(b.at) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mesh, p.events, p.loaded, p.note, p.agents = b.mesh, events, until, note, b.agents
	p.now, p.since, p.ended, p.spansOf = at, time.Now(), false, until
	p.apply(at)
	return nil
}

// loadMore learns what came after a time.
func (p *Past) loadMore(ctx context.Context, from time.Time) error {
	until := from.Add(p.ahead())
	if now := time.Now(); until.After(now) {
		until = now
	}
	if !from.Before(until) {
		return nil
	}
	results, until, err := p.pastResults(ctx, from, until)
	if err != nil {
		return err
	}
	verdicts, err := p.pastVerdicts(ctx, from, from, until)
	if err != nil {
		return err
	}
	_, changed, err := p.pastIncidents(ctx, from, from, until)
	if err != nil && noIncidents(err) == "" {
		return err
	}
	b := pastMesh{p: p, at: from, spans: map[string][]wire.HistorySpan{}}
	p.mu.Lock()
	ask := until.Sub(p.spansOf) >= uptimeEach // near now pieces are short
	p.mu.Unlock()
	if ask { // without an answer what is shown of the last day stays
		if spans, err := p.pastSpans(ctx, until.Add(-uptimeOver), until); err == nil {
			b.spans = spans
			b.changes = append(b.changes, pastEvent{at: until, uptimes: uptimesOf(spans, until)})
		}
	}
	b.told(verdicts)
	events := slices.Concat(b.changes, b.later(verdicts), changed, results)
	for name, list := range p.saved {
		for i := range list {
			if list[i].at.After(from) && !list[i].at.After(until) {
				events = append(events, pastEvent{at: list[i].at, name: name, saved: &list[i]})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b pastEvent) int { return a.at.Compare(b.at) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded.Equal(from) { // somebody stepped elsewhere meanwhile
		return nil
	}
	p.events, p.loaded = append(p.events, events...), until
	if ask {
		p.spansOf = until
	}
	return nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// apply tells the mesh what became known until a time.
func (p *Past) apply(now time.Time) {
	n := 0
	for ; n < len(p.events) && !p.events[n].at.After(now); n++ {
		e := &p.events[n]
		switch {
		case e.result != nil:
			if there, known := p.agents[e.result.Agent]; !known || !there {
				p.agents[e.result.Agent] = true
				p.beat(p.mesh, e.result.Agent, e.at)
			}
			p.mesh.ResultAt(*e.result, e.at.Add(-e.late), e.at)
		case e.incident != nil:
			p.mesh.Incident(*e.incident)
		case e.uptimes != nil:
			p.mesh.SetUptimes(e.uptimes, e.at)
		case e.saved != nil:
			p.mesh.Saved(e.name, e.saved.saved, e.saved.problem, e.at)
		case e.verdict != nil:
			for _, x := range e.verdict.Monitors {
				p.mesh.Verdict(x, e.at)
				p.mesh.MeasuredSince(x.Monitor, x.Revision, e.at)
			}
			for _, x := range e.verdict.Agents {
				p.mesh.AgentVerdict(x)
				p.agents[x.Agent] = x.Status != wire.AgentAway
			}
			for _, x := range e.verdict.Groups {
				p.mesh.GroupVerdict(x)
			}
			if e.verdict.Mesh.N > 0 {
				p.mesh.MeshVerdict(e.verdict.Mesh)
			}
		}
	}
	p.events = p.events[n:]
	for id, there := range p.agents {
		if there {
			p.beat(p.mesh, id, now)
		}
	}
	p.mesh.InContact(now)
}

// beat has an agent be there: heartbeats are not kept, but the judge's word on it is.
func (p *Past) beat(mesh *view.Mesh, id string, at time.Time) {
	mesh.Heartbeat(wire.Alive{Agent: id, At: at, Labels: p.labels[id]}, at, at)
}
