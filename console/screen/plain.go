package screen

import (
	"fmt"
	"io"
	"strings"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/judge"
)

// plainRuns is how many of the last runs a plain table shows.
const plainRuns = 20

// plainIncidents is how many open incidents a plain table tells each in a line.
const plainIncidents = 20

// unbounded is a width in which everything fits.
const unbounded = 1 << 14

// PlainQuery asks for what Table writes.
func PlainQuery(names []string) view.Query { return view.Query{Names: names, Strip: plainRuns} }

// Table writes the monitors as lines, without a cursor: for pipes, logs and terminals
// that can do no more. Where width is not 0 no row is wider.
func Table(w io.Writer, s view.Snapshot, u UI, width int, st Styles) error {
	var b strings.Builder
	if u.Past != nil {
		b.WriteString("PAST ")
	}
	fmt.Fprintf(&b, "%s  %s", timetext.Zoned(s.At), plural.Count(s.Totals.All, "monitor", "monitors"))
	for _, state := range judge.States {
		if n := s.Totals.Monitors[state]; n > 0 {
			fmt.Fprintf(&b, "  %s %d %s", state.Mark(), n, state)
		}
	}
	fmt.Fprintf(&b, "  agents %d/%d", s.Totals.Online, s.Totals.Agents)
	if !u.Link.Lost.IsZero() {
		fmt.Fprintf(&b, "  ✕ broker lost %s, reconnecting", ago(u.Link.Lost, s.At))
	}
	b.WriteByte('\n')
	if u.Past != nil && u.Past.Note != "" {
		b.WriteString(u.Past.Note + "\n")
	}
	for _, n := range console.Notices(s) {
		b.WriteString(n + "\n")
	}
	if s.Uptimes.At.IsZero() && s.Uptimes.Why != "" && u.Columns&colUptime != 0 {
		fmt.Fprintf(&b, "no uptime: %s\n", console.Printable(s.Uptimes.Why))
	}
	if n := s.Incidents.Open; n > 1 { // the line above has one
		for _, x := range s.Incidents.All[:min(n, plainIncidents)] {
			_, word := incidentWord(x, st)
			fmt.Fprintf(&b, "incident %s: %s, %s, for %s: %s\n", s.Incidents.Short[x.ID], console.Printable(string(x.Severity)), word, incidentSince(x, s.At), console.SummaryText(x))
		}
		if n > plainIncidents {
			fmt.Fprintf(&b, "and %d more incidents: netmon get incidents\n", n-plainIncidents)
		}
	}
	if len(s.Monitors) == 0 {
		for _, l := range empty(s, u) {
			if l != "" {
				b.WriteString(strings.TrimSpace(l) + "\n")
			}
		}
	} else {
		if width == 0 {
			width = unbounded
		}
		var p page
		monitorTable(&p, s.Monitors, "", u.Columns, width+2, s.At, st)
		for _, l := range p.lines {
			b.WriteString(strings.TrimPrefix(l, "  ") + "\n")
		}
	}
	_, err := io.WriteString(w, st.signs(b.String()))
	return err
}
