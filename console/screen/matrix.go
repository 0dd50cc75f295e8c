package screen

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

const cellWidth = 9 // sign, space, a latency

// matrixView is a row for each monitor and a column for each agent.
func matrixView(s view.Snapshot, u UI, w, h int, st Styles) page {
	if len(s.Monitors) == 0 {
		return text(empty(s, u)...)
	}
	name := nameWidth(s.Monitors, w-4-2*(cellWidth+1))
	fits := max(1, (w-2-name-2)/(cellWidth+1))
	first := min(u.Shift, max(0, len(s.AgentIDs)-fits))
	last := min(len(s.AgentIDs), first+fits)
	head := "  " + fit("MONITOR", name) + "  "
	for _, id := range s.AgentIDs[first:last] {
		head += " " + fit(id, cellWidth)
	}
	if last < len(s.AgentIDs) || first > 0 {
		head = sides(head, fmt.Sprintf(" %d-%d/%d ←→", first+1, last, len(s.AgentIDs)), w)
	}
	p := text(noticeLines(s, h, st)...)
	p.add(st.in(st.Dim, strings.TrimRight(head, " ")))
	for _, r := range s.Monitors {
		text := fit(r.Name, name)
		if r.Name == s.Cursor {
			text = st.in(st.Chosen, text)
		}
		line := pointer(r.Name == s.Cursor) + text + " " + st.in(st.state(r.State), r.State.Mark())
		for _, c := range r.Cells[first:last] {
			switch {
			case !c.Here:
				line += " " + fit("", cellWidth)
			case c.Last.OK:
				line += " " + st.in(st.state(c.State), c.State.Mark()) + fit(" "+latency(c.Last), cellWidth-1)
			default:
				word := c.State.String()
				if c.Share != view.NoShare {
					word = c.Share.String()
				}
				line += " " + st.in(st.state(c.State), fit(c.State.Mark()+" "+word, cellWidth))
			}
		}
		p.addRow(r.Name, line)
	}
	p.addPreview(s, h, st)
	return p
}

// agentMark shows an agent's state in the signs of monitors.
func agentMark(state string) judge.State {
	switch state {
	case "online":
		return judge.Up
	case "offline":
		return judge.Down
	case "left":
		return judge.Paused
	}
	return judge.Unknown
}

// agentsView is a row for each agent and, below, what is wrong with the chosen one.
func agentsView(s view.Snapshot, u UI, w, h int, st Styles) page {
	if len(s.Agents) == 0 {
		return text("", "  No agent has joined in the last day.", "", "  Start one:   netmon agent --broker URL --id NAME")
	}
	id := 5
	for _, a := range s.Agents {
		id = min(max(id, len(a.ID)), max(12, w/4))
	}
	chosen := max(0, slices.IndexFunc(s.Agents, func(a view.AgentRow) bool { return a.ID == u.agentOf(s) }))
	below := agentBelow(s.Agents[chosen], w, st)
	below = below[:min(len(below), max(0, h/2))]
	first, end := around(chosen, len(s.Agents), max(1, h-1-len(below)))
	queue := w >= wideAgents
	head := fmt.Sprintf("  %s %s %s %8s", fit("AGENT", id), fit("STATE", agentState), fit("SEEN", 8), "MONITORS")
	if queue {
		head += fmt.Sprintf(" %7s %7s %7s", "PENDING", "DROPPED", "SKIPPED")
	}
	p := text(st.in(st.Dim, head+"  BY STATE · LABELS · VERSION"))
	for i := first; i < end; i++ {
		a := s.Agents[i]
		name := fit(a.ID, id)
		if i == chosen {
			name = st.in(st.Chosen, name)
		}
		mark, word := agentMark(a.State), a.State
		if x := a.Verdict; x != nil && x.Status == wire.AgentAside {
			mark, word = judge.Degraded, "set aside"
		}
		line := fmt.Sprintf("%s%s %s %s %8d", pointer(i == chosen), name, st.in(st.state(mark), fit(mark.Mark()+" "+word, agentState)), fit(ago(a.Seen, s.At), 8), a.Monitors)
		if queue {
			line += fmt.Sprintf(" %7d %7d %7d", a.Pending, a.Dropped, a.Skipped)
		}
		for _, part := range []string{stateCounts(a, st), console.Printable(labels(a.Labels)), console.Printable(a.Version)} {
			if part != "" {
				line += "  " + part
			}
		}
		p.addRow(a.ID, line)
	}
	p.fill(h - len(below))
	p.add(below...)
	return p
}

const (
	agentState = 11  // sign, space, "set aside"
	wideAgents = 100 // from which width on the agents' queues have columns
)

// stateCounts is how many of an agent's monitors are in each state.
func stateCounts(a view.AgentRow, st Styles) string {
	var counts []string
	for _, state := range judge.States {
		if n := a.Counts[state]; n > 0 {
			counts = append(counts, st.in(st.state(state), fmt.Sprintf("%s %d", state.Mark(), n)))
		}
	}
	return strings.Join(counts, " ")
}

// agentBelow is what its row has no room for, and what is wrong with it.
func agentBelow(a view.AgentRow, w int, st Styles) []string {
	head := st.in(st.Head, a.ID) + "  "
	for _, part := range []string{console.Printable(a.Host), console.Printable(labels(a.Labels)), console.Printable(a.Version)} {
		if part != "" {
			head += part + "  "
		}
	}
	out := []string{head + fmt.Sprintf("%d pending, %d dropped, %d skipped", a.Pending, a.Dropped, a.Skipped)}
	for _, n := range agentNotes(a) {
		for _, l := range indented("! "+console.Printable(n), 2, w) {
			out = append(out, st.in(st.Warn, l))
		}
	}
	return out
}

func labels(l map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(l)) {
		out = append(out, k+"="+l[k])
	}
	return strings.Join(out, ",")
}

// agentNotes is what is wrong with an agent, in words.
func agentNotes(a view.AgentRow) []string {
	var out []string
	if why := console.AgentVerdictText(a.Verdict); why != "" {
		out = append(out, why)
	}
	for _, n := range a.Notes {
		out = append(out, a.ID+": "+n)
	}
	if a.Skew != 0 {
		out = append(out, fmt.Sprintf("%s: its clock is %s off ours; times on this screen are corrected", a.ID, console.Short(a.Skew.Abs())))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Refused)) {
		out = append(out, fmt.Sprintf("%s: cannot run %s: %s", a.ID, name, a.Refused[name]))
	}
	for _, kind := range slices.Sorted(maps.Keys(a.Cannot)) {
		out = append(out, fmt.Sprintf("%s: cannot measure %s: %s", a.ID, kind, a.Cannot[kind]))
	}
	return out
}
