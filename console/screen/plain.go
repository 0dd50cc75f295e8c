package screen

import (
	"fmt"
	"io"
	"strings"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
)

// plainRuns is how many of the last runs a plain table shows.
const plainRuns = 20

// plainIncidents is how many open incidents a plain table tells one by one.
const plainIncidents = 20

// PlainQuery asks for what Table writes.
func PlainQuery(names []string) view.Query { return view.Query{Names: names, Strip: plainRuns} }

// Table writes the monitors as lines, without a cursor and without cutting
// anything: for pipes, logs and terminals that can do no more.
func Table(w io.Writer, s view.Snapshot, u UI, st Styles) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %d monitors", s.At.Format("2006-01-02 15:04:05"), s.Totals.All)
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
	for _, n := range console.Notices(s) {
		b.WriteString(n + "\n")
	}
	if n := s.Incidents.Open; n > 1 { // of one the line above tells
		for _, x := range s.Incidents.All[:min(n, plainIncidents)] {
			_, word := incidentWord(x, st)
			fmt.Fprintf(&b, "incident %s: %s, %s, since %s: %s\n", s.Incidents.Short[x.ID], console.Printable(string(x.Severity)), word, incidentSince(x, s.At), console.SummaryText(x))
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
		name := leastName
		for _, r := range s.Monitors {
			name = max(name, len(r.Name))
		}
		for _, l := range monitorTable(s.Monitors, "", u.Columns, 5*name+130+plainRuns+whyWidth(s.Monitors), s.At, st) {
			b.WriteString(strings.TrimPrefix(l, "  ") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
