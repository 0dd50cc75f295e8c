package screen

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// none stands where nothing was measured.
const none = "-"

func latency(f view.Figure) string {
	if !f.OK {
		return none
	}
	return console.Short(f.Duration())
}

// percent writes a share. It never says all or nothing of less than that.
func percent(f view.Figure) string {
	if !f.OK {
		return none
	}
	switch v := f.V * 100; {
	case v == 0 || v == 100:
		return strconv.Itoa(int(v)) + "%"
	case v < 0.1:
		return "<0.1%"
	case v > 99:
		return strconv.FormatFloat(math.Floor(v*100)/100, 'f', 2, 64) + "%"
	default:
		return strconv.FormatFloat(v, 'f', 1, 64) + "%"
	}
}

// uptime writes the part of a day as netmon uptime does.
func uptime(f view.Figure) string {
	if !f.OK {
		return none
	}
	return console.PercentText(&f.V)
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func days(f view.Figure) string {
	if !f.OK {
		return none
	}
	return fmt.Sprintf("%.0fd", f.V)
}

func span(d time.Duration) string { return wire.Duration(d).String() }

// ago writes how long since t, in one unit.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return none
	}
	switch d := now.Sub(t); {
	case d < time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	default:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
}

// upOf says on how many agents a monitor is up.
func upOf(up, of int) string {
	if of == 0 {
		return none
	}
	return fmt.Sprintf("%d/%d", up, of)
}
