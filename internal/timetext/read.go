package timetext

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// Side says on which side of now a time is that leaves it open: 02:00, or 90m.
type Side bool

const (
	Past   Side = false // the last 02:00; 90 minutes ago
	Coming Side = true  // the next one; in 90 minutes
)

// Forms are those that [Parse] reads, for messages and help.
const Forms = `90m, 7d, 02:00, today, "yesterday 14:00", 2026-11-29, "2026-11-29 02:00" or 2026-11-29T02:00:00Z`

// Parse reads a time in any form that people write or netmon prints. A time without a
// zone is in that of now.
func Parse(text string, now time.Time, side Side) (time.Time, error) {
	t, _, err := read(text, now, side)
	return t, err
}

// ParseFixed reads a time that is the same wherever and whenever it is read, as a file
// wants it: with a day and a zone.
func ParseFixed(text string) (time.Time, error) {
	t, fixed, err := read(text, time.Unix(0, 0).UTC(), Past)
	if err == nil && !fixed {
		err = fmt.Errorf("has no zone")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf(`want a day, a time and a zone, such as 2026-12-24T22:00:00+01:00 or "2026-12-24 22:00 Europe/Oslo", got %q`, wire.Clip(text, wire.MaxToken))
	}
	return t, nil
}

// read says, too, whether the time says its day and its zone.
func read(text string, now time.Time, side Side) (t time.Time, fixed bool, err error) {
	plain := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "…"))
	wrong := func(why string) error {
		return fmt.Errorf("%swant a time such as %s, got %q", why, Forms, wire.Clip(text, wire.MaxToken))
	}
	if at, ok := unixTime(plain); ok {
		t, fixed = at.In(now.Location()), true
	} else if at, ok := fromNow(plain, now, side); ok {
		t = at
	} else {
		wall, loc, zoned, why := splitZone(plain, now)
		if why != "" {
			return t, false, wrong(why + ": ")
		}
		at, dated, why := onCalendar(wall, now.In(loc), side)
		if why != "" {
			return t, false, wrong(why + ": ")
		}
		if at.IsZero() {
			return t, false, wrong("")
		}
		t, fixed = at, zoned && dated
		if name, ok := abbreviated(plain); ok && loc == now.Location() {
			t = named(t, name)
		}
	}
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, false, wrong("that is before 1970 or after 9999: ")
	}
	return t, fixed, nil
}

var unixText = regexp.MustCompile(`^@?([0-9]{10})([0-9]{3})?(\.[0-9]{1,9})?$`)

// unixTime reads seconds, or milliseconds, since 1970: as many digits as they have now.
func unixTime(text string) (time.Time, bool) {
	m := unixText.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	seconds, _ := strconv.ParseInt(m[1], 10, 64)
	var nanos int64
	if fraction := m[2] + strings.TrimPrefix(m[3], "."); fraction != "" {
		nanos, _ = strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	}
	return time.Unix(seconds, nanos), true
}

// fromNow reads now, and how long ago or ahead.
func fromNow(text string, now time.Time, side Side) (time.Time, bool) {
	if strings.EqualFold(text, "now") {
		return now, true
	}
	if rest, ok := strings.CutSuffix(text, " ago"); ok {
		text, side = rest, Past
	} else if rest, ok := strings.CutPrefix(text, "in "); ok {
		text, side = rest, Coming
	}
	d, err := wire.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil || d < 0 || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		return time.Time{}, false
	}
	if side == Past {
		d = -d
	}
	return now.Add(d), true
}

var (
	offsetText = regexp.MustCompile(`^(.*[0-9]:?[0-9]{2}(?:[.,][0-9]+)?) ?\(?([+-])([0-9]{2}):?([0-9]{2})\)?$`)
	zuluText   = regexp.MustCompile(`^(.*[0-9])[Zz]$`)
	nameText   = regexp.MustCompile(`^(.*\S) \(?([A-Za-z][A-Za-z0-9_+/-]*)\)?$`)
)

// splitZone takes a zone off the end of a time; without one it is that of now.
func splitZone(text string, now time.Time) (wall string, loc *time.Location, zoned bool, why string) {
	if m := zuluText.FindStringSubmatch(text); m != nil {
		return m[1], time.UTC, true, ""
	}
	if m := offsetText.FindStringSubmatch(text); m != nil && strings.Contains(m[1], ":") {
		hours, _ := strconv.Atoi(m[3])
		minutes, _ := strconv.Atoi(m[4])
		if hours > 14 || minutes > 59 {
			return "", nil, false, "no zone is so far from UTC"
		}
		seconds := hours*3600 + minutes*60
		if m[2] == "-" {
			seconds = -seconds
		}
		return m[1], time.FixedZone("", seconds), true, ""
	}
	name, ok := abbreviated(text)
	if !ok {
		return text, now.Location(), false, ""
	}
	wall = nameText.FindStringSubmatch(text)[1]
	switch upper := strings.ToUpper(name); {
	case upper == "Z", upper == "UTC", upper == "GMT":
		return wall, time.UTC, true, ""
	case strings.EqualFold(name, "local"):
		return wall, now.Location(), false, ""
	case ofZone(now, upper):
		return wall, now.Location(), true, ""
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return wall, loc, true, ""
	}
	return "", nil, false, fmt.Sprintf("no zone is called %q (want UTC, +01:00 or a name such as Europe/Oslo)", wire.Clip(name, wire.MaxToken))
}

// abbreviated is the name of a zone behind a time, if there is one.
func abbreviated(text string) (string, bool) {
	m := nameText.FindStringSubmatch(text)
	if m == nil || !strings.ContainsAny(m[1], "0123456789") && !isDay(m[1]) {
		return "", false
	}
	return m[2], true
}

// ofZone says whether clocks here show this abbreviation at some time of the year.
func ofZone(now time.Time, name string) bool {
	for month := range 12 {
		if at, _ := now.AddDate(0, month, 0).Zone(); at == name {
			return true
		}
	}
	return false
}

// named is the time at which clocks show the same as at t, and their zone is called so:
// where an hour comes twice, the name says which one it is.
func named(t time.Time, name string) time.Time {
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	for _, near := range []time.Time{t, start.Add(-time.Second), end} {
		zone, other := near.Zone()
		if at := t.Add(time.Duration(offset-other) * time.Second); strings.EqualFold(zone, name) {
			if is, _ := at.Zone(); is == zone {
				return at
			}
		}
	}
	return t
}

var (
	dayLayouts   = []string{time.DateOnly, "20060102"}
	clockLayouts = []string{"15:04", "15:04:05"}
	joinLayouts  = []string{" 15:04", " 15:04:05", "T15:04", "T15:04:05", "T150405", "-150405"} // behind a day
)

func isDay(word string) bool { _, ok := dayAway(word); return ok }

// dayAway is how many days a word is from today.
func dayAway(word string) (int, bool) {
	switch strings.ToLower(word) {
	case "today":
		return 0, true
	case "yesterday":
		return -1, true
	case "tomorrow":
		return 1, true
	}
	return 0, false
}

// onCalendar reads days and times of a day, in the zone of now.
func onCalendar(text string, now time.Time, side Side) (t time.Time, dated bool, why string) {
	loc := now.Location()
	word, clock, _ := strings.Cut(text, " ")
	if days, ok := dayAway(word); ok {
		at, ok := clockOf(clock)
		if clock != "" && !ok {
			return t, false, fmt.Sprintf("%q is no time of a day", wire.Clip(clock, wire.MaxToken))
		}
		return onDay(now, days, at), false, ""
	}
	if at, ok := clockOf(text); ok {
		t := onDay(now, 0, at)
		switch {
		case side == Past && t.After(now):
			t = onDay(now, -1, at)
		case side == Coming && !t.After(now):
			t = onDay(now, 1, at)
		}
		return t, false, ""
	}
	layouts := []string{time.ANSIC, "Mon Jan 02 15:04:05 2006"}
	for _, day := range dayLayouts {
		layouts = append(layouts, day)
		for _, clock := range joinLayouts {
			layouts = append(layouts, day+clock)
		}
	}
	for _, layout := range layouts {
		at, err := time.ParseInLocation(layout, text, loc)
		if err == nil {
			return at, true, ""
		}
		if wrong, ok := err.(*time.ParseError); ok && strings.HasSuffix(wrong.Message, "out of range") {
			return t, false, "there is no such day or time"
		}
	}
	return t, false, ""
}

// clockOf reads a time of a day.
func clockOf(text string) (time.Time, bool) {
	for _, layout := range clockLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// onDay is a time of a day, so many days from today.
func onDay(now time.Time, days int, clock time.Time) time.Time {
	year, month, day := now.Date()
	if clock.IsZero() {
		return time.Date(year, month, day+days, 0, 0, 0, 0, now.Location())
	}
	return time.Date(year, month, day+days, clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), now.Location())
}
