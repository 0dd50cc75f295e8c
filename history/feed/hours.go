package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"netmon/history/store"
	"netmon/internal/tail"
	"netmon/wire"
)

// before is for how much longer than it was away a feeder reads hours: those of results
// that came late, and those that were closed a while after their end.
const before = 48 * time.Hour

// stored is one message of the stream HISTORY.
type stored struct {
	subject string
	seq     uint64
	hour    wire.HistoryHour // the zero value where it cannot be read
}

// importHours has the file take the hours that it has not seen, and returns what reads on
// behind them. A new file takes all that there are.
func (g *feeding) importHours(ctx context.Context, since time.Time) (*tail.Tail, error) {
	from := tail.From{}
	if !since.IsZero() {
		from.Since = since.Add(-before)
	}
	t, err := tail.Open(ctx, g.js, wire.HistoryStream, from)
	if err != nil {
		return nil, fmt.Errorf("follow stream %s: %w", wire.HistoryStream, err)
	}
	taken := 0
	for left := t.Left(); left > 0; left-- {
		h, more, err := g.nextHour(t)
		took := false
		if err == nil && h.hour.Revision > 0 {
			took, err = g.file.Import(ctx, h.hour)
		}
		if errors.Is(err, store.ErrUnfit) { // the others are good
			g.Log.Warn("ignored", "subject", h.subject, "number", h.seq, "error", err)
			h.hour, err = wire.HistoryHour{}, nil
		}
		if took {
			taken++
		}
		if g.heardHours([]stored{h}); len(g.heard) >= chunkMost && err == nil {
			err = g.notePublished(ctx)
		}
		if err != nil {
			t.Stop()
			return nil, fmt.Errorf("take an hour of the stream %s: %w", wire.HistoryStream, err)
		}
		if !more { // one that was pushed out meanwhile does not come
			break
		}
	}
	if taken > 0 {
		g.Log.Info("history was filled from hours that are published", "hours", taken)
	}
	return t, nil
}

// readHours hands over hours as they are published, by this controller or another one.
func (g *feeding) readHours(ctx context.Context, t *tail.Tail) error {
	var chunk []stored
	for {
		h, _, err := g.nextHour(t)
		if err != nil {
			return err
		}
		if chunk = append(chunk, h); len(chunk) < chunkMost && t.More() {
			continue
		}
		select {
		case g.hours <- chunk:
		case <-ctx.Done():
			return ctx.Err()
		}
		chunk = nil
	}
}

// nextHour reads the next one; more is false for the last that there is now.
func (g *feeding) nextHour(t *tail.Tail) (s stored, more bool, err error) {
	m, meta, err := t.Next()
	if err != nil {
		return s, false, err
	}
	s.subject, s.seq = m.Subject, meta.Sequence.Stream
	if s.hour, err = wire.DecodeHistoryHour(m.Subject, m.Data); err != nil {
		g.Log.Warn("ignored", "error", err)
	}
	return s, meta.NumPending > 0, nil
}

// heardHours notes what is published: nobody has to publish it again. The file knows of an
// hour once what it counts is committed.
func (g *feeding) heardHours(chunk []stored) {
	for _, s := range chunk {
		g.last[s.subject] = max(g.last[s.subject], s.seq)
		if s.hour.Revision > 0 {
			s.hour.Rollup = wire.Rollup{}
			g.heard = append(g.heard, s.hour)
		}
	}
	g.heard = g.heard[max(0, len(g.heard)-heardMost):]
}

// heardMost bounds the hours that were heard of, and are not in the file.
const heardMost = 100_000

// notePublished tells the file of hours that were heard of, once it has them.
func (g *feeding) notePublished(ctx context.Context) error {
	at := g.file.Position().Results
	var now []wire.HistoryHour
	g.heard = slices.DeleteFunc(g.heard, func(h wire.HistoryHour) bool {
		if h.Revision > at {
			return false
		}
		now = append(now, h)
		return true
	})
	if len(now) == 0 {
		return nil
	}
	return g.file.Published(ctx, now)
}
