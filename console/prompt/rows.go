package prompt

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/flow"
)

// valueMost is how wide the values of a list may become; longer ones are cut.
const valueMost = 24

// listOf is the page of a question's list that is shown, in at most room lines.
func (m *model) listOf(q flow.Question, room int) []string {
	rows := rowsOf(q.Rows, m.width)
	m.pageAfter = 0
	from := min(m.page, max(0, len(rows)-1))
	if from == 0 && len(rows) <= room {
		return rows
	}
	if room < 1 {
		return nil
	}
	to := min(len(rows), from+max(1, room-1)) // a line says that there is more
	text := fmt.Sprintf("%d to %d of %d", from+1, to, len(rows))
	if to < len(rows) {
		m.pageAfter = to
		text += "; more shows the next"
	}
	return append(rows[from:to:to], m.o.Styles.Dim+cut("    "+text, m.width)+m.o.Styles.Reset)
}

// rowsOf lays rows out in columns, one line each.
func rowsOf(rows []flow.Row, width int) []string {
	names, values := 0, 0
	for _, r := range rows {
		names = max(names, ansi.StringWidth(r.Name))
		values = max(values, min(valueMost, ansi.StringWidth(r.Value)))
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		first := "    "
		if names > 0 {
			first += padded(console.Printable(r.Name), names) + "  "
		}
		if values > 0 {
			first += padded(cut(console.Printable(r.Value), valueMost), values) + "  "
		}
		text := cutWords(console.Printable(r.Text), width-ansi.StringWidth(first))
		lines[i] = cut(strings.TrimRight(first+text, " "), width)
	}
	return lines
}

// cutWords is the beginning of a text, up to a word's end.
func cutWords(text string, width int) string {
	if ansi.StringWidth(text) <= width {
		return text
	}
	head := ansi.Truncate(text, max(0, width-1), "") // … takes a column
	if !strings.HasPrefix(text[len(head):], " ") {
		head = head[:strings.LastIndex(head, " ")+1]
	}
	if head = strings.TrimRight(head, " ,;:("); head == "" {
		return ""
	}
	return head + "…"
}

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// hanging writes text behind first; the lines that it continues in are indented as far, or
// a little where first leaves no room.
func hanging(first, text string, width int) []string {
	in := ansi.StringWidth(first)
	if in+20 > width {
		in = min(4, in)
	}
	lines := strings.Split(ansi.Wrap(first+text, width, ""), "\n")
	if len(lines) == 1 {
		return []string{strings.TrimRight(lines[0], " ")}
	}
	if in < ansi.StringWidth(first) { // first has lines of its own
		return append([]string{cut(strings.TrimRight(first, " "), width)}, indented(text, in, width)...)
	}
	out := indented(text, in, width)
	out[0] = first + strings.TrimLeft(out[0], " ")
	return out
}

func indented(text string, in, width int) []string {
	lines := strings.Split(ansi.Wrap(text, width-in, ""), "\n")
	for i, l := range lines {
		lines[i] = strings.Repeat(" ", in) + strings.TrimRight(l, " ")
	}
	return lines
}

// columns lays candidates out, in at most so many lines.
func columns(list []string, width, most int) []string {
	wide := 0
	for _, s := range list {
		wide = max(wide, ansi.StringWidth(s)+2)
	}
	wide = min(wide, width)
	per := max(1, width/wide)
	var out []string
	for i := 0; i < len(list); i += per {
		if len(out) == most {
			left := len(list) - (most-1)*per
			return append(out[:most-1], cut(fmt.Sprintf("… and %d more: Tab lists all", left), width))
		}
		var b strings.Builder
		for _, s := range list[i:min(i+per, len(list))] {
			b.WriteString(padded(cut(s, wide), wide))
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}
