package console

import (
	"context"
	"time"

	"netmon/wire"
)

const (
	uptimeOver   = 24 * time.Hour
	uptimeEach   = time.Minute      // how often uptimes are read
	uptimeAgain  = 15 * time.Second // where they could not be
	uptimeWithin = 30 * time.Second // for all pages of one reading
)

// followUptimes gives the mesh the uptimes of the last 24 h, until ctx ends. That nobody
// keeps history is not a trouble: it is said where uptimes are shown.
func (m *Model) followUptimes(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		each := uptimeEach
		if n < 3 { // a mesh that has just begun is judged in a moment
			each = uptimeAgain
		}
		if err := m.readUptimes(ctx); err != nil && ctx.Err() == nil {
			each = uptimeAgain
			m.mesh.NoUptimes(err.Error(), time.Now())
		}
		if n == 0 {
			close(m.tried)
		}
		wait(ctx, nil, each)
	}
}

// readUptimes asks once, of all monitors together.
func (m *Model) readUptimes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, uptimeWithin)
	defer cancel()
	now := time.Now()
	spans, err := m.c.pastDay(ctx, m.o.Names, now)
	if err == nil {
		m.mesh.SetUptimes(uptimesOf(spans, now), now)
		m.mesh.SetDays(daysOf(spans, now))
	}
	return err
}

// pastDay is how monitors were judged in the 24 h before a moment. Of whom nothing is known
// is not there.
func (c *Client) pastDay(ctx context.Context, names []string, at time.Time) (map[string][]wire.HistorySpan, error) {
	reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryVerdicts, Monitors: asked(names), From: at.Add(-uptimeOver), To: at})
	if err != nil {
		return nil, err
	}
	spans := map[string][]wire.HistorySpan{}
	for _, s := range reply.Spans {
		spans[s.Monitor] = append(spans[s.Monitor], s)
	}
	return spans, nil
}

// asked are the names, if a query of history may have so many; of more, all are asked for.
func asked(names []string) []string {
	if len(names) > wire.MaxHistoryNames {
		return nil
	}
	return names
}

// UptimesTried is closed when uptimes were asked for once: they are known then, or it is
// known why not. It is never closed where [ModelOptions] do not ask for them.
func (m *Model) UptimesTried() <-chan struct{} { return m.tried }
