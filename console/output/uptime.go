package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
)

// Uptime lists how monitors were. dates has each row name its own time; whole names
// the outages, agents and burn rates below.
func Uptime(list []console.UptimeRow, dates, whole bool, none string) Listing[console.UptimeRow] {
	type row = console.UptimeRow
	lasting := func(title string, of func(row) int64) Column[row] {
		return Column[row]{Title: title, Cell: func(r row) string { return lastingOrNot(of(r)) }}
	}
	columns := []Column[row]{{Title: "MONITOR", Cut: Naming, Cell: func(r row) string { return r.Monitor }}}
	if dates {
		columns = append(columns, Column[row]{Title: "FROM", Time: func(r row) time.Time { return r.From }})
	}
	columns = append(columns,
		Column[row]{Title: "UPTIME", Cell: func(r row) string { return console.PercentText(r.Uptime) }},
		lasting("DOWN", func(r row) int64 { return r.DownNS }),
		lasting("DEGRADED", func(r row) int64 { return r.DegradedNS }),
		lasting("UNKNOWN", func(r row) int64 { return r.UnknownNS + r.GapNS }),
		inWide(lasting("PLANNED", func(r row) int64 { return r.MaintenanceNS })),
		Column[row]{Title: "PAUSED", Seldom: true, Cell: func(r row) string { return lastingOr(r.PausedNS, "") }},
		Column[row]{Title: "OUTAGES", Cell: func(r row) string { return strconv.Itoa(unplanned(r)) }},
		Column[row]{Title: "MTTR", Extra: true, Cell: func(r row) string { return lastingText(r.MTTRNS) }},
		Column[row]{Title: "MTBF", Extra: true, Cell: func(r row) string { return lastingText(r.MTBFNS) }},
		Column[row]{Title: "SINCE", Seldom: true, Time: func(r row) time.Time { return r.Since }},
	)
	for _, r := range list {
		if r.Budget != nil {
			columns = append(columns, Column[row]{Title: "BUDGET LEFT", Cell: budgetText})
			break
		}
	}
	l := Listing[row]{Kind: "Uptime", Items: list, None: none, Name: func(r row) string { return r.Monitor }, Columns: columns,
		Wide: []Column[row]{
			{Title: "WITH PLANNED", Cell: func(r row) string { return console.PercentText(r.With) }},
			lasting("UP", func(r row) int64 { return r.UpNS }),
			lasting("NO JUDGE", func(r row) int64 { return r.GapNS }),
			lasting("NOT THERE", func(r row) int64 { return r.AbsentNS }),
			{Title: "TO", Time: func(r row) time.Time { return r.To }},
		}}
	if whole {
		l.After = func(w io.Writer) { uptimeDetails(w, list) }
	}
	return l
}

func unplanned(r console.UptimeRow) (n int) {
	for _, o := range r.Outages {
		if !o.Planned {
			n++
		}
	}
	return n
}

func lastingOrNot(ns int64) string { return lastingOr(ns, "-") }

func lastingOr(ns int64, none string) string {
	if ns == 0 {
		return none
	}
	return console.Lasting(time.Duration(ns))
}

func lastingText(ns *int64) string {
	if ns == nil {
		return "-"
	}
	return console.Lasting(time.Duration(*ns))
}

func budgetText(r console.UptimeRow) string {
	if r.Budget == nil {
		return "-"
	}
	left := time.Duration(r.Budget.LeftNS)
	text := console.Lasting(left) + " of " + console.Lasting(time.Duration(r.Budget.AllowedNS))
	if left < 0 {
		text = "overspent by " + console.Lasting(-left)
	}
	if !r.Budget.From.Equal(r.From) { // it is of another time than the rest of the row
		text += " in " + r.Budget.Window.String()
	}
	return text
}

// shownOutages is how many outages of a monitor are listed, the newest.
const shownOutages = 20

func uptimeDetails(w io.Writer, list []console.UptimeRow) {
	for _, r := range list {
		outages := r.Outages
		if more := len(outages) - shownOutages; more > 0 {
			fmt.Fprintf(w, "%s: %d outages before these:\n", r.Monitor, more)
			outages = outages[more:]
		}
		for _, o := range outages {
			text := console.Lasting(o.Until.Sub(o.Since))
			if o.Open {
				text += "…"
			}
			if o.Blame != "" {
				text += " " + console.Printable(string(o.Blame))
			}
			if o.Planned {
				text += " (planned)"
			}
			fmt.Fprintf(w, "%s was down from %s for %s\n", r.Monitor, timetext.Zoned(o.Since), text)
		}
		if len(r.Agents) > 0 {
			var parts []string
			for _, a := range r.Agents {
				parts = append(parts, a.Agent+" "+console.PercentText(a.Reached))
			}
			fmt.Fprintf(w, "%s was reached from %s\n", r.Monitor, strings.Join(parts, ", "))
		}
		if r.Budget == nil {
			continue
		}
		for _, b := range r.Budget.Burn {
			fmt.Fprintf(w, "%s spends its budget %s times as fast as it lasts over %s, %s over %s: %s\n", r.Monitor, rate(b.LongRate), b.Long, rate(b.ShortRate), b.Short, firing(b))
		}
	}
}

func rate(r *float64) string {
	if r == nil {
		return "an unknown number of"
	}
	return strconv.FormatFloat(*r, 'f', 1, 64)
}

func firing(b console.BurnRow) string {
	if b.Firing {
		return fmt.Sprintf("too fast (%g)", b.Rate)
	}
	return fmt.Sprintf("below %g", b.Rate)
}
