package screen

import (
	"math/bits"
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
	standard = colTarget | colSince | colAgents | colLast | colP50 | colP95 | colLoss | colUptime | colCert | colWhy | colRuns
)

// allColumns are in the order in which they stand, with the least width of each.
var allColumns = [...]column{
	{'t', "TARGET", 14, true, func(r view.Row, _ time.Time) string { return console.Printable(r.Target) }},
	{'e', "EVERY", 5, false, func(r view.Row, _ time.Time) string { return span(r.Every) }},
	{'s', "SINCE", 6, false, func(r view.Row, now time.Time) string { return orNone(console.SinceText(r.Since, now)) }},
	{'a', "UP", 5, false, func(r view.Row, _ time.Time) string { return upOf(r.Up, r.Of) }},
	{'l', "LAST", 7, false, func(r view.Row, _ time.Time) string { return latency(r.Last) }},
	{'5', "P50", 7, false, func(r view.Row, _ time.Time) string { return latency(r.P50) }},
	{'9', "P95", 7, false, func(r view.Row, _ time.Time) string { return latency(r.P95) }},
	{'o', "LOSS", 5, false, func(r view.Row, _ time.Time) string { return percent(r.Loss) }},
	{'u', "UPTIME", 7, false, func(r view.Row, _ time.Time) string { return uptime(r.Uptime) }},
	{'c', "CERT", 4, false, func(r view.Row, _ time.Time) string { return days(r.CertDays) }},
	{'w', "WHY", 16, true, func(r view.Row, _ time.Time) string { return whyOf(r) }},
	{'r', "RUNS", leastRuns, true, nil}, // takes the width that is left
}

// first are the columns in the order in which they get room on a screen that has not
// enough for all: the names before all of them, and what is left is the strip's of runs.
var first = [...]columns{colSince, colAgents, colRuns, colWhy, colLast, colP95, colUptime, colP50, colTarget, colLoss, colCert, colEvery}

const (
	stateWidth = 10 // sign, space, the longest word
	leastName  = 8
	leastRuns  = 6
	goodRuns   = 20 // places that RUNS gets before long reasons and targets do
	besideName = 2 + 1 + stateWidth
)

// whyOf is why a monitor is in its state, and whether its incident is muted.
func whyOf(r view.Row) string {
	if r.Problem != "" {
		return "cannot be read: " + console.Printable(r.Problem)
	}
	return console.MutedText(console.WhyListed(r.Why, r.Verdict), r.Muted)
}

// shown are the columns for which there is room. Reasons and targets, which are wide, may
// be left out for figures; a figure is not left out for one that matters less.
func (c columns) shown(room int) (list []int) {
	var shown columns
	for _, col := range first {
		i := bits.TrailingZeros16(uint16(col))
		if c&col == 0 {
			continue
		}
		if 1+allColumns[i].width <= room {
			room -= 1 + allColumns[i].width
			shown |= col
		} else if col != colWhy && col != colTarget {
			break
		}
	}
	for i := range allColumns {
		if shown&(1<<i) != 0 {
			list = append(list, i)
		}
	}
	return list
}

// nameWidth is wide enough for the names in sight, as far as there is room.
func nameWidth(rows []view.Row, room int) int {
	longest := leastName
	for _, r := range rows {
		longest = max(longest, len(r.Name))
	}
	return max(leastName, min(longest, room))
}

// layout says how wide each part of a table of monitors is.
type layout struct {
	name   int
	state  int // as much of sign and word as a long name leaves
	shown  []int
	widths [len(allColumns)]int
}

// layOut shares the width: first all names, then the figures, then reasons and targets,
// and the strip of runs gets what is left.
func layOut(rows []view.Row, cols columns, w int, now time.Time) layout {
	l := layout{name: nameWidth(rows, w-4)}
	l.state = min(stateWidth, w-3-l.name)
	left := w - besideName - l.name
	why, target := longest(colWhy, rows, now), longest(colTarget, rows, now)
	if why == 0 {
		cols &^= colWhy
	}
	l.shown = cols.shown(left)
	for _, i := range l.shown {
		l.widths[i] = allColumns[i].width
		left -= 1 + l.widths[i]
	}
	grow := func(col columns, most int) {
		i := bits.TrailingZeros16(uint16(col))
		if slices.Contains(l.shown, i) {
			more := max(0, min(left, most-l.widths[i]))
			l.widths[i] += more
			left -= more
		}
	}
	grow(colWhy, min(why, 36))
	grow(colTarget, min(target, 24))
	grow(colRuns, goodRuns)
	grow(colWhy, why)
	grow(colTarget, target)
	grow(colRuns, w)
	return l
}

// longest is the width that the texts of a column want.
func longest(col columns, rows []view.Row, now time.Time) (n int) {
	c := allColumns[bits.TrailingZeros16(uint16(col))]
	for _, r := range rows {
		n = max(n, ansi.StringWidth(c.text(r, now)))
	}
	return n
}

// monitorTable is a heading and a row for each monitor.
func monitorTable(p *page, rows []view.Row, cursor string, cols columns, w int, now time.Time, st Styles) {
	l := layOut(rows, cols, w, now)
	head := "  " + fit("MONITOR", l.name) + " " + fit("STATE", l.state)
	for _, i := range l.shown {
		c := allColumns[i]
		if c.left {
			head += " " + fit(c.title, l.widths[i])
		} else {
			head += " " + right(c.title, l.widths[i])
		}
	}
	p.add(st.in(st.Dim, strings.TrimRight(head, " ")))
	for _, r := range rows {
		p.addRow(r.Name, monitorLine(r, r.Name == cursor, l, now, st))
	}
}

func monitorLine(r view.Row, chosen bool, l layout, now time.Time, st Styles) string {
	var b strings.Builder
	b.WriteString(pointer(chosen))
	if chosen {
		b.WriteString(st.in(st.Chosen, fit(r.Name, l.name)))
	} else {
		b.WriteString(fit(r.Name, l.name))
	}
	b.WriteString(" " + st.in(st.state(r.State), fit(r.State.Mark()+" "+r.State.String(), l.state)))
	for _, i := range l.shown {
		c, width := allColumns[i], l.widths[i]
		b.WriteByte(' ')
		switch {
		case c.text == nil:
			b.WriteString(st.strip(r.Strip[max(0, len(r.Strip)-width):]))
		case c.left:
			b.WriteString(st.in(st.Dim, fit(c.text(r, now), width)))
		default:
			b.WriteString(right(c.text(r, now), width))
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
