package web

import (
	"fmt"
	"slices"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/judge"
)

// sparkRuns is how many runs a sparkline has.
const sparkRuns = 25

// rowBody is one monitor in the list.
type rowBody struct {
	Name, What string
	State      stateView
	Why        string
	Manual     bool
	Day        dayView
}

// monitors is the page of all monitors, the worst first, or of those that a filter leaves.
func monitorsOf(m Model, filter string) frame {
	sn := m.Snapshot(view.Query{Filter: filter, Spark: sparkRuns, Calm: true})
	f := frame{title: titleOf(sn), parts: []part{linkOf(m, sn), summaryOf(m, sn), {ID: "count", Shape: "count", Body: countBody{plural.Count(sn.Totals.All, "monitor", "monitors"), sn.Totals.All == 0}}}}
	f.parts = slices.Grow(f.parts, len(sn.Monitors))
	for i := range sn.Monitors {
		f.parts = append(f.parts, monitorRow(&sn.Monitors[i], sn.At))
	}
	return f
}

type countBody struct {
	Text  string
	Empty bool
}

// titleOf is what a tab shows: how many are down, where any are.
func titleOf(sn view.Snapshot) string {
	if n := sn.Totals.Monitors[judge.Down]; n > 0 {
		return fmt.Sprintf("(%d down) Monitors", n)
	}
	return "Monitors"
}

func monitorRow(r *view.Row, now time.Time) part {
	b := rowBody{Name: r.Name, What: kindText(r.Kind, r.Target), State: stateOf(r.State), Why: reason(r), Manual: r.Manual, Day: dayView{r.Day, r.State}}
	return part{ID: "m-" + r.Name, Shape: "row", Body: b, Listed: true, Draw: func() string { return sparkline(r.Spark) }, Write: func() cells {
		return cells{orNone(sinceText(r.Since, now)), latencyText(r.P50), latencyText(r.P95), percentText(r.Uptime)}
	}}
}

// reason is why a monitor is in its state; of one that is fine, what that rests on.
func reason(r *view.Row) string {
	if r.Problem != "" {
		return "cannot be read: " + console.Printable(r.Problem)
	}
	text := console.WhyListed(r.Why, r.Verdict)
	if text == "" && r.State == judge.Up {
		text = fmt.Sprintf("%d of %s", r.Up, plural.Count(r.Of, "agent", "agents"))
		if r.CertDays.OK {
			text += fmt.Sprintf(" · certificate %s", plural.Count(int(r.CertDays.V), "day", "days"))
		}
		if r.Loss.OK {
			text += " · loss " + percentText(r.Loss)
		}
	}
	return console.MutedText(text, r.Muted)
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}
