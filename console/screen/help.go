package screen

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console/view"
	"netmon/judge"
)

// helpRow is a line of the help, with what it is about.
type helpRow struct{ head, text string }

// pastHelp are the keys of the past, in place of those that change something.
func pastHelp() []helpRow {
	return []helpRow{
		{"past", "nothing can be changed in it: netmon dash shows now"},
		{"", "← → or h l, or , .   step a minute back and on (matrix: , .)"},
		{"", "space pauses and continues; what stands still plays at 1×"},
		{"", "i incidents as they stood then   :explain NAME why a state was"},
	}
}

// helpLines explain signs, views and keys, none wider than w. past is of the keys there.
func helpLines(w int, past bool, st Styles) []string {
	states := ""
	for _, s := range [...]judge.State{judge.Up, judge.Degraded, judge.Down, judge.Paused, judge.Unknown} {
		states += "  " + st.in(st.state(s), s.Mark()+" "+s.String())
	}
	out := []string{st.in(st.Head, "signs") + states}
	rows := []helpRow{
		{"", "degraded: slow, or not up on every agent"},
		{"", "unknown: nobody can say: no result, or no agent is able"},
		{"", fmt.Sprintf("figures: the last %d known runs on each agent; UPTIME: 24 h by verdict", view.Window)},
		{"views", "1 monitors  2 matrix  3 agents  4 detail  5 log  i incidents  tab next"},
		{"move", "↑↓ or j k, pgup pgdn, home end; ←→ agents of the matrix"},
		{"", "enter opens, esc goes back"},
		{"find", "/ filter: words of name, kind, target, state, agent or tag"},
		{"", "s sort: state, name, p95, loss, uptime, certificate   c columns"},
		{"", "space freezes the screen   t T plot live, 1h, 24h, 7d, 30d (view 4)"},
		{"change", "r start   x stop   p probe now   d delete   n new   e edit"},
		{"", "in the detail on the chosen agent, elsewhere on all; asks before it"},
		{"", "stops a monitor everywhere or deletes it"},
		{"", "a acknowledge an incident   s in view i: silence its monitors"},
		{"command", ": and monitors, open NAME, filter TEXT, stop NAME, explain NAME, q …"},
		{"", "tab completes"},
		{"mouse", "click chooses, click again opens, wheel scrolls; m turns it off,"},
		{"", "then drag selects text (with the mouse on: shift+drag)"},
		{"copy", "y command that makes the monitor   Y name"},
		{"quit", "q or ctrl+c; agents keep measuring"},
	}
	if past {
		rows = inPast(rows)
	}
	for _, l := range rows {
		parts := []string{l.text}
		if ansi.StringWidth(l.text) > w-9 {
			parts = wrap(l.text, w-9)
		}
		for i, part := range parts {
			head := l.head
			if i > 0 {
				head = ""
			}
			out = append(out, st.in(st.Head, fit(head, 8))+" "+part)
		}
	}
	return out
}

// inPast has the keys of the past in place of those that change something.
func inPast(rows []helpRow) (out []helpRow) {
	part := ""
	for _, l := range rows {
		if l.head != "" {
			part = l.head
		}
		switch {
		case part == "change" && l.head != "":
			out = append(out, pastHelp()...)
		case part == "change":
		case part == "command" && l.head != "":
			out = append(out, helpRow{"command", ": and monitors, open NAME, filter TEXT, explain NAME, q …"})
		case part == "copy":
			out = append(out, helpRow{"copy", "Y name"})
		case strings.HasPrefix(l.text, "space freezes"):
			out = append(out, helpRow{"", "t T plot 1h, 24h, 7d, 30d (view 4)"})
		default:
			out = append(out, l)
		}
	}
	return out
}
