package controller

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

const (
	judgeLook  = 100 * time.Millisecond // how often timers are looked at
	judgeLag   = time.Second            // behind the broker's clock: what is stored is heard by then
	judgeDeaf  = 3 * time.Second        // longer than the broker is silent where it has nothing to report
	saveEvery  = 5 * time.Second        // checkpoints, while something changes
	stopWithin = 2 * time.Second        // the last checkpoint, at a stop
)

// judging gives a judge what happens, and passes on what follows. It is for one
// goroutine, but for saving.
type judging struct {
	log    *slog.Logger
	j      *judge.Judge
	feed   *feed
	pub    *publisher
	keep   *keeper
	asker  *asker
	watch  *watch
	aside  *troubles            // where what the watch finds is written
	now    func() time.Time     // by the broker's clock; zero while it is not known
	silent func() time.Duration // for how long nothing was heard of the broker
	every  time.Duration        // between checkpoints, at least
	pause  time.Duration        // until the next one

	at      position
	judged  judgedTimes
	begun   position // that it continues from
	resumed bool     // from a checkpoint; else from what is recent
	// catching up: what was stored before is not read yet. Nothing is published until then.
	catching bool
	left     uint64          // results to be read until then
	blind    bool            // nobody listened, or nothing could be heard: silence does not count
	deaf     time.Time       // when that was found last, by our clock
	waiting  []fact          // heartbeats and what is saved, behind the results that are read next
	held     []verdict       // that changed while catching up
	monitors map[string]bool // that are judged, or were
	agents   map[string]bool // that were heard, or judged

	dirty  bool // something was given to the judge since the last checkpoint
	saved  time.Time
	saving atomic.Bool
	failed chan error // why judging ends
	wg     sync.WaitGroup
}

// judge judges until ctx ends or somebody else does.
func (c *Controller) judge(ctx context.Context) error {
	g, err := c.resume(ctx)
	if err != nil {
		return err
	}
	from, created, err := c.resultsFrom(ctx, g.at, g.resumed)
	if err != nil {
		return err
	}
	results, err := tail.Open(ctx, c.js, wire.ResultsStream, from)
	if err != nil {
		return fmt.Errorf("follow stream %s: %w", wire.ResultsStream, err)
	}
	defer results.Stop()
	g.left, g.at.Created = results.Left(), created
	g.silent = func() time.Duration { return c.feed.silent(results) }
	select {
	case <-c.feed.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	store, desired := c.store, slices.Collect(maps.Keys(c.desired))
	c.mu.Unlock()
	g.deleteUnsaved(store, desired)

	reading := make(chan error, 1)
	c.wg.Go(func() {
		reading <- c.feed.read(ctx, results, func(err error) { c.log.Warn("ignored", "error", err) })
	})
	err = g.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// run judges until ctx ends or somebody else does. The publisher runs meanwhile, and a
// little longer.
func (g *judging) run(ctx context.Context) error {
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer g.wg.Wait()
	defer cancel()
	look := time.NewTicker(judgeLook)
	defer look.Stop()
	for {
		if g.catching && g.left == 0 {
			g.caughtUp()
			g.wg.Go(func() {
				if err := g.pub.run(writing); err != nil && writing.Err() == nil {
					g.failed <- err
				}
			})
		}
		select {
		case <-ctx.Done():
			g.stop(writing)
			return ctx.Err()
		case err := <-g.failed:
			return err
		case chunk := <-g.feed.results:
			g.applyAll(chunk)
		case <-g.feed.woken:
			g.waiting = append(g.waiting, g.feed.takeFacts()...)
			if !g.catching && len(g.feed.results) == 0 {
				g.applyWaiting(time.Time{})
			}
		case <-look.C:
			g.fireTimers()
		}
		g.follow(ctx)
		if !g.catching && g.dirty && time.Since(g.saved) >= g.pause && !g.saving.Load() {
			g.save(writing)
		}
	}
}

// applyAll applies results, and of what was stored before each.
func (g *judging) applyAll(chunk []fact) {
	g.waiting = append(g.waiting, g.feed.takeFacts()...)
	for i := range chunk {
		x := &chunk[i]
		g.applyWaiting(x.at)
		g.apply(x)
		g.at.Results = x.number
		if g.left--; g.left > 1<<63 || x.pending == 0 { // what comes now is new
			g.left = 0
		}
	}
	if g.blind && !g.catching && chunk[len(chunk)-1].pending == 0 {
		g.hearAgain()
	}
}

// applyWaiting applies what else was stored by then, or of all.
func (g *judging) applyWaiting(until time.Time) {
	n := 0
	for n < len(g.waiting) && (until.IsZero() || !g.waiting[n].at.After(until)) {
		g.apply(&g.waiting[n])
		n++
	}
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
}

// apply gives the judge one fact, unless it had it before the checkpoint.
func (g *judging) apply(x *fact) {
	switch {
	case x.alive != nil:
		g.asker.heard(x.alive)
		g.watch.observe(x)
		if !x.at.After(g.begun.Beat) {
			return
		}
		g.at.Beat, g.agents[x.alive.Agent] = x.at, true
	case x.placed != nil: // that the judge may know already does not matter
	case x.result == nil: // of what is saved, or cannot be read
		if x.saved == nil && x.deleted == "" || x.number <= g.at.Revision {
			return
		}
		g.at.Revision = x.number
	}
	if g.blind {
		g.gap(x.at)
	}
	switch {
	case x.result != nil:
		g.j.Result(x.result, judge.Began(x.result, x.at), x.at)
	case x.alive != nil:
		g.j.Presence(*x.alive, x.at)
	case x.saved != nil:
		g.monitors[x.saved.Name] = true
		g.j.Monitor(*x.saved, x.at)
	case x.placed != nil:
		g.j.Place(x.placed.Monitor, x.placed.Agents, x.at)
	default:
		g.j.Delete(x.deleted, x.at)
	}
	if x.alive == nil {
		g.watch.observe(x)
	}
	g.reached(x.at)
}

// reached notes how late it is for the judge.
func (g *judging) reached(at time.Time) {
	g.judged.heard(at)
	if at.After(g.at.At) {
		g.at.At = at
	}
	g.dirty = true
}

// gap reports a time in which nothing was stored, as far as we know because nothing
// could be.
func (g *judging) gap(until time.Time) {
	if !g.at.At.IsZero() && until.Sub(g.at.At) > judgeDeaf {
		g.j.Gap(g.at.At, until)
		g.judged.gap(g.at.At, until)
	}
}

// fireTimers lets timers fire, as far as we heard what happened until then.
func (g *judging) fireTimers() {
	if !g.catching && len(g.waiting) > 0 && len(g.feed.results) == 0 {
		g.applyWaiting(time.Time{})
	}
	silent := g.silent()
	switch now := g.now(); {
	case g.catching:
	case silent > judgeDeaf:
		g.blind, g.deaf = true, time.Now()
	case g.blind:
		if time.Since(g.deaf) > judgeLag && len(g.feed.results) == 0 {
			g.hearAgain()
		}
	case len(g.feed.results) == 0 && !now.IsZero():
		now = now.Add(-max(judgeLag, silent))
		if next := g.j.Next(); now.After(g.at.At) {
			g.j.Advance(now)
			g.at.At = now
			g.dirty = g.dirty || !next.IsZero() && !next.After(now)
			g.watch.advance(now)
		}
	}
}

// hearAgain ends a time in which nothing could be heard. A checkpoint follows at
// once: after a restart nobody would know of it.
func (g *judging) hearAgain() {
	now := g.now().Add(-judgeLag)
	g.gap(now)
	g.reached(now)
	g.blind, g.saved = false, time.Time{}
}

// changes passes on what changed.
func (g *judging) changes() {
	for _, c := range g.j.Changes() {
		g.judged.changed(c)
		v, err := verdictOf(c)
		switch {
		case err != nil:
			g.log.Error("could not publish a verdict", "error", err)
			continue
		case v.Agent != nil:
			g.agents[v.Agent.Agent] = true
		}
		switch {
		case !v.at.After(g.pub.known[v.subject]): // whoever judged before published it
		case !g.catching:
			g.pub.write(v)
		case g.resumed: // else it is history that may have been published before
			g.held = append(g.held, v)
		}
	}
}

// follow does what follows from what was applied.
func (g *judging) follow(ctx context.Context) {
	g.changes()
	asks := g.j.Asks()
	if !g.catching && len(asks) > 0 {
		g.asker.ask(ctx, asks, g.now())
	}
	if !g.catching {
		g.aside.add(g.watch.takeFound()...)
	}
}

// save writes a checkpoint once everything is published that changed before it.
func (g *judging) save(ctx context.Context) {
	begin := time.Now()
	list, at := g.j.Checkpoint(), g.at
	at.Judged = g.judged.until(at.At)
	// While it is made nothing is judged: that is at most a hundredth of the time.
	g.pause = max(g.every, 100*time.Since(begin))
	g.dirty, g.saved = false, time.Now()
	g.saving.Store(true)
	troubles := g.aside.written()
	g.pub.then(func() {
		g.wg.Go(func() {
			defer g.saving.Store(false)
			select {
			case <-troubles:
			case <-ctx.Done():
				return
			}
			if err := g.keep.save(ctx, list, at); err != nil && ctx.Err() == nil {
				g.failed <- fmt.Errorf("store the checkpoint of the judge: %w", err)
			}
		})
	})
}

// stop writes what is not written yet, for as long as a stop may take.
func (g *judging) stop(writing context.Context) {
	if g.catching || !g.pub.js.Conn().IsConnected() {
		return
	}
	wait := func() bool {
		for limit := time.After(stopWithin); g.saving.Load(); {
			select {
			case <-limit:
				return false
			case <-g.failed:
				return false
			case <-time.After(5 * time.Millisecond):
			}
		}
		return true
	}
	g.changes()
	if wait() && g.dirty {
		g.save(writing)
		wait()
	}
}
