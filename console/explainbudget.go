package console

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netmon/wire"
)

// budget says how an objective is met, and how fast its error budget is spent.
func (x *Explanation) budget(ctx context.Context, c *Client, now time.Time) {
	if x.saved.SLO == nil || x.saved.Paused {
		return
	}
	slo := x.saved.SLO.WithDefaults()
	of := fmt.Sprintf("Its objective is %v %% over %s", slo.Objective, slo.Window)
	rows, _, err := c.Uptime(ctx, UptimeFilter{Monitors: []string{x.Monitor}, From: now.Add(-slo.Window.Std()), To: now, SLO: slo.Part()})
	switch {
	case err != nil:
		x.say("%s. Nobody watches its error budget while history does not answer: %v.", of, err)
		return
	case len(rows) != 1 || rows[0].Budget == nil:
		x.say("%s. Nothing is known of it yet, so nothing of its error budget is spent.", of)
		return
	}
	b := rows[0].Budget
	left := fmt.Sprintf("%s of the error budget of %s is left", Lasting(time.Duration(b.LeftNS)), Lasting(time.Duration(b.AllowedNS)))
	if b.LeftNS < 0 {
		left = fmt.Sprintf("the error budget of %s is overspent by %s", Lasting(time.Duration(b.AllowedNS)), Lasting(time.Duration(-b.LeftNS)))
	}
	x.say("%s: %s.%s", of, left, burnText(b.Burn))
}

// burnText says how fast a budget is spent, by each pair of windows.
func burnText(burns []BurnRow) string {
	var rates, fast []string
	for _, b := range burns {
		if b.LongRate == nil {
			rates = append(rates, fmt.Sprintf("not known over %s", b.Long))
			continue
		}
		rates = append(rates, fmt.Sprintf("%.1f over %s and %.1f over %s (too fast: %v)", *b.LongRate, b.Long, *b.ShortRate, b.Short, b.Rate))
		if b.Firing {
			fast = append(fast, wire.Duration(b.Long).String())
		}
	}
	text := " Burn rates: " + strings.Join(rates, "; ") + "."
	if len(fast) > 0 {
		text += " It is spent too fast over " + strings.Join(fast, " and ") + "."
	}
	return text
}
