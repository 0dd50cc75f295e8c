package console

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"netmon/console/view"
	"netmon/history"
	"netmon/internal/tail"
	"netmon/wire"
)

// pastSaved is a monitor as it was saved, or deleted, at a time.
type pastSaved struct {
	at      time.Time
	saved   *wire.Saved // nil: deleted, or it cannot be read
	problem error
}

// pastEvent is one thing that became known at a time.
type pastEvent struct {
	at      time.Time
	result  *wire.Result
	late    time.Duration // of the result: how long it waited before it was stored
	verdict *view.Verdicts

	incident *wire.Incident
	name     string // of a monitor that was saved or deleted
	saved    *pastSaved
	uptimes  map[string]float64 // of the 24 h before
}

// earliest is from when on something is kept; zero where nothing is.
func (c *Client) earliest(ctx context.Context) (first time.Time, err error) {
	older := func(t time.Time) {
		if !t.IsZero() && t.Unix() > 0 && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, name := range []string{wire.VerdictsStream, wire.ResultsStream} {
		stream, err := c.open(ctx, name)
		if err != nil {
			return first, noMesh("read what was", err)
		}
		info, err := c.info(ctx, stream)
		if err != nil {
			return first, noMesh("read what was", err)
		}
		if info.State.Msgs > 0 {
			older(info.State.FirstTime)
		}
	}
	now := time.Now()
	reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryRollups, From: now.Add(-time.Hour), To: now, Step: wire.Duration(time.Hour), Brief: true, Together: true})
	if err == nil { // who has none is asked again for what is shown
		older(reply.Since)
	}
	return first, nil
}

// readMonitors reads all revisions of saved monitors that are kept.
func (p *Past) readMonitors(ctx context.Context) error {
	store, err := p.c.Monitors(ctx)
	if err != nil {
		return err
	}
	p.saved = map[string][]pastSaved{}
	return store.read(ctx, "read the saved monitors", tail.From{Subjects: store.subjects(few(p.o.Names))}, func(e entry) {
		if wire.CheckElement(e.key) != nil || !p.shows(e.key) {
			return
		}
		s := pastSaved{at: e.at}
		if !e.deleted() {
			if m, err := store.decode(e); err != nil {
				s.problem = err
			} else {
				s.saved = &m
			}
		}
		p.saved[e.key] = append(p.saved[e.key], s)
	})
}

func (p *Past) shows(name string) bool {
	return len(p.o.Names) == 0 || slices.Contains(p.o.Names, name)
}

// pastVerdicts are the verdicts that were made until a time, by time: of each subject the
// last one until at, and all after that. Where there are very many, those of the last day
// are read: history has the states of the others.
func (p *Past) pastVerdicts(ctx context.Context, since, at, until time.Time) (list []pastEvent, err error) {
	open := func(since time.Time) (*tail.Tail, error) {
		return tail.Open(ctx, p.c.js, wire.VerdictsStream, tail.From{Subjects: verdictSubjects(p.o.Names), Since: since})
	}
	t, err := open(since)
	if err == nil && since.IsZero() && t.Left() > verdictsMost {
		t.Stop()
		t, err = open(at.Add(-uptimeOver))
	}
	if err != nil {
		return nil, noMesh("read the verdicts", err)
	}
	defer t.Stop()
	last := map[string]pastEvent{} // by subject
	of := t.Left()
	for read := uint64(1); read <= of; read++ {
		msg, meta, err := t.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, noMesh("read the verdicts", err)
		}
		p.progress(read, of)
		if meta.Timestamp.After(until.Add(time.Minute)) { // they are stored some seconds after they are made
			break
		}
		one := &view.Verdicts{}
		gather(one, msg)
		switch made := madeAt(one); {
		case made.IsZero() || made.After(until) || !made.After(since):
		case made.After(at):
			list = append(list, pastEvent{at: made, verdict: one})
		case !made.Before(last[msg.Subject].at):
			last[msg.Subject] = pastEvent{at: made, verdict: one}
		}
		if meta.NumPending == 0 {
			break
		}
	}
	p.progress(of, of)
	list = slices.AppendSeq(list, maps.Values(last))
	slices.SortStableFunc(list, func(a, b pastEvent) int { return a.at.Compare(b.at) })
	return list, nil
}

// progress says how many of how many verdicts are read.
func (p *Past) progress(read, of uint64) {
	if p.o.Progress != nil && of > 0 {
		p.o.Progress(read, of)
	}
}

// madeAt is when the verdict was made; zero where there is none that can be read.
func madeAt(v *view.Verdicts) time.Time {
	switch {
	case len(v.Monitors) > 0:
		return v.Monitors[0].At
	case len(v.Agents) > 0:
		return v.Agents[0].At
	case len(v.Groups) > 0:
		return v.Groups[0].At
	}
	return v.Mesh.At
}

// pastResults are the results that were stored in a time, and until when these are all:
// of very many the first are.
func (p *Past) pastResults(ctx context.Context, from, until time.Time) (list []pastEvent, to time.Time, err error) {
	subjects, err := Filter{Monitors: few(p.o.Names)}.subjects()
	if err != nil {
		return nil, until, err
	}
	t, err := tail.Open(ctx, p.c.js, wire.ResultsStream, tail.From{Subjects: subjects, Since: from})
	if err != nil {
		return nil, until, noMesh("read the results", err)
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		msg, meta, err := t.Next()
		if err != nil {
			return nil, until, noMesh("read the results", err)
		}
		if meta.Timestamp.After(until) {
			break
		}
		if len(list) == recentMost {
			return list, meta.Timestamp, nil
		}
		if r, err := wire.DecodeResult(msg.Subject, msg.Data); err == nil && p.shows(r.Monitor) {
			list = append(list, pastEvent{at: meta.Timestamp, result: &r, late: max(0, time.Duration(r.LateNS))})
		}
		if meta.NumPending == 0 {
			break
		}
	}
	return list, until, nil
}

// pastSpans are the states of monitors in a time, by name.
func (p *Past) pastSpans(ctx context.Context, from, to time.Time) (map[string][]wire.HistorySpan, error) {
	reply, err := p.c.History(ctx, wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: asked(p.o.Names), From: from, To: to})
	if err != nil {
		return nil, err
	}
	of := map[string][]wire.HistorySpan{}
	for _, s := range reply.Spans {
		if p.shows(s.Monitor) {
			of[s.Monitor] = append(of[s.Monitor], s)
		}
	}
	return of, nil
}

// sumsOver is what a sum of results that are no longer stored is of.
const sumsOver = 30 * time.Minute

// pastSums are figures of the time before a moment, by monitor and agent.
func (p *Past) pastSums(ctx context.Context, at time.Time) (map[string]map[string]view.Figures, error) {
	reply, err := p.c.History(ctx, wire.HistoryQuery{What: wire.HistoryRollups, Monitors: asked(p.o.Names), From: at.Add(-sumsOver), To: at, Step: wire.Duration(sumsOver)})
	if err != nil {
		return nil, err
	}
	of, all := map[string]map[string]view.Figures{}, map[string]*wire.Rollup{}
	for _, s := range reply.Series {
		sum := &wire.Rollup{}
		for i := range s.Rows {
			history.Merge(sum, &s.Rows[i].Rollup)
		}
		if of[s.Monitor] == nil {
			of[s.Monitor], all[s.Monitor] = map[string]view.Figures{}, &wire.Rollup{}
		}
		history.Merge(all[s.Monitor], sum)
		of[s.Monitor][s.Agent] = sumFigures(sum)
	}
	for name, sum := range all {
		of[name][""] = sumFigures(sum)
	}
	return of, nil
}

func sumFigures(r *wire.Rollup) view.Figures {
	f := figuresOf(r)
	var out view.Figures
	set := func(to *view.Figure, ns *int64) {
		if ns != nil {
			*to = view.Figure{V: float64(*ns), OK: true}
		}
	}
	set(&out.P50, f.P50NS)
	set(&out.P95, f.P95NS)
	if f.Loss != nil {
		out.Loss = view.Figure{V: *f.Loss, OK: true}
	}
	if f.Reached != nil {
		out.Good = view.Figure{V: *f.Reached, OK: true}
	}
	return out
}

// noHistory says whether history cannot be asked here at all, so that what is stored
// elsewhere has to do.
func noHistory(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled)
}
