package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
)

// body is how many lines of a screen are left for a view.
func body(h int) int { return max(1, h-4) }

// The smallest screen that is drawn.
const (
	leastWidth  = 40
	leastHeight = 8
)

// Render draws the screen: h lines, none of them wider than w.
func Render(s view.Snapshot, u UI, w, h int, st Styles) string {
	if w < leastWidth || h < leastHeight {
		return fit(fmt.Sprintf("%d×%d is too small: want %d×%d", w, h, leastWidth, leastHeight), max(1, w))
	}
	lines := []string{header(s, u, w, st), tabLine(s, u, w, st)}
	var mid []string
	switch {
	case u.Help:
		mid = helpLines(st)
	case u.Tab == Monitors:
		mid = monitorsView(s, u, w, st)
	case u.Tab == Matrix:
		mid = matrixView(s, u, w, st)
	case u.Tab == Agents:
		mid = agentsView(s, u, w, body(h), st)
	case u.Tab == Detail:
		mid = detailView(s, u, w, body(h), st)
	case u.Tab == Log:
		mid = logView(s, st)
	case u.Story:
		mid = incidentStory(s, u, w, body(h), st)
	case u.Tab == Incidents:
		mid = incidentRows(s, u, w, body(h), st)
	}
	status := statusLines(s, u, w, st)
	for i := range body(h) + 1 - len(status) {
		if i < len(mid) {
			lines = append(lines, mid[i])
		} else {
			lines = append(lines, "")
		}
	}
	lines = append(append(lines, status...), st.in(st.Dim, fit(keyLine(u), w)))
	for i, l := range lines {
		lines[i] = strings.TrimRight(fit(l, w), " ")
	}
	return strings.Join(lines, "\n")
}

func header(s view.Snapshot, u UI, w int, st Styles) string {
	broker := st.in(st.Good, "● ") + strings.TrimRight(fit(console.Printable(u.Broker), max(12, w/3)), " ")
	if !u.Link.Lost.IsZero() {
		broker = st.in(st.Bad, fmt.Sprintf("✕ broker lost %s, reconnecting", ago(u.Link.Lost, s.At)))
	}
	counts := fmt.Sprintf("  %d monitors:", s.Totals.All)
	if s.Totals.All == 1 {
		counts = "  1 monitor:"
	}
	if !u.Link.Lost.IsZero() {
		counts = " " // what was lost is said instead
	}
	for _, state := range judge.States {
		if n := s.Totals.Monitors[state]; n > 0 {
			counts += " " + st.in(st.state(state), fmt.Sprintf("%s %d", state.Mark(), n))
		}
	}
	end := fmt.Sprintf(" agents %d/%d  %s", s.Totals.Online, s.Totals.Agents, s.At.Format("15:04:05"))
	return sides(st.in(st.Head, "netmon")+" "+broker+counts, end, w)
}

func tabLine(s view.Snapshot, u UI, w int, st Styles) string {
	var b strings.Builder
	for t := range Tab(tabs) {
		label := fmt.Sprintf("%d %s", t+1, t)
		if t == Incidents {
			label = "i " + t.String()
			if n := s.Incidents.Open; n > 0 {
				label += fmt.Sprintf(" %d", n)
			}
		}
		if t == u.Tab {
			b.WriteString(st.in(st.Chosen, "["+label+"]"))
		} else {
			b.WriteString(" " + label + " ")
		}
	}
	var notes []string
	if u.Frozen {
		notes = append(notes, "FROZEN "+s.At.Format("15:04:05"))
	}
	if f := u.Filter; f != "" && u.Tab != Detail && u.Tab != Agents && u.Tab != Incidents {
		notes = append(notes, fmt.Sprintf("/%s", console.Printable(f)))
	}
	if u.Tab == Monitors || u.Tab == Matrix {
		notes = append(notes, "by "+u.Sort.String())
		if s.Matching > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d", s.Place+1, s.Matching))
		}
	}
	if u.Tab == Log {
		notes = append(notes, fmt.Sprintf("%.0f results/s", s.Totals.Rate))
	}
	if end := strings.Join(notes, " · "); len(notes) > 1 && ansi.StringWidth(b.String())+ansi.StringWidth(end) > w {
		notes = slices.DeleteFunc(notes, func(n string) bool { return n == "by "+u.Sort.String() })
	}
	return sides(b.String(), strings.Join(notes, " · "), w)
}

// statusLines is what is typed or asked, else the last message, which may take
// a few lines of the view above.
func statusLines(s view.Snapshot, u UI, w int, st Styles) []string {
	switch u.Mode {
	case typing:
		return []string{fmt.Sprintf("/%s█ %d of %d monitors", console.Printable(u.Typed), s.Matching, s.Totals.All)}
	case choosing:
		return []string{columnChoice(u.Columns, s.Monitors, w)}
	case answering:
		return wrap(u.Asked.asks()+console.Printable(u.Typed)+"█", w)
	case asking:
		return []string{st.in(st.Warn, u.Asked.question()+" (y/n)")}
	}
	lines := wrap(console.Printable(u.Message), w)
	if len(lines) > 3 {
		lines = append(lines[:2], lines[2]+"…")
	}
	if u.Bad {
		for i := range lines {
			lines[i] = st.in(st.Warn, lines[i])
		}
	}
	return lines
}

// columnChoice tells which columns are chosen, and which of them have no room.
func columnChoice(c columns, rows []view.Row, w int) string {
	shown, _ := c.shown(rows, w)
	var parts []string
	for i, col := range allColumns {
		sign := "○"
		switch {
		case slices.Contains(shown, i):
			sign = "●"
		case c&(1<<i) != 0:
			sign = "!"
		}
		parts = append(parts, fmt.Sprintf("%c%s%s", col.key, sign, strings.ToLower(col.title)))
	}
	return strings.Join(parts, " ")
}

func monitorsView(s view.Snapshot, u UI, w int, st Styles) []string {
	if len(s.Monitors) == 0 {
		return empty(s, u)
	}
	return append(noticeLines(s, st), monitorTable(s.Monitors, s.Cursor, u.Columns, w, s.At, st)...)
}

// noticeMost is how many notices stand above a table.
const noticeMost = 4

// noticeLines say what belongs to the states below: who is judged without, and by whom.
func noticeLines(s view.Snapshot, st Styles) []string {
	list := console.Notices(s)
	if len(list) > noticeMost {
		list = append(list[:noticeMost-1:noticeMost-1], fmt.Sprintf("and %d more: view 3 shows the agents", len(list)-noticeMost+1))
	}
	for i := range list {
		list[i] = st.in(st.Warn, "! "+list[i])
	}
	return list
}

// empty says why there is no row, and what to do about it.
func empty(s view.Snapshot, u UI) []string {
	switch {
	case s.Totals.All == 0 && s.Totals.Agents == 0:
		return []string{"", "  No monitor is saved, and no agent has joined.", "", "  netmon agent --broker URL --id NAME", "  netmon add tcp 127.0.0.1:4222 --name broker"}
	case s.Totals.All == 0:
		return []string{"", "  No monitor is saved. A first one, from another terminal:", "", "  netmon add tcp 127.0.0.1:4222 --name broker --every 5s"}
	case len(u.Names) > 0 && u.Filter == "" && u.Typed == "":
		return []string{"", "  No monitor is named " + console.Printable(strings.Join(u.Names, " or ")) + "."}
	}
	return []string{"", "  Nothing matches the filter. esc ends it."}
}

func logView(s view.Snapshot, st Styles) []string {
	if len(s.Log) == 0 {
		return []string{"", "  No result yet."}
	}
	line := console.Line{Styles: st.Line}
	for _, r := range s.Log {
		line.Format(r) // so that all have the same columns
	}
	var out []string
	for _, r := range s.Log {
		out = append(out, line.Format(r))
	}
	return out
}
