package console

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// About is all that is known of one monitor.
type About struct {
	Monitor wire.Saved
	Status  Status
	Agents  []Agent                // all that are known
	Last    map[string]wire.Result // by agent; of those that are not known any more, too
}

// About reads what is known about a monitor.
func (c *Client) About(ctx context.Context, name string) (About, error) {
	a := About{Last: map[string]wire.Result{}}
	store, err := c.Monitors(ctx)
	if err != nil {
		return a, err
	}
	if a.Monitor, err = store.Find(ctx, name); err != nil {
		return a, err
	}
	m := c.Model(ModelOptions{Saved: []wire.Saved{a.Monitor}, KeepResults: true})
	if err := m.Load(ctx); err != nil {
		return a, err
	}
	a.Agents = m.Agents()
	a.Status, _ = m.mesh.Status(name, m.readFrom())
	states := []Status{a.Status}
	if err := c.mute(ctx, []wire.Saved{a.Monitor}, states); err != nil {
		return a, err
	}
	a.Status = states[0]
	return a, c.Last(ctx, name, func(r wire.Result) { a.Last[r.Agent] = r })
}

// Lines writes where the monitor runs, and its last result on each agent.
func (a About) Lines(w io.Writer, st Styles) {
	m := a.Monitor
	fmt.Fprintf(w, "%s  %s %s\n", m.Name, Printable(m.Kind), Printable(m.Target))
	StatusLines(w, a.Status, time.Now())
	fmt.Fprintf(w, "  every %s, timeout %s, on %s\n", m.Every, m.Timeout, Where(m))
	if text := PlacedText(m, a.Agents); text != "" && !m.Paused {
		fmt.Fprintf(w, "  placed %s\n", text)
	}
	if len(m.Options) > 0 {
		fmt.Fprintf(w, "  options %s\n", Printable(string(m.Options)))
	}
	for _, line := range ruleOf(m) {
		fmt.Fprintf(w, "  %s\n", Printable(line))
	}
	if tags := TagText(m.Tags); tags != "" {
		fmt.Fprintf(w, "  tags %s\n", tags)
	}
	fmt.Fprintf(w, "  revision %d by %s: %s\n", m.Edition, AuthorText(m.Author), Printable(m.Change))
	line := Line{Styles: st, Alone: true, Date: true}
	shares := map[string]string{}
	for _, s := range a.Status.Agents {
		if s.Share != view.SeesUp {
			shares[s.Agent] = s.Share.String()
		}
	}
	rows := 0
	known := map[string]bool{}
	for _, agent := range a.Agents {
		known[agent.Agent] = true
		runs := m.RunsOn(agent.Agent, agent.Labels)
		r, measured := a.Last[agent.Agent]
		if !runs && !measured {
			continue
		}
		rows++
		note := agentNote(agent, m, runs, shares[agent.Agent])
		if !measured {
			fmt.Fprintf(w, "  %s ? no stored result%s\n", agent.Agent, note)
			continue
		}
		fmt.Fprintf(w, "  %s%s\n", line.Format(r), note)
	}
	var gone []string
	for id := range a.Last { // agents of more than a day ago
		if !known[id] {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		rows++
		fmt.Fprintf(w, "  %s  (agent not seen in the last day)\n", line.Format(a.Last[id]))
	}
	if rows == 0 {
		fmt.Fprintln(w, "  runs on no known agent, and has no stored result")
	}
}

// TagText writes tags, by name.
func TagText(tags map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		parts = append(parts, name+"="+tags[name])
	}
	return Printable(strings.Join(parts, ", "))
}

// ruleOf says how a monitor is judged, where that is not as usual.
func ruleOf(m wire.Saved) (lines []string) {
	if rule := plainRule(m.Verdict); rule != nil {
		r := rule.WithDefaults()
		text := fmt.Sprintf("judged by quorum %s, down %s, up %d", r.Quorum, r.Down, r.Up)
		if *r.Crosscheck == 0 {
			text += ", no cross-check"
		} else {
			text += fmt.Sprintf(", cross-check by %d", *r.Crosscheck)
		}
		lines = append(lines, text)
	}
	if len(m.DependsOn) > 0 {
		lines = append(lines, "depends on "+strings.Join(m.DependsOn, ", "))
	}
	if m.SLO != nil {
		lines = append(lines, fmt.Sprintf("objective %v %% over %s", m.SLO.Objective, m.SLO.WithDefaults().Window))
	}
	return lines
}

// agentNote says why the last result of an agent may not be the last word.
func agentNote(a Agent, m wire.Saved, runs bool, share string) string {
	var notes []string
	if share != "" {
		notes = append(notes, "judged "+share)
	}
	if why := a.Refused[m.Name]; why != "" {
		notes = append(notes, "cannot run it: "+Printable(why))
	}
	switch {
	case m.Paused:
		notes = append(notes, "○ paused")
	case !runs && m.Agents.IsSome():
		notes = append(notes, "not chosen")
	case !runs:
		notes = append(notes, "stopped here")
	}
	if !a.Online {
		notes = append(notes, "agent "+a.State()+", seen "+Ago(a.Seen))
	}
	if len(notes) == 0 {
		return ""
	}
	return "  (" + strings.Join(notes, "; ") + ")"
}

// Where says in a few words where a monitor runs.
func Where(m wire.Saved) string {
	s := m.Agents.String()
	switch {
	case m.Agents == nil:
		s = wire.Everywhere
	case len(m.Agents) == 0:
		s = "none"
	}
	if len(m.Except) > 0 {
		s += " except " + m.Except.String()
	}
	if m.Paused {
		s = "paused (" + s + ")"
	}
	return s
}

// Ago writes how long since t, in one unit.
func Ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd ago", int(d.Hours()/24))
	}
}
