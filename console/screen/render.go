package screen

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
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
		return fit(fmt.Sprintf("%d×%d is too small: at least %d×%d is needed", w, h, leastWidth, leastHeight), max(1, w))
	}
	tabs, _ := tabLine(s, u, w, st)
	lines := []string{header(s, u, w, st), tabs}
	mid, status := pageOf(s, u, w, h, st).lines, statusLines(s, u, w, st)
	for i := range body(h) + 1 - len(status) {
		if i < len(mid) {
			lines = append(lines, mid[i])
		} else {
			lines = append(lines, "")
		}
	}
	lines = append(append(lines, status...), st.in(st.Dim, footer(s, u, w)))
	for i, l := range lines {
		lines[i] = strings.TrimRight(fit(l, w), " ")
	}
	return st.signs(strings.Join(lines, "\n"))
}

// pageOf is the view that is chosen, or what covers it.
func pageOf(s view.Snapshot, u UI, w, h int, st Styles) page {
	switch {
	case u.Help:
		return text(scrolled(helpLines(w, u.Past != nil, st), u.Scroll, body(h), st)...)
	case u.Output != nil:
		return text(scrolled(wrapped(u.Output, w), u.Scroll, body(h), st)...)
	case u.Tab == Monitors:
		return monitorsView(s, u, w, h, st)
	case u.Tab == Matrix:
		return matrixView(s, u, w, h, st)
	case u.Tab == Agents:
		return agentsView(s, u, w, body(h), st)
	case u.Tab == Detail:
		return detailView(s, u, w, body(h), st)
	case u.Tab == Log:
		return logView(s, u, st)
	case u.Story:
		return incidentStory(s, u, w, body(h), st)
	}
	return incidentRows(s, u, w, body(h), st)
}

// header is how the mesh is as a whole. Where it is narrow the broker's address gives way.
func header(s view.Snapshot, u UI, w int, st Styles) string {
	states := ""
	for _, state := range judge.States {
		if n := s.Totals.Monitors[state]; n > 0 {
			states += " " + st.in(st.state(state), fmt.Sprintf("%s %d", state.Mark(), n))
		}
	}
	if u.Past != nil {
		return pastHeader(s, u, states, w, st)
	}
	counts := "  " + plural.Count(s.Totals.All, "monitor", "monitors") + ":" + states
	switch {
	case u.Loading && s.Totals.All == 0:
		counts = "  reading"
	case s.Totals.All == 0:
		counts = "  no monitor"
	}
	end := fmt.Sprintf("  agents %d/%d  %s", s.Totals.Online, s.Totals.Agents, s.At.Format("15:04:05 MST")) // the zone of all times on the screen
	head := st.in(st.Head, "netmon") + " "
	if !u.Link.Lost.IsZero() {
		return sides(head+st.in(st.Bad, "✕ broker lost "+ago(u.Link.Lost, s.At)+", reconnecting")+" "+states, end, w)
	}
	sign := st.in(st.Good, "●")
	head += sign
	_, host, _ := strings.Cut(u.Broker, "://")
	for _, broker := range [...]string{u.Broker, host} {
		line := head + " " + console.Printable(broker) + counts
		if broker != "" && ansi.StringWidth(line)+ansi.StringWidth(end) <= w {
			return sides(line, end, w)
		}
	}
	if line := head + counts[1:]; ansi.StringWidth(line)+ansi.StringWidth(end) <= w {
		return sides(line, end, w)
	}
	return sides(sign+counts[1:], end, w)
}

// tabLine names the views, and says what is left out and in which order. ends are where
// the label of each view ends.
func tabLine(s view.Snapshot, u UI, w int, st Styles) (line string, ends [tabs]int) {
	var b strings.Builder
	at := 0
	for t := range Tab(tabs) {
		label := fmt.Sprintf("%d %s", t+1, t)
		if t == Incidents {
			label = "i " + t.String()
			if n := s.Incidents.Open; n > 0 {
				label += fmt.Sprintf(" %d", n)
			}
		}
		if w < wideTabs && t != u.Tab { // the number is the key
			label, _, _ = strings.Cut(label, " ")
		}
		if t == u.Tab {
			b.WriteString(st.in(st.Chosen, "["+label+"]"))
		} else {
			b.WriteString(" " + label + " ")
		}
		at += len(label) + 2
		ends[t] = at
	}
	var notes []string
	if u.Past != nil && u.Past.Note != "" && w >= at+ansi.StringWidth(u.Past.Note)+widestNotes {
		notes = append(notes, u.Past.Note)
	}
	if u.Frozen {
		notes = append(notes, "FROZEN "+s.At.Format("15:04:05"))
	}
	if f := u.Filter; f != "" && u.Tab != Detail && u.Tab != Agents && u.Tab != Incidents {
		notes = append(notes, fmt.Sprintf("/%s", console.Printable(f)))
	}
	if u.Tab == Monitors || u.Tab == Matrix {
		if u.Tab == Monitors && s.Uptimes.At.IsZero() && s.Uptimes.Why != "" && slices.Contains(layOut(s.Monitors, u.Columns, w, s.At).shown, bits.TrailingZeros16(uint16(colUptime))) {
			notes = append(notes, "no history")
		}
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
	return sides(b.String(), strings.Join(notes, " · "), w), ends
}

// widestNotes is room for what stands at the right of the tabs.
const widestNotes = 32

// wideTabs is from which width on all views are named.
const wideTabs = 66

// statusLines is what is typed or asked, else the last message, which may take
// a few lines of the view above.
func statusLines(s view.Snapshot, u UI, w int, st Styles) []string {
	switch u.Mode {
	case typing:
		return []string{fmt.Sprintf("/%s█ %d of %d monitors", console.Printable(u.Typed), s.Matching, s.Totals.All)}
	case choosing:
		return wrap(columnChoice(u.Columns, s, w), w)
	case commanding:
		return commandLines(s, u, w, st)
	case answering:
		return wrap(u.Asked.asks()+console.Printable(u.Typed)+"█", w)
	case asking:
		lines := wrap(u.Question+" (y/n)", w)
		for i := range lines {
			lines[i] = st.in(st.Warn, lines[i])
		}
		return lines
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
func columnChoice(c columns, s view.Snapshot, w int) string {
	shown := layOut(s.Monitors, c, w, s.At).shown
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

// monitorsView is a row for each monitor, and below more of the chosen one.
func monitorsView(s view.Snapshot, u UI, w, h int, st Styles) page {
	if len(s.Monitors) == 0 {
		return text(empty(s, u)...)
	}
	p := text(noticeLines(s, h, st)...)
	monitorTable(&p, s.Monitors, s.Cursor, u.Columns, w, s.At, st)
	p.addPreview(s, h, st)
	return p
}

// previewLines is how many lines tell of the chosen monitor, on a screen with room.
func previewLines(h int) int {
	if body(h) < 10 {
		return 0
	}
	return 2
}

// addPreview tells what of the chosen monitor may have no room in its row: the target,
// and why it is in its state.
func (p *page) addPreview(s view.Snapshot, h int, st Styles) {
	i := slices.IndexFunc(s.Monitors, func(r view.Row) bool { return r.Name == s.Cursor })
	if previewLines(h) == 0 || i < 0 {
		return
	}
	r := s.Monitors[i]
	p.fill(body(h) - previewLines(h))
	what := console.Printable(strings.TrimSpace(r.Kind+" "+r.Target)) + " every " + span(r.Every)
	if r.Kind == "" {
		what = ""
	}
	p.add(st.in(st.Head, r.Name) + "  " + what)
	line := r.State.Mark() + " " + r.State.String()
	if since := console.SinceText(r.Since, s.At); since != "" {
		line += " for " + since
	}
	if why := whyOf(r); why != "" {
		line += ": " + why
	}
	p.add(st.in(st.state(r.State), line))
}

// noticeMost is how many notices stand above a table of a screen of height h.
func noticeMost(h int) int {
	if h < 20 {
		return 2
	}
	return 4
}

// noticeLines tell what the states below rest on: which agents are set aside, and who judges.
func noticeLines(s view.Snapshot, h int, st Styles) []string {
	list := console.Notices(s)
	if most := noticeMost(h); len(list) > most {
		list = append(list[:most-1:most-1], fmt.Sprintf("%d more: press i for incidents, 3 for agents", len(list)-most+1))
	}
	for i := range list {
		list[i] = st.in(st.Warn, "! "+list[i])
	}
	return list
}

// empty says why there is no row, and what to do about it.
func empty(s view.Snapshot, u UI) []string {
	switch {
	case u.Loading:
		return []string{"", "  Reading what is stored …"}
	case u.Past != nil && s.Totals.All == 0:
		return []string{"", "  No monitor was saved then."}
	case s.Totals.All == 0 && s.Totals.Agents == 0:
		return []string{"", "  No monitor is saved, and no agent has joined.", "",
			"  Start an agent:   netmon agent --broker URL --id NAME",
			"  Add a monitor:    press n, or run  netmon add tcp HOST:PORT --name NAME"}
	case s.Totals.All == 0:
		return []string{"", "  No monitor is saved.", "", "  Add one:   press n, or run  netmon add tcp HOST:PORT --name NAME"}
	case len(u.Names) > 0 && u.Filter == "" && u.Typed == "":
		return []string{"", "  There is no monitor " + console.Printable(strings.Join(u.Names, " or ")) + "."}
	}
	return []string{"", "  No monitor matches the filter. Esc removes it."}
}

// logView is the newest results, the last one at the bottom.
func logView(s view.Snapshot, u UI, st Styles) page {
	if len(s.Log) == 0 && u.Past != nil {
		return text("", "  No result of this time is stored.")
	}
	if len(s.Log) == 0 {
		return text("", "  No result has come yet.")
	}
	line := console.Line{Styles: st.Line}
	for _, r := range s.Log {
		line.Format(r) // so that all have the same columns
	}
	var p page
	for _, r := range s.Log {
		p.addRow(r.Monitor, line.Format(r))
	}
	return p
}
