package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

// This file is about a leader that begins: from what it continues, and what it publishes
// once it has read what was stored before.

const (
	// Without a checkpoint monitors are judged from what was measured in this time, or
	// three of their longest intervals, up to so much and so many.
	recentLeast = 5 * time.Minute
	recentMost  = 24 * time.Hour
	recentCount = 2_000_000
)

// resume reads what is published, and makes the judge: of the last checkpoint, or one
// that knows nothing. Whoever judged before cannot write another checkpoint then.
func (c *Controller) resume(ctx context.Context) (*judging, error) {
	pub, err := newPublisher(c.nc, c.log)
	if err != nil {
		return nil, err
	}
	if err := pub.load(ctx); err != nil {
		return nil, err
	}
	found, err := c.troubles.load(ctx, wire.AboutCertificate, wire.AboutDropped)
	if err != nil {
		return nil, err
	}
	g := &judging{watch: newWatch(), aside: c.troubles, log: c.log, feed: c.feed, pub: pub, keep: &keeper{js: c.js, log: c.log}, asker: newAsker(c.commands, &c.wg, c.log),
		now: c.feed.now, silent: func() time.Duration { return 0 }, every: saveEvery,
		catching: true, blind: true, monitors: map[string]bool{}, agents: map[string]bool{}, saved: time.Now(), failed: make(chan error, 2)}
	for _, t := range found {
		g.watch.restore(t)
	}
	list, at, err := g.keep.load(ctx)
	if err == nil {
		if g.j, err = judge.Restore(list); err == nil {
			g.at, g.begun, g.resumed = at, at, true
			mesh, _ := g.j.MeshVerdict()
			g.judged.resume(at.Judged, mesh)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errNoCheckpoint):
		g.j = judge.New()
	case err != nil:
		g.j = judge.New()
		g.keep.kept, g.keep.head.Shards = map[int][]byte{}, map[int]shards{}
		g.log.Error("cannot read the judge's checkpoint: monitors are judged from recent results, and verdicts stay as they are until then", "error", err)
	}
	return g, g.keep.save(ctx, nil, g.at)
}

// resultsFrom is where to begin to read results, and the life of their stream.
func (c *Controller) resultsFrom(ctx context.Context, at position, resumed bool) (from tail.From, created time.Time, err error) {
	stream, err := retry.Stream(ctx, c.js, wire.ResultsStream)
	if err != nil {
		return from, created, fmt.Errorf("open stream %s: %w", wire.ResultsStream, err)
	}
	info := stream.CachedInfo()
	created = info.Created
	switch st := info.State; {
	case !resumed:
	case !at.Created.Equal(created), st.LastSeq < at.Results:
		c.log.Warn("the stream of results was recreated: monitors are judged from what it has now", "stream", wire.ResultsStream)
	case st.FirstSeq > at.Results+1:
		c.log.Warn("some results were deleted before they were judged: monitors are judged from those that are left", "stream", wire.ResultsStream, "gone", st.FirstSeq-at.Results-1)
		return from, created, nil
	default:
		return tail.From{After: at.Results}, created, nil
	}
	return c.recent(info), created, nil
}

// recent is where results begin that still show how monitors are.
func (c *Controller) recent(info *jetstream.StreamInfo) tail.From {
	c.mu.Lock()
	defer c.mu.Unlock()
	back := recentLeast
	for _, m := range c.desired {
		back = max(back, 3*m.Every.Std())
	}
	st := info.State
	if st.Msgs > recentCount && st.LastTime.Sub(st.FirstTime) < back {
		return tail.From{After: st.LastSeq - recentCount}
	}
	return tail.From{Since: info.TimeStamp.Add(-min(back, recentMost))}
}

// deleteUnsaved deletes monitors that are no longer saved, and went unseen.
func (g *judging) deleteUnsaved(store string, desired []string) {
	if g.at.Store != store {
		g.at.Store, g.at.Revision = store, 0
	}
	for _, name := range desired {
		g.monitors[name] = true
	}
	for _, p := range g.pub.last {
		switch v := p.verdict; {
		case v.Agent != nil:
			g.agents[v.Agent.Agent] = true
		case v.Monitor != nil && !g.monitors[v.Monitor.Monitor]:
			if _, known := g.j.Verdict(v.Monitor.Monitor); known {
				g.j.Delete(v.Monitor.Monitor, g.at.At)
			}
		}
	}
}

// caughtUp ends the reading of what was stored before: what follows from it and is not
// published yet is published now.
func (g *judging) caughtUp() {
	g.waiting = append(g.waiting, g.feed.takeFacts()...)
	if len(g.feed.results) == 0 { // else some may be newer than those
		g.applyWaiting(time.Time{})
	}
	if !g.now().IsZero() {
		g.hearAgain()
	}
	g.changes()
	g.catching = false
	g.pub.write(g.unpublished()...)
	g.held = nil
}

// unpublished is what changed while catching up, and is not published: whoever judged
// before published what was decided by the time of the last message. Where that
// says otherwise than the judge, what the judge says follows.
func (g *judging) unpublished() (list []verdict) {
	told := map[string]bool{}
	for _, v := range g.held {
		list = append(list, v)
		told[v.subject] = true
	}
	for _, v := range g.current() {
		last, there := g.pub.last[v.subject]
		switch {
		case told[v.subject], g.pub.known[v.subject].After(g.at.At): // of what is not read yet
			continue
		case there && v.same(last.verdict, !g.resumed):
			continue
		case !there && (v.Agent != nil && v.Agent.Status == wire.AgentAble || v.Mesh != nil && !v.Mesh.Frozen):
			continue // so it is where nothing is said
		case there && !v.at.After(last.verdict.at):
			v.decidedAt(g.at.At)
		}
		list = append(list, v)
	}
	return list
}

// current is what the judge says of each monitor and agent, and of the mesh.
func (g *judging) current() (list []verdict) {
	add := func(c judge.Change) {
		if v, err := verdictOf(c); err == nil {
			list = append(list, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.monitors)) {
		if v, ok := g.j.Verdict(name); ok {
			add(judge.Change{Monitor: &v})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.agents)) {
		if v, ok := g.j.AgentVerdict(id); ok {
			add(judge.Change{Agent: &v})
		}
	}
	if v, ok := g.j.MeshVerdict(); ok {
		add(judge.Change{Mesh: &v})
	}
	return list
}
