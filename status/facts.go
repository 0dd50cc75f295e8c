package status

import (
	"slices"
	"time"

	"netmon/console/view"
	"netmon/history"
	"netmon/judge"
	"netmon/wire"
)

// Facts are what is known of the mesh at one moment, private things included.
type Facts struct {
	At        time.Time
	Blind     bool      // nothing is known of now: the broker is away, or no agent is heard
	Since     time.Time // of Blind; zero where that is not known
	Monitors  []wire.Saved
	Rows      map[string]view.Row
	Settings  []wire.Setting
	Incidents []*wire.Incident
	Read      bool  // Incidents were
	Past      *Past // nil where history was not read
}

// Past is what history says of 90 days.
type Past struct {
	names  map[string]bool // monitors that were asked for
	days   map[string]*[Days]Day
	uptime map[string]*float64
	muted  map[string][]interval // planned maintenance that was
	today  time.Time
}

type interval struct{ from, to time.Time }

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// PastFrom is from when on the days of a page reach back.
func PastFrom(now time.Time) time.Time { return dayOf(now).AddDate(0, 0, 1-Days) }

// NewPast sums what was judged of the named monitors, day by day of UTC.
func NewPast(names []string, spans []wire.HistorySpan, now time.Time) *Past {
	p := &Past{names: map[string]bool{}, days: map[string]*[Days]Day{}, uptime: map[string]*float64{}, muted: map[string][]interval{}, today: dayOf(now)}
	for _, name := range names {
		p.names[name] = true
	}
	of := map[string][]wire.HistorySpan{}
	for _, s := range spans {
		of[s.Monitor] = append(of[s.Monitor], s)
		if s.Muted {
			p.muted[s.Monitor] = append(p.muted[s.Monitor], interval{s.Since, s.Until})
		}
	}
	for name, list := range of {
		days := &[Days]Day{}
		for i := range days {
			begin := p.today.AddDate(0, 0, i+1-Days)
			days[i] = dayFrom(list, begin, minTime(begin.AddDate(0, 0, 1), now))
		}
		p.days[name] = days
		all := history.UptimeOf(list, p.today.AddDate(0, 0, 1-Days), now)
		if part, ok := all.Part(false); ok {
			p.uptime[name] = &part
		}
	}
	return p
}

// covers says whether the past of all these was read.
func (p *Past) covers(list []chosen) bool {
	return p != nil && !slices.ContainsFunc(list, func(c chosen) bool { return !p.names[c.saved.Name] })
}

// dayFrom is one day, which is not over where it ends sooner. It says running only where
// that is known of half of it: a gap is never up.
func dayFrom(spans []wire.HistorySpan, from, to time.Time) Day {
	u := history.UptimeOf(spans, from, to)
	d := Day{Date: from, Down: u.Down, Disturbed: u.Degraded, Unknown: u.Unknown + u.Gap, Planned: u.MutedUp + u.MutedDegraded + u.MutedDown}
	if part, ok := u.Part(false); ok {
		d.Uptime = &part
	}
	there := to.Sub(from) - u.Absent - u.Paused
	switch {
	case d.Down > 0:
		d.State = Down
	case d.Disturbed > 0:
		d.State = Disturbed
	case there <= 0 || 2*d.Unknown > there:
		d.State = Unknown
	case u.Up > 0:
		d.State = Running
	case d.Planned > 0:
		d.State = Maintenance
	}
	return d
}

// of are the days of a monitor until now. What history does not know yet is known from how
// the monitor is now: that is part of today.
func (p *Past) of(name string, now time.Time, is State) (days [Days]Day, uptime *float64) {
	today := dayOf(now)
	for i := range days {
		days[i].Date = today.AddDate(0, 0, i+1-Days)
	}
	if p != nil {
		uptime = p.uptime[name]
		if known := p.days[name]; known != nil {
			since := max(0, int(today.Sub(p.today)/(24*time.Hour))) // days since it was read, of which nothing is known
			for i := since; i < Days; i++ {
				days[i-since] = known[i]
			}
		}
	}
	if last := &days[Days-1]; is.Wrong() && is > last.State {
		last.State = is
	}
	return days, uptime
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// paused says that somebody stopped the monitor.
func paused(r *view.Row) bool { return r.State == judge.Paused }
