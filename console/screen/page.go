package screen

import (
	"github.com/charmbracelet/x/ansi"

	"netmon/internal/plural"
)

// page is what stands between the headings and the footer. Of a line that stands for
// something (a monitor, an agent, an incident), ids has the name: a click chooses it.
type page struct {
	lines []string
	ids   map[int]string
}

// text is a page on which nothing can be chosen.
func text(lines ...string) page { return page{lines: lines} }

func (p *page) add(lines ...string) { p.lines = append(p.lines, lines...) }

// addRow adds a line that stands for id.
func (p *page) addRow(id, line string) {
	if p.ids == nil {
		p.ids = map[int]string{}
	}
	p.ids[len(p.lines)] = id
	p.add(line)
}

// fill adds empty lines up to n.
func (p *page) fill(n int) {
	for len(p.lines) < n {
		p.add("")
	}
}

// around is the first of rows lines, of n, with the chosen one in the middle.
func around(chosen, n, rows int) (first, end int) {
	first = max(0, min(chosen-rows/2, n-rows))
	return first, min(n, first+rows)
}

// scrolled shows h of the lines from first on, and says how many are below.
func scrolled(lines []string, first, h int, st Styles) []string {
	first = max(0, min(first, len(lines)-h))
	if first+h >= len(lines) {
		return lines[first:]
	}
	return append(lines[first:first+h-1:first+h-1], st.in(st.Dim, "↓ "+plural.Count(len(lines)-first-h+1, "more line", "more lines")))
}

// indented wraps text to w behind an indent; what continues stands deeper.
func indented(text string, indent, w int) []string {
	pad := func(n int) string { return "                "[:n] }
	if ansi.StringWidth(text)+indent <= w {
		return []string{pad(indent) + text}
	}
	var out []string
	for i, part := range wrap(text, max(20, w-indent-2)) {
		if i > 0 {
			part = "  " + part
		}
		out = append(out, pad(indent)+part)
	}
	return out
}
