package timetext

import "time"

// Column writes the times of one column of a table, "" for none, in the zone of this
// computer: where all are in one zone, zone is what stands behind the column's title,
// else it is "" and each has its own.
func Column(times []time.Time) (zone string, texts []string) {
	return columnIn(times, time.Local)
}

func columnIn(times []time.Time, loc *time.Location) (zone string, texts []string) {
	texts = make([]string, len(times))
	first, one := "", true
	for i, t := range times {
		if t.IsZero() {
			continue
		}
		name, _ := t.In(loc).Zone()
		if first == "" {
			first = name
		}
		one = one && name == first
		texts[i] = t.In(loc).Format(time.DateTime)
	}
	switch {
	case first == "":
		return "", texts
	case one:
		return " (" + first + ")", texts
	}
	for i, t := range times {
		if !t.IsZero() {
			texts[i] = t.In(loc).Format("2006-01-02 15:04:05 MST")
		}
	}
	return "", texts
}

// Exact is a time for programs, "" for none.
func Exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Zoned is a time for people, in the zone of this computer, which it names.
func Zoned(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// Minute is Zoned for what is known or planned by the minute.
func Minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// Moment is Zoned without the day where it is that of now.
func Moment(t, now time.Time) string { return Clock(t, now) + " " + Zone(t) }

// Clock is Moment without the zone, for where it is named already.
func Clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// Zone is the zone of this computer at a time.
func Zone(t time.Time) string {
	name, _ := t.Local().Zone()
	return name
}
