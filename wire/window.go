package wire

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Window is a time in which notices are muted, by a calendar. One of Weekly, Cron and
// From is given.
type Window struct {
	Name   string    `json:"name"`                    // a token
	Match  Match     `json:"match,omitzero"`          // what is muted; absent is everything
	Weekly string    `json:"weekly,omitempty"`        // such as Sun 02:00-04:00, or Mon-Fri 22:00-06:00
	Cron   string    `json:"cron,omitempty"`          // when it begins: minute hour day month weekday
	For    Duration  `json:"for,omitempty" zero:"no"` // cron: how long it lasts
	From   time.Time `json:"from,omitzero"`           // once
	To     time.Time `json:"to,omitzero"`             // once
	Zone   string    `json:"zone,omitempty"`          // IANA name, of weekly and cron; default UTC
	Saving
}

func (w *Window) Sort() Sort          { return SortWindow }
func (w *Window) SettingName() string { return w.Name }

// Bounds of how long a window by cron lasts.
const (
	MinWindow = Duration(time.Minute)
	MaxWindow = Duration(30 * 24 * time.Hour)
)

// Validate reports every mistake.
func (w *Window) Validate() error {
	var p Problems
	p.Add("name", CheckToken(w.Name))
	p.Add("match", w.Match.Validate())
	if _, err := w.location(); err != nil {
		p.Addf("zone", "want an IANA name such as Europe/Oslo, got %q", Clip(w.Zone, MaxToken))
	}
	once := !w.From.IsZero() || !w.To.IsZero()
	switch given := bit(w.Weekly != "") + bit(w.Cron != "") + bit(once); {
	case given == 0:
		p.Addf("weekly", "is missing: want one of weekly, cron, and from with to")
	case given > 1:
		p.Addf("weekly", "want one of weekly, cron, and from with to, got several")
	}
	if w.Weekly != "" {
		if _, err := parseWeekly(w.Weekly); err != nil {
			p.Add("weekly", err)
		}
	}
	if w.Cron != "" {
		if _, err := ParseCron(w.Cron); err != nil {
			p.Add("cron", err)
		}
	}
	switch {
	case w.Cron != "" && w.For == 0:
		p.Addf("for", "is missing: want how long it lasts, such as 2h")
	case w.Cron == "" && w.For != 0:
		p.Addf("for", "goes with cron, got %q", w.For)
	case w.For != 0 && (w.For < MinWindow || w.For > MaxWindow):
		p.Addf("for", "want %v to %v, got %q", MinWindow, MaxWindow, w.For)
	}
	if once {
		if w.From.IsZero() {
			p.Addf("from", "is missing")
		}
		if !w.To.After(w.From) {
			p.Addf("to", "want a time after from, got %q", timeText(w.To))
		}
		if w.Zone != "" {
			p.Addf("zone", "goes with weekly and cron: from and to have zones of their own, got %q", Clip(w.Zone, MaxToken))
		}
	}
	p.Add("", w.check())
	return p.Err()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *Window) location() (*time.Location, error) {
	if w.Zone == "Local" {
		return nil, fmt.Errorf("which one is local differs between hosts")
	}
	return time.LoadLocation(w.Zone)
}

// calendar says when a window begins and ends on a day.
type calendar interface {
	on(d date, loc *time.Location) []interval // in the order in which they begin
	days() int                                // how long one is at most
}

type interval struct{ from, to time.Time }

// How far Next looks: at a window that is open for so long there is no end, and one that
// is not to open in so long never opens (29 February may be 8 years away).
const (
	longestOpen = 400          // days
	farthest    = 12*366 + 100 // days
)

// Next says whether the window is open at t, and when that changes first after t. The
// zero time is never. A window that is not valid is never open.
func (w *Window) Next(t time.Time) (open bool, change time.Time) {
	if !w.From.IsZero() || !w.To.IsZero() {
		switch {
		case t.Before(w.From):
			return false, w.From.UTC()
		case t.Before(w.To):
			return true, w.To.UTC()
		}
		return false, time.Time{}
	}
	loc, err := w.location()
	if err != nil {
		return false, time.Time{}
	}
	var c calendar
	if w.Weekly != "" {
		c, err = parseWeekly(w.Weekly)
	} else {
		c, err = w.byCron()
	}
	if err != nil {
		return false, time.Time{}
	}
	return next(c, t, loc)
}

// next joins what overlaps or follows without a gap, and finds where t is.
func next(c calendar, t time.Time, loc *time.Location) (open bool, change time.Time) {
	today := dateOf(t.In(loc))
	var now interval
	for n := -c.days() - 1; n < farthest; n++ {
		if now.to.After(t) && today.add(n-1).at(0, loc, false).After(now.to) {
			break // no day from here on reaches back to its end
		}
		for _, i := range c.on(today.add(n), loc) {
			switch {
			case !i.to.After(i.from):
			case now.to.IsZero() || i.from.After(now.to):
				if now.to.After(t) {
					return true, now.to
				}
				if now = i; i.from.After(t) {
					return false, i.from
				}
			case i.to.After(now.to):
				now.to = i.to
			}
		}
		if n > longestOpen && now.to.After(t) {
			return true, time.Time{}
		}
	}
	if now.to.After(t) {
		return true, now.to
	}
	return false, time.Time{}
}

// weekly is a time of some days of the week.
type weekly struct {
	weekdays   uint8 // a bit for each, Sunday first
	from, till int   // minutes after midnight
}

func (w weekly) days() int { return 2 }

func (w weekly) on(d date, loc *time.Location) []interval {
	if w.weekdays&(1<<int(d.weekday())) == 0 {
		return nil
	}
	end := d
	if w.till <= w.from {
		end = d.add(1)
	}
	return []interval{{d.at(w.from, loc, false), end.at(w.till, loc, true)}}
}

// parseWeekly reads days and times: Sun 02:00-04:00, Mon-Fri 22:00-06:00, Mon,Wed 10:00-11:00.
func parseWeekly(text string) (weekly, error) {
	var w weekly
	words := strings.Fields(text)
	if len(words) != 2 {
		return w, fmt.Errorf("want days and times such as Sun 02:00-04:00 or Mon-Fri 22:00-06:00, got %q", Clip(text, MaxToken))
	}
	var p Problems
	for part := range strings.SplitSeq(words[0], ",") {
		a, b, isRange := strings.Cut(part, "-")
		if !isRange {
			b = a
		}
		first, ok1 := weekdayOf(a)
		last, ok2 := weekdayOf(b)
		if !ok1 || !ok2 {
			p.Addf("", "want days such as Sun, Mon-Fri or Mon,Wed, got %q", Clip(part, MaxToken))
			continue
		}
		for d := first; ; d = (d + 1) % 7 {
			w.weekdays |= 1 << d
			if d == last {
				break
			}
		}
	}
	a, b, _ := strings.Cut(words[1], "-")
	var ok1, ok2 bool
	w.from, ok1 = minuteOf(a)
	w.till, ok2 = minuteOf(b)
	if !ok1 || !ok2 || w.from == 24*60 {
		p.Addf("", "want times such as 22:00-06:00, got %q", Clip(words[1], MaxToken))
	}
	w.till %= 24 * 60 // 24:00 is 00:00 of the next day
	return w, p.Err()
}

func weekdayOf(text string) (int, bool) {
	text = strings.ToLower(text)
	i := slices.IndexFunc(cronDays, func(name string) bool {
		return text == name || text == strings.ToLower(time.Weekday(slices.Index(cronDays, name)).String())
	})
	return max(i, 0), i >= 0
}

// minuteOf reads 00:00 to 24:00.
func minuteOf(text string) (int, bool) {
	h, m, ok := strings.Cut(text, ":")
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	n := int(hour)*60 + int(minute)
	return n, ok && err1 == nil && err2 == nil && len(h) == 2 && len(m) == 2 && minute < 60 && n <= 24*60
}

// timed is what begins by cron and lasts a while.
type timed struct {
	cron   Cron
	times  []int // of a day, in minutes
	widest int   // gap between two of them, in minutes
	length time.Duration
}

func (w *Window) byCron() (timed, error) {
	c, err := ParseCron(w.Cron)
	t := timed{cron: c, times: c.times(), length: w.For.Std()}
	for i := 1; i < len(t.times); i++ {
		t.widest = max(t.widest, t.times[i]-t.times[i-1])
	}
	if err == nil && (w.For < MinWindow || w.For > MaxWindow) {
		err = fmt.Errorf("for: want %v to %v", MinWindow, MaxWindow)
	}
	return t, err
}

func (t timed) days() int { return int(t.length/(24*time.Hour)) + 2 }

func (t timed) on(d date, loc *time.Location) []interval {
	if !t.cron.on(d) {
		return nil
	}
	if n := len(t.times); time.Duration(t.widest)*time.Minute <= t.length && d.steady(loc) {
		return []interval{{d.at(t.times[0], loc, false), d.at(t.times[n-1], loc, false).Add(t.length)}}
	}
	out := make([]interval, 0, len(t.times))
	for _, m := range t.times {
		from := d.at(m, loc, false)
		out = append(out, interval{from, from.Add(t.length)})
	}
	slices.SortStableFunc(out, func(a, b interval) int { return a.from.Compare(b.from) })
	return out
}
