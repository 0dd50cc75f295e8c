package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"netmon/console"
	"netmon/internal/plural"
	"netmon/internal/timetext"
)

// examineHistory asks who keeps history how far it is. Without it nobody watches the error
// budgets of monitors.
func examineHistory(ctx context.Context, cl *console.Client, now time.Time) Finding {
	const cure = "look at the log of netmon up, broker or controller: it continues by itself once it can"
	reach, err := cl.HistoryReach(ctx, now)
	switch {
	case errors.Is(err, console.ErrNoHistory):
		return Finding{"history", Warning, "no controller answers questions about it: it may be filling its file" + unwatched(ctx, cl), cure}
	case err != nil:
		return Finding{"history", Warning, err.Error() + unwatched(ctx, cl), cure}
	case reach.Through.IsZero():
		return Finding{"history", OK, "is kept; there is no result yet", ""}
	}
	found := fmt.Sprintf("is kept from %s on, with results until %s", timetext.Zoned(reach.Since), timetext.Zoned(reach.Through))
	return Finding{"history", OK, found, ""}
}

// unwatched says how many objectives nobody watches without history; "" for none.
func unwatched(ctx context.Context, cl *console.Client) string {
	monitors, err := monitorsOf(ctx, cl)
	n := 0
	for i := range monitors {
		if monitors[i].SLO != nil && !monitors[i].Paused {
			n++
		}
	}
	if err != nil || n == 0 {
		return ""
	}
	return fmt.Sprintf("; meanwhile nobody watches the error %s of %s", plural.Of(n, "budget", "budgets"), plural.Count(n, "monitor", "monitors"))
}
