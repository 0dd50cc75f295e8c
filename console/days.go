package console

import (
	"time"

	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

// Parts of a day.
const (
	dayPart = uptimeOver / view.DayPlaces
	notLong = dayPart / 2 // of a part: less that is known of it says nothing about it
)

// daysOf are the states of monitors in the 24 h before a time, part by part: the worst
// that was known in it, and unknown where little was.
func daysOf(spans map[string][]wire.HistorySpan, at time.Time) map[string]view.Day {
	of := make(map[string]view.Day, len(spans))
	for name, list := range spans {
		of[name] = dayOf(list, at.Add(-uptimeOver))
	}
	return of
}

func dayOf(spans []wire.HistorySpan, from time.Time) (day view.Day) {
	for i := range day {
		begin := from.Add(time.Duration(i) * dayPart)
		day[i] = partOf(spans, begin, begin.Add(dayPart))
	}
	return day
}

// partOf is the state of a part of the time.
func partOf(spans []wire.HistorySpan, from, to time.Time) judge.State {
	var in [judge.Paused + 1]time.Duration
	for i := range spans {
		s := &spans[i]
		d := minTime(to, s.Until).Sub(maxTime(from, s.Since))
		var state judge.State
		if d <= 0 || state.UnmarshalText([]byte(s.State)) != nil {
			continue
		}
		in[state] += d
	}
	switch {
	case in[judge.Down] > 0:
		return judge.Down
	case in[judge.Degraded] > 0:
		return judge.Degraded
	case in[judge.Paused] >= notLong:
		return judge.Paused
	case in[judge.Up] >= notLong:
		return judge.Up
	}
	return judge.Unknown
}
