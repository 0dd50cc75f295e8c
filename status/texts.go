package status

import (
	"fmt"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/plural"
)

// momentText is a time for people, in UTC, with the day and the year where they are not
// those of now.
func momentText(t, now time.Time) string {
	switch t, now = t.UTC(), now.UTC(); {
	case t.IsZero():
		return ""
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04 UTC")
	case t.Year() == now.Year():
		return t.Format("2 January, 15:04 UTC")
	}
	return t.Format("2 January 2006, 15:04 UTC")
}

// dayText is a day for people.
func dayText(t, now time.Time) string {
	if t.Year() == now.UTC().Year() {
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

// lengthText is how long something took, for people.
func lengthText(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second)/time.Second)))
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 48*60:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", minutes/60, minutes%60), " 0 min")
	}
	return strings.TrimSuffix(plural.Count(minutes/(24*60), "day", "days")+fmt.Sprintf(" %d h", minutes/60%24), " 0 h")
}

// uptimeText is a part in percent, "" where it is not known.
func uptimeText(part *float64) string {
	if part == nil {
		return ""
	}
	return strings.TrimSuffix(console.PercentText(part), "%") + " %"
}

// dayWords is what happened on a day, beside its state.
func dayWords(d *Day) string {
	var list []string
	for _, x := range []struct {
		is   State
		long time.Duration
	}{{Down, d.Down}, {Disturbed, d.Disturbed}, {Maintenance, d.Planned}} {
		switch {
		case x.long <= 0:
		case x.is == d.State:
			list = append(list, "for "+lengthText(x.long))
		default:
			list = append(list, x.is.Said()+" for "+lengthText(x.long))
		}
	}
	if d.Unknown >= time.Minute && (d.State != Unknown || d.Uptime != nil) {
		list = append(list, "not known for "+lengthText(d.Unknown))
	}
	return strings.Join(list, ", ")
}

// dayWord is the state of a day.
func dayWord(d *Day) string {
	switch {
	case d.State == Unknown && d.Uptime != nil:
		return "Too little is known"
	case d.State == Unknown:
		return "No data"
	case d.State == Slow || d.State == Partly:
		return Disturbed.Word()
	}
	return d.State.Word()
}

// dayUptime is that of a day of which enough is known.
func dayUptime(d *Day) string {
	if d.State == Unknown {
		return ""
	}
	return uptimeText(d.Uptime)
}
