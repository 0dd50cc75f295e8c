package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
)

// detailView is all that is known of one monitor: its agents, the latency on
// the chosen one, the phases of its last run, and the last failures.
func detailView(s view.Snapshot, u UI, w, h int, st Styles) []string {
	d := s.Detail
	if d == nil {
		return []string{"", "  Choose a monitor in view 1 or 2, and press enter."}
	}
	out := append([]string{detailHead(d, st)}, judgedLines(d, s.At, st)...)
	if most := max(1, h/3); len(out) > most {
		out = out[:most]
	}
	agents := min(len(d.Agents), max(1, h/4))
	out = append(out, onAgents(d, agents, w, s.At, st)...)
	phases := phaseLines(d.Phases, w)
	fails := 1 + min(len(d.Failures), max(2, h/5))
	const leastPlot = 4 // and its title
	if len(out)+leastPlot+len(phases)+fails > h {
		phases = nil // some of them would look like all
	}
	rest := h - len(out) - len(phases) - 1 - fails
	if !slices.ContainsFunc(d.Plot, func(r view.Run) bool { return r.Latency.OK }) {
		rest = min(rest, 2) // there are signs only
	}
	if rows := min(rest, 16); rows >= 2 && d.On != "" {
		out = append(out, plotLines(d, rows, w, st)...)
	}
	out = append(out, phases...)
	out = append(out, failureLines(d, h-len(out), w, st)...)
	return out
}

func detailHead(d *view.Detail, st Styles) string {
	parts := []string{st.in(st.Head, d.Name), st.in(st.state(d.State), d.State.Mark()+" "+d.State.String()), console.Printable(d.Kind + " " + d.Target), "every " + span(d.Every)}
	switch {
	case d.Problem != "":
		parts = append(parts, "cannot be read: "+console.Printable(d.Problem))
	case d.Saved == nil:
		parts = append(parts, "started by hand")
	default:
		parts = append(parts, "timeout "+d.Saved.Timeout.String(), "on "+console.Printable(places(d)), fmt.Sprintf("revision %d", d.Saved.Revision))
	}
	return strings.Join(parts, "  ")
}

// judgedLines are since when it is in its state, why, and what that rests on.
func judgedLines(d *view.Detail, now time.Time, st Styles) []string {
	text := console.Printable(d.Why)
	if !d.Since.IsZero() {
		text = strings.TrimSuffix(fmt.Sprintf("since %s (%s): %s", console.Moment(d.Since, now), console.Lasting(now.Sub(d.Since)), text), ": ")
	}
	if text == "" {
		return nil
	}
	out := []string{"  " + st.in(st.state(d.State), text)}
	if d.Verdict != nil {
		for _, l := range console.VerdictLines(d.Verdict, now) {
			out = append(out, "  "+l)
		}
	}
	return out
}

func places(d *view.Detail) string {
	text := d.Saved.Agents.String()
	switch {
	case d.Saved.Agents == nil:
		text = "all"
	case len(d.Saved.Agents) == 0:
		text = "none"
	}
	if len(d.Saved.Except) > 0 {
		text += " except " + d.Saved.Except.String()
	}
	return text
}

// onAgents is a line for each of n agents around the chosen one.
func onAgents(d *view.Detail, n, w int, now time.Time, st Styles) []string {
	id := 5
	for _, a := range d.Agents {
		id = min(max(id, len(a.Agent)), max(12, w/6))
	}
	chosen := max(0, slices.IndexFunc(d.Agents, func(a view.OnAgent) bool { return a.Agent == d.On }))
	first := max(0, min(chosen-n/2, len(d.Agents)-n))
	head := fmt.Sprintf("  %s %s %7s %7s %7s %5s %6s %4s  %s", fit("AGENT", id), fit("STATE", stateWidth), "LAST", "P50", "P95", "LOSS", "UP/100", "CERT", "LAST RUN")
	if n < len(d.Agents) {
		head = sides(head, fmt.Sprintf(" %d-%d/%d", first+1, first+n, len(d.Agents)), w)
	}
	out := []string{st.in(st.Dim, head)}
	for _, a := range d.Agents[first : first+n] {
		name := fit(a.Agent, id)
		if a.Agent == d.On {
			name = st.in(st.Chosen, name)
		}
		text := ""
		if !a.At.IsZero() {
			text = ago(a.At, now) + " " + a.Summary
		}
		if a.Why != "" {
			text = strings.TrimSpace(a.Why + " " + text)
		}
		out = append(out, fmt.Sprintf("%s%s %s %7s %7s %7s %5s %6s %4s  %s", pointer(a.Agent == d.On), name,
			st.in(st.state(a.State), fit(a.State.Mark()+" "+onWord(a), stateWidth)),
			latency(a.Last), latency(a.P50), latency(a.P95), percent(a.Loss), percent(a.Uptime), days(a.CertDays), console.Printable(text)))
	}
	if len(d.Agents) == 0 {
		out = append(out, "  no agent runs it, and no result came")
	}
	return out
}

// onWord is what the agent is to the verdict, or, where there is none, its state.
func onWord(a view.OnAgent) string {
	if a.Share == view.NoShare {
		return a.State.String()
	}
	return a.Share.String()
}

const plotAxis = 9

// plotLines is a bar for each run, rows high. A run that failed, and one of
// which nothing is known, has its sign and no bar: nothing is interpolated.
func plotLines(d *view.Detail, rows, w int, st Styles) []string {
	most := 0.0
	runs := d.Plot[max(0, len(d.Plot)-(w-plotAxis-1)):]
	for _, r := range runs {
		if r.Latency.OK && r.State != judge.Down {
			most = max(most, r.Latency.V)
		}
	}
	title := fmt.Sprintf("latency of the last %d runs on %s", len(runs), d.On)
	out := []string{st.in(st.Head, title) + "   ✕ failed  ? not known"}
	blocks := []rune(" ▁▂▃▄▅▆▇█")
	for row := rows - 1; row >= 0; row-- {
		axis := ""
		switch {
		case row == 0:
			axis = "0"
		case row == rows-1 && most > 0:
			axis = console.Short(time.Duration(most))
		}
		line := right(axis, plotAxis-1) + "│"
		var bars strings.Builder
		for _, r := range runs {
			bars.WriteString(bar(r, row, rows, most, blocks, st))
		}
		out = append(out, line+strings.TrimRight(bars.String(), " "))
	}
	return out
}

func bar(r view.Run, row, rows int, most float64, blocks []rune, st Styles) string {
	if row == 0 && (r.State == judge.Down || r.State == judge.Unknown || r.State == judge.Degraded || !r.Latency.OK) {
		return st.in(st.state(r.State), r.State.Mark())
	}
	if r.State == judge.Down || r.State == judge.Unknown || !r.Latency.OK || most == 0 {
		return " "
	}
	eighths := max(1, int(r.Latency.V/most*float64(rows*8)+0.5)) - row*8
	return string(blocks[min(max(eighths, 0), 8)])
}

// phaseLines shows the phases of one run, each where the one before ends.
func phaseLines(list []view.Phase, w int) []string {
	if len(list) < 2 {
		return nil // one phase is the latency
	}
	var total time.Duration
	for _, p := range list {
		total += p.Took
	}
	const label = 22
	width := max(10, w-label-12)
	var out []string
	var begun time.Duration
	for _, p := range list {
		from := int(float64(begun) / float64(total) * float64(width))
		begun += p.Took
		to := max(from+1, int(float64(begun)/float64(total)*float64(width)))
		out = append(out, fmt.Sprintf("%s %9s │%s%s", fit(p.Name, 13), console.Short(p.Took), strings.Repeat(" ", from), strings.Repeat("█", to-from)))
	}
	return out
}

func failureLines(d *view.Detail, n, w int, st Styles) []string {
	if n <= 0 {
		return nil
	}
	if len(d.Failures) == 0 {
		return []string{st.in(st.Dim, "no failure since this screen was opened")}
	}
	out := []string{st.in(st.Head, "last failures")}
	for i, f := range d.Failures {
		left := n - len(out) - min(len(d.Failures)-i-1, 2) // the next ones want a line, too
		if left < 1 {
			break
		}
		line, _, _ := strings.Cut(f.Error, "\n")
		text := wrap(console.Printable(fmt.Sprintf("%s: %s", f.Reason, line)), max(10, w-21-len(f.Agent)))
		if len(text) > left {
			text = append(text[:left-1], text[left-1]+" …")
		}
		for k, t := range text {
			if k > 0 {
				out = append(out, strings.Repeat(" ", 12+len(f.Agent))+t)
				continue
			}
			out = append(out, fmt.Sprintf("%s %s %s %s", f.At.Format("15:04:05"), console.Printable(f.Agent), st.in(st.state(f.State), f.State.Mark()), t))
		}
	}
	return out
}
