package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"netmon/internal/timetext"
	"netmon/wire"
)

// Extent is which part of the stored results is asked for.
type Extent struct {
	From, To    time.Time
	Always      bool  // however old they are: neither time was given
	Tail, Limit int   // the newest, or the first, so many; 0 is all
	Older       Older // results that rollups stand for are left out
}

var errEnough = errors.New("as many as asked for")

// Read calls handle with the results of the filter in the extent, in the order in
// which they were stored, and how far the agent's clock was ahead: see [Client.Results].
func (e Extent) Read(ctx context.Context, cl *Client, f Filter, handle func(r wire.Result, off time.Duration) error) error {
	if e.Always && len(f.Outcomes) > 0 { // how far back the newest of these are nobody knows
		e.From, f.Since = time.Time{}, time.Time{}
	} else if e.Always {
		return cl.Newest(ctx, f, uint64(max(0, e.Tail)), handle) // #nosec G115 -- not negative
	}
	type one struct {
		r   wire.Result
		off time.Duration
	}
	var last []one // a ring
	seen := 0
	err := cl.Results(ctx, f, e.To, func(r wire.Result, off time.Duration) error {
		if at := r.Started.Add(-off); at.Before(e.From) || e.Older.Covers(&r, at) { // it came late; it belongs to an earlier time
			return nil
		}
		seen++
		switch {
		case e.Tail == 0:
			if err := handle(r, off); err != nil {
				return err
			}
			if seen == e.Limit {
				return errEnough
			}
		case len(last) < e.Tail:
			last = append(last, one{r, off})
		default:
			last[(seen-1)%e.Tail] = one{r, off}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for i := range last {
		kept := last[(seen+i)%len(last)]
		if err := handle(kept.r, kept.off); err != nil {
			return err
		}
	}
	return nil
}

// When says the times in a sentence about results.
func (e Extent) When() string {
	if e.Always {
		return ""
	}
	return fmt.Sprintf(" from %s to %s", timetext.Zoned(e.From), timetext.Zoned(e.To))
}

// Further says how more may be found.
func (e Extent) Further() string {
	if e.Always {
		return ""
	}
	return ", --from goes further back"
}
