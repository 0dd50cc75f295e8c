package history

import (
	"math"
	"time"

	"netmon/wire"
)

// Budget is what an objective leaves for being down.
type Budget struct {
	Objective float64       // such as 0.999
	Allowed   time.Duration // in the whole window
	Spent     time.Duration // down, without planned maintenance
}

// Left is what is left; less than nothing where more was spent.
func (b Budget) Left() time.Duration { return b.Allowed - b.Spent }

// BudgetOf is the error budget of a window, of which u is as much as was. It is a part of
// all the window, also where little of it is known yet: else a new monitor had none.
func BudgetOf(u *Uptime, objective float64, window time.Duration) Budget {
	return Budget{Objective: objective, Allowed: time.Duration(math.Round(float64(window) * (1 - objective))), Spent: u.Down}
}

// BurnWindow is a rule of multi-window, multi-burn-rate alerting: it fires while the budget
// is spent over Rate times as fast as it lasts, in the long window and still in the short one.
type BurnWindow struct {
	Rate        float64
	Long, Short time.Duration
}

// BurnWindows are the usual ones: 2 % of a 30-day budget in an hour, 5 % in 6 hours, 10 %
// in 3 days.
func BurnWindows() []BurnWindow {
	return []BurnWindow{{14.4, time.Hour, 5 * time.Minute}, {6, 6 * time.Hour, 30 * time.Minute}, {1, 72 * time.Hour, 6 * time.Hour}}
}

// Burn is how fast a budget is spent.
type Burn struct {
	BurnWindow
	LongRate, ShortRate float64 // 1 spends all of it in just its time
	Known               bool    // some of both windows is known, and of the long one as much as the short one is long
	Firing              bool
}

// BurnsOf are the burn rates at a time, from spans that reach 3 days back.
func BurnsOf(spans []wire.HistorySpan, objective float64, now time.Time) []Burn {
	out := []Burn{}
	for _, w := range BurnWindows() {
		b := Burn{BurnWindow: w}
		long, known := burnRate(spans, objective, now.Add(-w.Long), now)
		short, some := burnRate(spans, objective, now.Add(-w.Short), now)
		b.LongRate, b.ShortRate, b.Known = long, short, known >= w.Short && some > 0
		b.Firing = b.Known && long >= w.Rate && short >= w.Rate
		out = append(out, b)
	}
	return out
}

// burnRate is that of a time, and how much of the time is known.
func burnRate(spans []wire.HistorySpan, objective float64, from, to time.Time) (rate float64, known time.Duration) {
	u := UptimeOf(spans, from, to)
	part, ok := u.Part(false)
	if !ok || objective >= 1 {
		return 0, 0
	}
	return (1 - part) / (1 - objective), u.Known()
}

// Pace is how fast an error budget is spent.
type Pace int

// The paces, the least urgent first.
const (
	PaceFine Pace = iota
	PaceSlow      // too fast over the longest pair of windows alone: it lasts days
	PaceFast      // too fast over one of the others: it lasts hours or days
)

// PaceOf is the pace by all pairs of windows, after it was another one. While nothing is
// known of the shortest, it stays as it was: nobody can tell.
func PaceOf(burns []Burn, was Pace) Pace {
	if len(burns) == 0 || !burns[0].Known {
		return was
	}
	pace := PaceFine
	for i, b := range burns {
		switch {
		case !b.Firing:
		case i == len(burns)-1:
			pace = max(pace, PaceSlow)
		default:
			pace = PaceFast
		}
	}
	return pace
}
