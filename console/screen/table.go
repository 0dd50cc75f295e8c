package screen

import (
	"strings"

	"netmon/console"
	"netmon/console/view"
)

// column is one figure of a table of monitors.
type column struct {
	key   byte // toggles it
	title string
	width int
	left  bool
	text  func(view.Row) string
}

// columns says which are shown, a bit for each of allColumns.
type columns uint16

const (
	colTarget columns = 1 << iota
	colEvery
	colAgents
	colLast
	colP50
	colP95
	colLoss
	colUptime
	colCert
	colRuns
	standard = colAgents | colLast | colP50 | colP95 | colLoss | colUptime | colCert | colRuns
)

// allColumns are in the order in which they stand; those with a higher number
// in keep give way first when the screen is narrow.
var allColumns = [...]column{
	{'t', "TARGET", 24, true, func(r view.Row) string { return console.Printable(r.Target) }},
	{'e', "EVERY", 5, false, func(r view.Row) string { return span(r.Every) }},
	{'a', "UP", 5, false, func(r view.Row) string { return upOf(r.Up, r.Of) }},
	{'l', "LAST", 7, false, func(r view.Row) string { return latency(r.Last) }},
	{'5', "P50", 7, false, func(r view.Row) string { return latency(r.P50) }},
	{'9', "P95", 7, false, func(r view.Row) string { return latency(r.P95) }},
	{'o', "LOSS", 5, false, func(r view.Row) string { return percent(r.Loss) }},
	{'u', "UP/100", 6, false, func(r view.Row) string { return percent(r.Uptime) }},
	{'c', "CERT", 4, false, func(r view.Row) string { return days(r.CertDays) }},
	{'r', "RUNS", 6, true, nil}, // takes the width that is left
}

// giveWay is the order in which columns leave a screen that is too narrow.
var giveWay = []columns{colTarget, colEvery, colCert, colLoss, colP50, colRuns, colLast, colUptime, colP95, colAgents}

const (
	stateWidth = 10 // sign, space, the longest word
	leastName  = 8
)

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
func monitorTable(rows []view.Row, cursor string, cols columns, w int, st Styles) []string {
	shown, name := cols.shown(rows, w)
	left := w - (2 + name + 1 + stateWidth)
	for _, i := range shown {
		left -= 1 + allColumns[i].width
	}
	head := "  " + fit("MONITOR", name) + " " + fit("STATE", stateWidth)
	for _, i := range shown {
		c := allColumns[i]
		switch {
		case c.text == nil:
			head += " " + fit(c.title, c.width+max(0, left))
		case c.left:
			head += " " + fit(c.title, c.width)
		default:
			head += " " + right(c.title, c.width)
		}
	}
	out := []string{st.in(st.Dim, strings.TrimRight(head, " "))}
	for _, r := range rows {
		out = append(out, monitorLine(r, r.Name == cursor, name, shown, max(0, left), st))
	}
	return out
}

func monitorLine(r view.Row, chosen bool, name int, shown []int, left int, st Styles) string {
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
		case c.left:
			b.WriteString(st.in(st.Dim, fit(c.text(r), c.width)))
		default:
			b.WriteString(right(c.text(r), c.width))
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
