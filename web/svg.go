package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"netmon/console/view"
	"netmon/judge"
)

// The strip of a day: so many places of this width, in a box of this height.
const (
	placeWide  = 4
	stripHigh  = 18
	stripWide  = view.DayPlaces * placeWide
	sparkWide  = 120
	sparkHigh  = 24
	sparkInner = sparkHigh - 6
)

// dayView is the last 24 h of a monitor, with how it is now. It is comparable.
type dayView struct {
	day *view.Day
	now judge.State
}

// HTML draws it as a strip: worse is taller, and what is not known is a low
// dash. Neighbours that are alike are one path, which the style sheet cuts into bars.
func (d dayView) HTML() template.HTML {
	var day view.Day
	if d.day != nil {
		day = *d.day
	} else {
		for i := range day {
			day[i] = judge.Unknown
		}
	}
	now := day[len(day)-1] // of the present half hour
	if d.now == judge.Up && now == judge.Unknown || d.now < now && d.now != judge.Unknown {
		now = d.now
	}
	at := func(i int) judge.State {
		if i == len(day)-1 {
			return now
		}
		return day[i]
	}
	var paths [len(judge.States)]strings.Builder
	var counts judge.Counts
	for i := 0; i < len(day); {
		n := 1
		for i+n < len(day) && at(i+n) == at(i) {
			n++
		}
		fmt.Fprintf(&paths[at(i)], "M%d 0h%d", i*placeWide, n*placeWide-1)
		counts[at(i)] += n
		i += n
	}
	var b strings.Builder
	var words []string
	for _, st := range judge.States {
		if counts[st] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[st], st))
		}
	}
	fmt.Fprintf(&b, `<svg class="strip" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="24 hours, %d half hours: %s">`, stripWide, stripHigh, len(day), strings.Join(words, ", "))
	for _, st := range judge.States {
		if paths[st].Len() > 0 {
			fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, stateOf(st).Class, paths[st].String())
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // #nosec G203 -- numbers and words of ours
}

// sparkline is a line through the latencies of the newest runs, from nothing to the highest.
// A run without one is a hole in it.
func sparkline(runs []view.Figure) string {
	var most float64
	n := 0
	for _, f := range runs {
		if f.OK {
			most = max(most, f.V)
			n++
		}
	}
	if n < 2 || most <= 0 {
		return ""
	}
	var b []byte
	lastX, lastY, drawn := 0, 0, false
	for i, f := range runs {
		if !f.OK {
			drawn = false
			continue
		}
		x, y := i*sparkWide/(len(runs)-1), 3+int(math.Round(sparkInner*(1-f.V/most)))
		if drawn { // relative, which is shorter
			b = fmt.Appendf(b, "l%d %d", x-lastX, y-lastY)
		} else {
			b = fmt.Appendf(b, "M%d %d", x, y)
		}
		lastX, lastY, drawn = x, y, true
	}
	return string(b)
}
