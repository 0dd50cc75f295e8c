package console

import (
	"context"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// existence is a time in which a monitor was saved.
type existence struct{ from, to time.Time } // to is zero while it is

// unjudged are the times in which those of the named monitors were saved on which no
// verdict of the time is known: what is before is not unknown, they were not there.
func (c *Client) unjudged(ctx context.Context, names []string, of map[string][]wire.HistorySpan) (map[string][]existence, error) {
	out := map[string][]existence{}
	var without []string
	for _, name := range names {
		if len(of[name]) == 0 {
			out[name] = nil
			without = append(without, name)
		}
	}
	if len(without) == 0 {
		return out, nil
	}
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	err = store.read(ctx, "read the saved monitors", tail.From{Subjects: store.subjects(few(without))}, func(e entry) {
		times, asked := out[e.key]
		last := len(times) - 1
		switch there := last >= 0 && times[last].to.IsZero(); {
		case !asked:
		case e.deleted() && there:
			times[last].to = e.at
		case !e.deleted() && !there:
			out[e.key] = append(times, existence{from: e.at})
		}
	})
	return out, err
}

// existed says of a row without any verdict in which times the monitor was there.
func (r *UptimeRow) existed(times []existence) {
	all, there := r.To.Sub(r.From), time.Duration(0)
	for _, t := range times {
		if t.to.IsZero() || t.to.After(r.To) {
			t.to = r.To
		}
		there += max(0, t.to.Sub(maxTime(t.from, r.From)))
	}
	if len(times) > 0 && times[0].from.After(r.From) {
		r.Since = times[0].from
	}
	r.GapNS, r.AbsentNS = int64(there), int64(all-there)
}
