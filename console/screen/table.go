package screen

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
)

// column is one figure of a table of monitors.
type column struct {
	key   byte // toggles it
	title string
	width int
	left  bool
	text  func(view.Row, time.Time) string
}

// columns says which are shown, a bit for each of allColumns.
type columns uint16

const (
	colTarget columns = 1 << iota
	colEvery
	colSince
	colAgents
	colLast
	colP50
	colP95
	colLoss
	colUptime
	colCert
	colWhy
	colRuns
	standard = colSince | colAgents | colLast | colP50 | colP95 | colLoss | colUptime | colCert | colWhy | colRuns
)

// allColumns are in the order in which they stand; those with a higher number
// in keep give way first when the screen is narrow.
var allColumns = [...]column{
	{'t', "TARGET", 24, true, func(r view.Row, _ time.Time) string { return console.Printable(r.Target) }},
	{'e', "EVERY", 5, false, func(r view.Row, _ time.Time) string { return span(r.Every) }},
	{'s', "SINCE", 6, false, func(r view.Row, now time.Time) string { return orNone(console.SinceText(r.Since, now)) }},
	{'a', "UP", 5, false, func(r view.Row, _ time.Time) string { return upOf(r.Up, r.Of) }},
	{'l', "LAST", 7, false, func(r view.Row, _ time.Time) string { return latency(r.Last) }},
	{'5', "P50", 7, false, func(r view.Row, _ time.Time) string { return latency(r.P50) }},
	{'9', "P95", 7, false, func(r view.Row, _ time.Time) string { return latency(r.P95) }},
	{'o', "LOSS", 5, false, func(r view.Row, _ time.Time) string { return percent(r.Loss) }},
	{'u', "UP/100", 6, false, func(r view.Row, _ time.Time) string { return percent(r.Uptime) }},
	{'c', "CERT", 4, false, func(r view.Row, _ time.Time) string { return days(r.CertDays) }},
	{'w', "WHY", 36, true, func(r view.Row, _ time.Time) string { return whyOf(r) }},
	{'r', "RUNS", 6, true, nil}, // takes the width that is left
}

// giveWay is the order in which columns leave a screen that is too narrow.
var giveWay = []columns{colWhy, colTarget, colEvery, colCert, colLoss, colP50, colRuns, colLast, colUptime, colP95, colSince, colAgents}

const (
	stateWidth = 10 // sign, space, the longest word
	leastName  = 8
)

const (
	whyPlace  = 10 // of WHY among allColumns
	leastRuns = 20 // further places that RUNS keeps where the reasons are long
)

// whyOf is why a monitor is in its state, and whether somebody is told of that.
func whyOf(r view.Row) string {
	return console.MutedText(console.WhyListed(r.Why, r.Verdict), r.Muted)
}

// whyWidth is wide enough for the reasons of all rows.
func whyWidth(rows []view.Row) int {
	longest := len("WHY")
	for _, r := range rows {
		longest = max(longest, ansi.StringWidth(whyOf(r)))
	}
	return longest
}

// width is how wide the columns are at least.
func (c columns) width() int {
	n := 0
	for i, col := range allColumns {
		if c&(1<<i) != 0 {
			n += 1 + col.width
		}
	}
	return n
}

// shown are the columns that fit, and how wide the name is: names give way
// first, down to 12.
func (c columns) shown(rows []view.Row, w int) (list []int, name int) {
	const beside = 2 + 1 + stateWidth
	name = nameWidth(rows, w)
	if room := w - beside - c.width(); room < name {
		name = min(name, max(12, room))
	}
	for _, drop := range giveWay {
		if beside+name+c.width() <= w {
			break
		}
		c &^= drop
	}
	for i := range allColumns {
		if c&(1<<i) != 0 {
			list = append(list, i)
		}
	}
	return list, name
}

// nameWidth is wide enough for the names in sight, within reason.
func nameWidth(rows []view.Row, w int) int {
	longest := leastName
	for _, r := range rows {
		longest = max(longest, len(r.Name))
	}
	return min(longest, max(12, w/5))
}

// monitorTable is a heading and a line for each row.
func monitorTable(rows []view.Row, cursor string, cols columns, w int, now time.Time, st Styles) []string {
	shown, name := cols.shown(rows, w)
	left := w - (2 + name + 1 + stateWidth)
	for _, i := range shown {
		left -= 1 + allColumns[i].width
	}
	why := 0 // what the reasons take more, or less, than their column has
	if slices.Contains(shown, whyPlace) {
		why = min(whyWidth(rows)-allColumns[whyPlace].width, max(0, left-leastRuns))
	}
	left -= why
	head := "  " + fit("MONITOR", name) + " " + fit("STATE", stateWidth)
	for _, i := range shown {
		c := allColumns[i]
		switch {
		case c.text == nil:
			head += " " + fit(c.title, c.width+max(0, left))
		case i == whyPlace:
			head += " " + fit(c.title, c.width+why)
		case c.left:
			head += " " + fit(c.title, c.width)
		default:
			head += " " + right(c.title, c.width)
		}
	}
	out := []string{st.in(st.Dim, strings.TrimRight(head, " "))}
	for _, r := range rows {
		out = append(out, monitorLine(r, r.Name == cursor, name, shown, max(0, left), why, now, st))
	}
	return out
}

func monitorLine(r view.Row, chosen bool, name int, shown []int, left, why int, now time.Time, st Styles) string {
	var b strings.Builder
	b.WriteString(pointer(chosen))
	if chosen {
		b.WriteString(st.in(st.Chosen, fit(r.Name, name)))
	} else {
		b.WriteString(fit(r.Name, name))
	}
	b.WriteString(" " + st.in(st.state(r.State), fit(r.State.Mark()+" "+r.State.String(), stateWidth)))
	for _, i := range shown {
		c := allColumns[i]
		b.WriteByte(' ')
		switch {
		case c.text == nil && r.Problem != "":
			b.WriteString(st.in(st.Warn, fit("cannot be read: "+console.Printable(r.Problem), c.width+left)))
		case c.text == nil:
			strip := r.Strip[max(0, len(r.Strip)-c.width-left):]
			b.WriteString(st.strip(strip))
		case i == whyPlace:
			b.WriteString(st.in(st.Dim, fit(c.text(r, now), c.width+why)))
		case c.left:
			b.WriteString(st.in(st.Dim, fit(c.text(r, now), c.width)))
		default:
			b.WriteString(right(c.text(r, now), c.width))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func pointer(chosen bool) string {
	if chosen {
		return "▸ "
	}
	return "  "
}
