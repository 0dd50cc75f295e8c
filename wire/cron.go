package wire

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Cron says at which minutes something begins, by the five fields of cron: minute, hour,
// day of the month, month, day of the week. Where both days are restricted, one has to fit.
type Cron struct {
	minutes, hours, days, months, weekdays uint64 // a bit for each value
	anyDay, anyWeekday                     bool
}

// cronField is one of the five.
type cronField struct {
	name     string
	min, max int
	names    []string // for the values from min on
}

var cronMonths = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
var cronDays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// MaxCron is the longest text of a cron, in bytes.
const MaxCron = 200

// ParseCron reads five fields of numbers, names (jan, mon), lists (1,2), ranges (1-5) and
// steps (*/15, 8-18/2), and reports every mistake.
func ParseCron(text string) (Cron, error) {
	var c Cron
	if len(text) > MaxCron {
		return c, fmt.Errorf("is %d bytes long: want at most %d", len(text), MaxCron)
	}
	words := strings.Fields(text)
	if len(words) != 5 {
		return c, fmt.Errorf("want 5 fields: minute hour day month weekday, such as 0 2 * * sun, got %q", Clip(text, MaxToken))
	}
	var p Problems
	for i, f := range []cronField{{"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day", 1, 31, nil}, {"month", 1, 12, cronMonths}, {"weekday", 0, 7, cronDays}} {
		set, err := f.parse(words[i])
		p.Add("", err)
		switch i {
		case 0:
			c.minutes = set
		case 1:
			c.hours = set
		case 2:
			c.days, c.anyDay = set, words[i] == "*"
		case 3:
			c.months = set
		case 4:
			if set&(1<<7) != 0 { // 7 is Sunday, too
				set = set&^(1<<7) | 1
			}
			c.weekdays, c.anyWeekday = set, words[i] == "*"
		}
	}
	if err := p.Err(); err != nil {
		return Cron{}, err
	}
	if !c.comes() {
		return Cron{}, fmt.Errorf("never comes: no such month has that day: %q", Clip(text, MaxToken))
	}
	return c, nil
}

// parse reads one field into a bit for each value.
func (f cronField) parse(text string) (set uint64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, step := f.min, f.max, 1
		span, by, stepped := strings.Cut(part, "/")
		if stepped {
			if step, err = strconv.Atoi(by); err != nil || step < 1 || step > f.max {
				return 0, f.wrong(part)
			}
		}
		if span != "*" {
			a, b, isRange := strings.Cut(span, "-")
			if from, err = f.value(a); err != nil {
				return 0, f.wrong(part)
			}
			if to = from; isRange {
				if to, err = f.value(b); err != nil || to < from {
					return 0, f.wrong(part)
				}
			} else if stepped {
				return 0, f.wrong(part)
			}
		}
		for v := from; v <= to; v += step {
			set |= 1 << v
		}
	}
	return set, nil
}

func (f cronField) wrong(part string) error {
	return fmt.Errorf("%s: want %d to %d, *, a-b, a list or a step such as */5, got %q", f.name, f.min, f.max, Clip(part, MaxToken))
}

func (f cronField) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	if len(text) > 2 || strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("not a number")
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < f.min || n > f.max) {
		err = fmt.Errorf("out of range")
	}
	return n, err
}

// comes says whether there is such a day at all.
func (c Cron) comes() bool {
	if !c.anyWeekday || c.anyDay {
		return true
	}
	for m := 1; m <= 12; m++ {
		longest := time.Date(2024, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if c.months&(1<<m) != 0 && bits.TrailingZeros64(c.days) <= longest {
			return true
		}
	}
	return false
}

// on says whether something begins on that day.
func (c Cron) on(d date) bool {
	if c.months&(1<<int(d.month)) == 0 {
		return false
	}
	day, weekday := c.days&(1<<d.day) != 0, c.weekdays&(1<<int(d.weekday())) != 0
	switch {
	case c.anyDay:
		return weekday
	case c.anyWeekday:
		return day
	}
	return day || weekday
}

// times are the minutes of a day at which something begins.
func (c Cron) times() (out []int) {
	for h := range 24 {
		for m := range 60 {
			if c.hours&(1<<h) != 0 && c.minutes&(1<<m) != 0 {
				out = append(out, h*60+m)
			}
		}
	}
	return out
}
