package history

import (
	"slices"
	"time"

	"netmon/wire"
)

// Uptime is how a monitor was in a time, in length of time by state.
//
// Unknown is never up: it is apart, and so is time in no span, of which nothing is known.
// Time in which the monitor did not exist is neither.
type Uptime struct {
	From, To time.Time
	Since    time.Time // of it nothing is known from before this time, which is after From; zero: it is

	Up, Degraded, Down time.Duration // outside planned maintenance
	Unknown            time.Duration // nobody was able to say
	Paused             time.Duration // it ran nowhere, as somebody wanted
	Gap                time.Duration // nothing is known: nobody judged
	Absent             time.Duration // it was not there: before its first verdict, or deleted

	// The same states within planned maintenance.
	MutedUp, MutedDegraded, MutedDown time.Duration

	Outages []Outage // begun or going on in this time, the oldest first
}

// Outage is a time in which a monitor was down. One that an unknown time or a gap cut into
// continues behind it, where it is down there.
type Outage struct {
	Since, Until time.Time
	Open         bool          // it is not over
	Cut          bool          // it began before the time asked for
	Down         time.Duration // of that time: known to be down
	Muted        bool          // all of it was planned maintenance
	Blame        wire.BlameClass
}

// Known is the time outside maintenance of which the state is known.
func (u *Uptime) Known() time.Duration { return u.Up + u.Degraded + u.Down }

// Part is the part of the known time in which it was not down. Degraded counts as up:
// those who use it are served. muted counts planned maintenance, too. False where nothing
// is known.
func (u *Uptime) Part(muted bool) (part float64, ok bool) {
	good, all := u.Up+u.Degraded, u.Known()
	if muted {
		good += u.MutedUp + u.MutedDegraded
		all += u.MutedUp + u.MutedDegraded + u.MutedDown
	}
	if all <= 0 {
		return 0, false
	}
	return float64(good) / float64(all), true
}

// MTTR is the mean length of the outages that ended and began in this time, without
// planned ones.
func (u *Uptime) MTTR() (mean time.Duration, outages int) {
	for _, o := range u.Outages {
		if !o.Muted && !o.Open && !o.Cut {
			mean += o.Until.Sub(o.Since)
			outages++
		}
	}
	if outages > 0 {
		mean /= time.Duration(outages)
	}
	return mean, outages
}

// MTBF is the known time that was not down, by the number of outages that began in it. False
// where none did, or it was never up.
func (u *Uptime) MTBF() (time.Duration, bool) {
	n := 0
	for _, o := range u.Outages {
		if !o.Muted && !o.Cut {
			n++
		}
	}
	if n == 0 || u.Up+u.Degraded == 0 {
		return 0, false
	}
	return (u.Up + u.Degraded) / time.Duration(n), true
}

// UptimeOf sums the spans of one monitor, in order, over a time. The first are to reach
// back to from, or to say that they are new.
func UptimeOf(spans []wire.HistorySpan, from, to time.Time) Uptime {
	u := Uptime{From: from, To: to}
	covered := time.Duration(0)
	var open *Outage // one that unknown time may have cut
	for i, s := range spans {
		if s.New {
			u.Absent += lengthIn(absence(spans, i), from, to)
			open = nil
		}
		a, b := later(s.Since, from), s.Until
		if b.After(to) {
			b = to
		}
		length := b.Sub(a)
		if length <= 0 {
			continue
		}
		covered += length
		*u.slot(s) += length
		switch s.State {
		case wire.VerdictDown:
			if open == nil {
				u.Outages = append(u.Outages, Outage{Since: a, Cut: s.Since.Before(from), Muted: true, Blame: s.Blame})
				open = &u.Outages[len(u.Outages)-1]
			}
			open.Until, open.Open = b, s.Open && !b.Before(s.Until)
			open.Down += length
			open.Muted = open.Muted && s.Muted
		case wire.VerdictUnknown:
		default:
			open = nil
		}
	}
	if n := len(spans); n > 0 {
		if spans[0].New && spans[0].Since.After(from) {
			u.Since = spans[0].Since
		}
		if gone := spans[n-1].Gone; !gone.IsZero() {
			u.Absent += lengthIn([2]time.Time{gone, to}, from, to)
		}
	}
	u.Gap = max(0, to.Sub(from)-covered-u.Absent)
	return u
}

// absence is the time before a span that is new, in which the monitor was not there: from
// when it was deleted on, or all time.
func absence(spans []wire.HistorySpan, i int) [2]time.Time {
	since := time.Time{}
	if i > 0 {
		if since = spans[i-1].Gone; since.IsZero() { // nobody knows from when on
			since = spans[i].Since
		}
	}
	return [2]time.Time{since, spans[i].Since}
}

// lengthIn is how much of a time is in another.
func lengthIn(t [2]time.Time, from, to time.Time) time.Duration {
	if t[1].After(to) {
		t[1] = to
	}
	return max(0, t[1].Sub(later(t[0], from)))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// slot is where the length of a span counts.
func (u *Uptime) slot(s wire.HistorySpan) *time.Duration {
	switch {
	case s.State == wire.VerdictPaused:
		return &u.Paused
	case s.State == wire.VerdictUp && s.Muted:
		return &u.MutedUp
	case s.State == wire.VerdictDegraded && s.Muted:
		return &u.MutedDegraded
	case s.State == wire.VerdictDown && s.Muted:
		return &u.MutedDown
	case s.State == wire.VerdictUp:
		return &u.Up
	case s.State == wire.VerdictDegraded:
		return &u.Degraded
	case s.State == wire.VerdictDown:
		return &u.Down
	}
	return &u.Unknown // also one that a newer judge has
}

// Reach is how often one agent reached a target.
type Reach struct {
	Agent       string
	Good, Of    uint64 // ticks
	Broken      uint64 // runs in which the agent could not measure: in neither
	Sent, Lost  uint64 // packets
	NotMeasured uint64 // ticks that were skipped or missed: in neither
	ResultsGone uint64 // results that were dropped
}

// Part is the part of the ticks that reached it; false where none could tell.
func (r Reach) Part() (float64, bool) {
	if r.Of == 0 {
		return 0, false
	}
	return float64(r.Good) / float64(r.Of), true
}

// ReachOf is reachability by agent, of the series of one monitor, by agent.
func ReachOf(series []wire.HistorySeries) []Reach {
	var out []Reach
	for _, s := range series {
		i := slices.IndexFunc(out, func(r Reach) bool { return r.Agent == s.Agent })
		if i < 0 {
			i = len(out)
			out = append(out, Reach{Agent: s.Agent})
		}
		r := &out[i]
		for j := range s.Rows {
			row := &s.Rows[j].Rollup
			good, of := Reached(row)
			r.Good += good
			r.Of += of
			r.Broken += row.Broken
			r.NotMeasured += row.Skipped + row.Missed
			r.ResultsGone += row.Dropped
			if row.Packets != nil {
				r.Sent += row.Packets.Sent
				r.Lost += row.Packets.Lost
			}
		}
	}
	return out
}
