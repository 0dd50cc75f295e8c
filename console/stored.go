package console

import (
	"context"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// Results calls handle with each stored result of the filter since Since, until
// to, and returns when the last one of this moment was read, or with handle's error.
// A result is of the time at which it was measured by the broker's clock; off is how
// far the agent's own was ahead then, 0 where it was right.
func (c *Client) Results(ctx context.Context, f Filter, to time.Time, handle func(r wire.Result, off time.Duration) error) error {
	subjects, err := f.subjects()
	if err != nil {
		return err
	}
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: subjects, Since: f.Since})
	if err != nil {
		return noMesh("read the results", err)
	}
	defer t.Stop()
	return readAll(ctx, t, f, func(r wire.Result, stored time.Time) error {
		off := offBy(&r, stored)
		// A result that was measured in time may have come late, behind others.
		if !to.IsZero() && r.Started.Add(-off).After(to) {
			return nil
		}
		return handle(r, off)
	})
}

// Newest calls handle with the n results of the filter that were stored last,
// whenever that was, oldest first, and like Results with how far a clock was ahead.
func (c *Client) Newest(ctx context.Context, f Filter, n uint64, handle func(r wire.Result, off time.Duration) error) error {
	subjects, err := f.subjects()
	if err != nil {
		return err
	}
	t, err := c.openNewest(ctx, subjects, n)
	if err != nil {
		return noMesh("read the newest results", err)
	}
	defer t.Stop()
	skip := max(t.Left(), n) - n
	return readAll(ctx, t, f, func(r wire.Result, stored time.Time) error {
		if skip > 0 {
			skip--
			return nil
		}
		return handle(r, offBy(&r, stored))
	})
}

// openNewest opens a tail that begins at or somewhat before the n newest results.
// A reader cannot go backwards, but the broker counts what lies before it: by that,
// where n of them begin is guessed, and looked for further back each time.
func (c *Client) openNewest(ctx context.Context, subjects []string, n uint64) (*tail.Tail, error) {
	open := func(after uint64) (*tail.Tail, error) {
		return tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: subjects, After: after})
	}
	t, err := open(0)
	if err != nil {
		return nil, err
	}
	st := t.Stream().State
	if t.Left() <= n || st.Msgs == 0 {
		return t, nil
	}
	span := st.LastSeq - st.FirstSeq + 1
	back := uint64(1.2*float64(n)*float64(span)/float64(t.Left())) + 100 // as if they were spread evenly, and some more
	for ; ; back *= 4 {
		t.Stop()
		after := st.LastSeq - min(back, st.LastSeq) // 0 is all of it
		if t, err = open(after); err != nil || t.Left() >= n || back >= span {
			return t, err
		}
	}
}

// readAll calls handle with what there was to read when t was opened, and when it
// was stored.
func readAll(ctx context.Context, t *tail.Tail, f Filter, handle func(r wire.Result, stored time.Time) error) error {
	of := t.Left()
	for read := uint64(1); read <= of; read++ {
		m, meta, err := t.Next()
		if err == nil {
			err = ctx.Err() // what is here already is not read on for long
		}
		if err != nil {
			return noMesh("read the results", err)
		}
		if f.Progress != nil {
			f.Progress(read, of)
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			f.odd(err)
		} else if !f.Has(r.Outcome) {
		} else if err := handle(r, meta.Timestamp); err != nil {
			return err
		}
		if meta.NumPending == 0 { // some were removed meanwhile
			return nil
		}
	}
	return nil
}

// Count says how many stored results of the filter there are since Since.
func (c *Client) Count(ctx context.Context, f Filter) (uint64, error) {
	subjects, err := f.subjects()
	if err != nil {
		return 0, err
	}
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: subjects, Since: f.Since})
	if err != nil {
		return 0, noMesh("count the results", err)
	}
	defer t.Stop()
	return t.Left(), nil
}
