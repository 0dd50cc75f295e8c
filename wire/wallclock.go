package wire

import "time"

// date is a day of the calendar.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

// add is so many days later.
func (d date) add(days int) date {
	return dateOf(time.Date(d.year, d.month, d.day+days, 12, 0, 0, 0, time.UTC))
}

func (d date) weekday() time.Weekday {
	return time.Date(d.year, d.month, d.day, 12, 0, 0, 0, time.UTC).Weekday()
}

// at is when clocks in loc show a time, minutes after midnight, on that day. A time that
// they skip is when they are changed. Of one that they show twice it is the first, or last.
func (d date) at(minutes int, loc *time.Location, last bool) time.Time {
	wall := time.Date(d.year, d.month, d.day, 0, minutes, 0, 0, time.UTC).Unix()
	near := time.Unix(wall, 0).In(loc)
	_, offset := near.Zone()
	near = time.Unix(wall-int64(offset), 0).In(loc)
	start, end := near.ZoneBounds()
	var found time.Time
	try := func(at time.Time) {
		_, o := at.Zone()
		if t := time.Unix(wall-int64(o), 0).In(loc); sameWall(t, wall) && (found.IsZero() || last == t.After(found)) {
			found = t
		}
	}
	try(near)
	if !start.IsZero() {
		try(start.Add(-time.Second))
	}
	if !end.IsZero() {
		try(end)
	}
	if !found.IsZero() {
		return found.UTC()
	}
	for _, change := range []time.Time{start, end} {
		if change.IsZero() {
			continue
		}
		_, before := change.Add(-time.Second).Zone()
		_, after := change.Zone()
		if u := change.Unix(); u+int64(before) <= wall && wall < u+int64(after) {
			return change.UTC()
		}
	}
	return near.UTC()
}

// sameWall says whether clocks show at t what wall, seconds as if they were UTC, says.
func sameWall(t time.Time, wall int64) bool {
	_, o := t.Zone()
	return t.Unix()+int64(o) == wall
}

// steady says whether clocks are not changed on that day, nor near it.
func (d date) steady(loc *time.Location) bool {
	noon := time.Date(d.year, d.month, d.day, 12, 0, 0, 0, loc)
	start, end := noon.ZoneBounds()
	return (start.IsZero() || noon.Sub(start) > 36*time.Hour) && (end.IsZero() || end.Sub(noon) > 36*time.Hour)
}
