package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/judge"
)

// detailView is all that is known of one monitor: why it is in its state, its agents,
// the latency on the chosen one, the phases of its last run, and the last failures. It
// shares the whole height: first a little of each, then more of what there is more of.
func detailView(s view.Snapshot, u UI, w, h int, st Styles) page {
	d := s.Detail
	if d == nil {
		return text("", "  No monitor is chosen. Choose one in view 1 or 2, and press enter.")
	}
	var p page
	plot := livePlot(d, w, st)
	headMost := h * 2 / 5
	if u.Span != Live { // it was asked for
		plot = spanPlot(s, u, w, st)
		headMost = min(headMost, h-2-plot.least())
	}
	head := append(detailHead(d, w, st), judgedLines(d, s.At, w, st)...)
	p.add(head[:min(len(head), max(2, headMost))]...)
	fails := failureLines(d, u.Past != nil, w, st)
	phases := phaseLines(d.Phases, w)
	r := share(h, h-len(p.lines), plot, room{agents: len(d.Agents), phases: len(phases), failed: len(fails)}, u.Span != Live)
	onAgents(&p, d, r.agents, w, s.At, st)
	if r.plot > 0 {
		p.add(plot.lines(r.plot)...)
	}
	p.add(phases[:r.phases]...)
	if r.failed > 0 {
		p.add(cutLines(fails, r.failed)...)
	}
	if n := 1 + len(d.Agents); len(d.Agents) > 0 && r.left >= n {
		p.add(stripLines(d, w, st)...)
	}
	return p
}

// stripLines are a title and the last runs on each agent.
func stripLines(d *view.Detail, w int, st Styles) []string {
	id := 0
	for _, a := range d.Agents {
		id = min(max(id, len(a.Agent)), max(12, w/4))
	}
	out := []string{st.in(st.Head, "runs on each agent") + ", the newest at the right"}
	for _, a := range d.Agents {
		out = append(out, fit(a.Agent, id)+" "+st.strip(a.Strip[max(0, len(a.Strip)-(w-id-1)):]))
	}
	return out
}

// cutLines are a title and the first n lines below it.
func cutLines(titled []string, n int) []string { return titled[:min(len(titled), n+1)] }

// detailHead is what the monitor is.
func detailHead(d *view.Detail, w int, st Styles) []string {
	text := ""
	switch {
	case d.Problem != "":
		text = "cannot be read: " + console.Printable(d.Problem)
	case d.Saved == nil:
		text = console.Printable(d.Kind+" "+d.Target) + "  started by hand, not saved"
	default:
		text = fmt.Sprintf("%s  every %s  timeout %s  on %s", console.Printable(d.Kind+" "+d.Target), span(d.Every), d.Saved.Timeout, console.Printable(places(d)))
		if n := d.Saved.Edition; n > 0 {
			text += fmt.Sprintf("  revision %d", n)
		}
	}
	first := st.in(st.Head, d.Name) + "  " + st.in(st.state(d.State), d.State.Mark()+" "+d.State.String())
	if ansi.StringWidth(first)+2+ansi.StringWidth(text) <= w {
		return []string{first + "  " + text}
	}
	return append([]string{first}, indented(text, 2, w)...)
}

// judgedLines are since when it is in its state, why, and what that rests on.
func judgedLines(d *view.Detail, now time.Time, w int, st Styles) (out []string) {
	text := console.Printable(d.Why)
	if !d.Since.IsZero() {
		text = strings.TrimSuffix(fmt.Sprintf("since %s (%s): %s", timetext.Clock(d.Since, now), console.Lasting(now.Sub(d.Since)), text), ": ")
	}
	if text == "" {
		return nil
	}
	for _, l := range indented(text, 2, w) {
		out = append(out, st.in(st.state(d.State), l))
	}
	if d.Verdict != nil {
		for _, l := range console.VerdictLines(d.Verdict, now) {
			out = append(out, indented(l, 2, w)...)
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

// onAgents is a row for each of n agents around the chosen one.
func onAgents(p *page, d *view.Detail, n, w int, now time.Time, st Styles) {
	id := 5
	for _, a := range d.Agents {
		id = min(max(id, len(a.Agent)), max(12, w/4))
	}
	figures := w >= 2+id+1+stateWidth+48+8+20 // there is room for all of them, and for some of the text
	chosen := max(0, slices.IndexFunc(d.Agents, func(a view.OnAgent) bool { return a.Agent == d.On }))
	first, end := around(chosen, len(d.Agents), n)
	head := fmt.Sprintf("  %s %s %7s %7s", fit("AGENT", id), fit("STATE", stateWidth), "LAST", "P95")
	if figures {
		head = fmt.Sprintf("  %s %s %7s %7s %7s %5s %6s %4s", fit("AGENT", id), fit("STATE", stateWidth), "LAST", "P50", "P95", "LOSS", "GOOD", "CERT")
	}
	head += "  LAST RUN"
	if end-first < len(d.Agents) {
		head = sides(head, fmt.Sprintf(" %d-%d/%d", first+1, end, len(d.Agents)), w)
	}
	p.add(st.in(st.Dim, head))
	for _, a := range d.Agents[first:end] {
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
		line := fmt.Sprintf("%s%s %s %7s", pointer(a.Agent == d.On), name, st.in(st.state(a.State), fit(a.State.Mark()+" "+onWord(a), stateWidth)), latency(a.Last))
		if figures {
			line += fmt.Sprintf(" %7s %7s %5s %6s %4s", latency(a.P50), latency(a.P95), percent(a.Loss), percent(a.Good), days(a.CertDays))
		} else {
			line += fmt.Sprintf(" %7s", latency(a.P95))
		}
		p.addRow(a.Agent, line+"  "+console.Printable(text))
	}
	if len(d.Agents) == 0 {
		p.add("  no agent runs it, and no result has come")
	}
}

// onWord is what the agent is to the verdict, or, where there is none, its state.
func onWord(a view.OnAgent) string {
	if a.Share == view.NoShare {
		return a.State.String()
	}
	return a.Share.String()
}

const plotAxis = 9

// livePlot is a bar for each run. A run that failed or is unknown has its sign and no bar:
// nothing is interpolated.
func livePlot(d *view.Detail, w int, st Styles) plotted {
	runs := d.Plot[max(0, len(d.Plot)-(w-plotAxis-1)):]
	if d.On == "" || len(runs) == 0 {
		return plotted{}
	}
	most, any := 0.0, false
	for _, r := range runs {
		if any = any || r.Latency.OK; r.Latency.OK && r.State != judge.Down {
			most = max(most, r.Latency.V)
		}
	}
	wide := min(max(1, (w-plotAxis-1)/len(runs)), 4) // columns of a run
	p := plotted{title: st.in(st.Head, fmt.Sprintf("latency of the last %s on %s", plural.Count(len(runs), "run", "runs"), d.On)) + "   ✕ failed  ? unknown"}
	bars := func(rows int) (out []string) {
		for row := rows - 1; row >= 0; row-- {
			axis := ""
			switch {
			case row == 0:
				axis = "0"
			case row == rows-1 && most > 0:
				axis = console.Short(time.Duration(most))
			}
			var line strings.Builder
			for _, r := range runs {
				line.WriteString(bar(r, row, rows, wide, most, st))
			}
			out = append(out, right(axis, plotAxis-1)+"│"+strings.TrimRight(line.String(), " "))
		}
		return out
	}
	if !any { // there are signs only
		p.text = bars(1)
		return p
	}
	axis := liveAxis(runs, wide)
	if axis != "" {
		p.below = 1
	}
	p.bars = func(rows int) []string {
		lines := bars(rows)
		if axis != "" {
			lines = append(lines, axis)
		}
		return lines
	}
	return p
}

// bar is what of a run stands in a row of the plot.
func bar(r view.PlotPoint, row, rows, wide int, most float64, st Styles) string {
	blocks := []rune(" ▁▂▃▄▅▆▇█")
	if row == 0 && (r.State == judge.Down || r.State == judge.Unknown || r.State == judge.Degraded || !r.Latency.OK) {
		return fit(st.in(st.state(r.State), r.State.Mark()), wide)
	}
	if r.State == judge.Down || r.State == judge.Unknown || !r.Latency.OK || most == 0 {
		return strings.Repeat(" ", wide)
	}
	eighths := max(1, int(r.Latency.V/most*float64(rows*8)+0.5)) - row*8
	return fit(strings.Repeat(string(blocks[min(max(eighths, 0), 8)]), max(1, wide-1)), wide)
}

// phaseLines shows the phases of one run, each where the previous one ends.
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

// failureLines are a title and the last failures, whole, the newest first.
func failureLines(d *view.Detail, past bool, w int, st Styles) []string {
	if len(d.Failures) == 0 && past {
		return []string{st.in(st.Dim, "no failure among the results that were read of this time")}
	}
	if len(d.Failures) == 0 {
		return []string{st.in(st.Dim, "no failure since this screen was opened")}
	}
	out := []string{st.in(st.Head, "last failures")}
	for _, f := range d.Failures {
		line, _, _ := strings.Cut(f.Error, "\n")
		id := console.Printable(f.Agent)
		for k, part := range wrap(console.Printable(fmt.Sprintf("%s: %s", f.Reason, line)), max(10, w-12-len(id))) {
			if k == 0 {
				out = append(out, fmt.Sprintf("%s %s %s %s", f.At.Format("15:04:05"), id, st.in(st.state(f.State), f.State.Mark()), part))
			} else {
				out = append(out, strings.Repeat(" ", 12+len(id))+part)
			}
		}
	}
	return out
}
