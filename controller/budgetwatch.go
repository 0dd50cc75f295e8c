package controller

import (
	"context"
	"maps"
	"slices"
	"time"

	"netmon/history"
	"netmon/internal/historyask"
	"netmon/wire"
)

const (
	budgetEvery = history.WatchEvery
	budgetAsk   = 20 * time.Second // for one page of history
	budgetQuiet = time.Minute      // history does not answer: it is logged; a controller that starts opens its file first
	budgetAgain = 10 * time.Minute // and again
)

// watchBudgets looks at the error budgets of monitors that have an objective, by the same
// history as netmon uptime, until ctx ends. While history does not answer nothing is reported.
func (c *Controller) watchBudgets(ctx context.Context) error {
	stored, err := c.troubles.load(ctx, wire.AboutSLO)
	if err != nil {
		return err
	}
	b := history.NewWatch(stored)
	tick := time.NewTicker(c.budgetEvery)
	defer tick.Stop()
	var since, logged time.Time // history does not answer
	for {
		if now := c.feed.now(); !now.IsZero() {
			switch err := c.lookAtBudgets(ctx, b, now); {
			case err == nil:
				since = time.Time{}
			case since.IsZero():
				since = time.Now()
			case ctx.Err() == nil && time.Since(since) > budgetQuiet && time.Since(logged) > budgetAgain:
				logged = time.Now()
				c.log.Warn("error budgets are not watched for now: history does not answer", "since", since.UTC(), "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// lookAtBudgets reports what changed by now.
func (c *Controller) lookAtBudgets(ctx context.Context, b *history.Watch, now time.Time) error {
	watched := map[string]*wire.Saved{}
	c.mu.Lock()
	for name, m := range c.desired {
		if m.SLO != nil && !m.Paused {
			watched[name] = &m
		}
	}
	for _, name := range b.Troubled() {
		why := "it has no objective any more"
		switch m, saved := c.desired[name]; {
		case !saved:
			why = "it was deleted"
		case m.Paused:
			why = "it is paused"
		}
		if watched[name] == nil {
			if t, tell := b.End(name, why, now); tell {
				c.troubles.add(t)
			}
		}
	}
	c.mu.Unlock()
	for names := range slices.Chunk(slices.Sorted(maps.Keys(watched)), wire.MaxHistoryNames) {
		spans, err := c.spansOf(ctx, names, now, longestBurn())
		if err != nil {
			return err
		}
		for _, name := range names {
			m := watched[name]
			if !b.Due(name, history.BurnsOf(spans[name], m.SLO.Part(), now), now) {
				continue
			}
			whole, err := c.spansOf(ctx, []string{name}, now, max(longestBurn(), m.SLO.WithDefaults().Window.Std()))
			if err != nil {
				return err
			}
			if t, tell := b.Judge(m, whole[name], now); tell {
				c.troubles.add(t)
			}
		}
	}
	return nil
}

func longestBurn() (d time.Duration) {
	for _, w := range history.BurnWindows() {
		d = max(d, w.Long)
	}
	return d
}

// spansOf asks for the states of monitors over a time until now.
func (c *Controller) spansOf(ctx context.Context, names []string, now time.Time, back time.Duration) (map[string][]wire.HistorySpan, error) {
	q := wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: names, From: now.Add(-back).UTC(), To: now.UTC()}
	reply, err := historyask.All(ctx, q, func(ctx context.Context, data []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, budgetAsk)
		defer cancel()
		m, err := c.nc.RequestWithContext(ctx, wire.HistorySubject, data)
		if err != nil {
			return nil, err
		}
		return m.Data, nil
	})
	out := map[string][]wire.HistorySpan{}
	for _, s := range reply.Spans {
		out[s.Monitor] = append(out[s.Monitor], s)
	}
	return out, err
}
