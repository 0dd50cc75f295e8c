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

// matrixView is a line for each monitor and a column for each agent.
func matrixView(s view.Snapshot, u UI, w int, st Styles) []string {
	if len(s.Monitors) == 0 {
		return empty(s, u)
	}
	name := nameWidth(s.Monitors, w)
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
	out := append(noticeLines(s, st), st.in(st.Dim, strings.TrimRight(head, " ")))
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
		out = append(out, line)
	}
	return out
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

// agentsView is a line for each agent and, below, what is wrong with the chosen one.
func agentsView(s view.Snapshot, u UI, w, h int, st Styles) []string {
	if len(s.Agents) == 0 {
		return []string{"", "  No agent has joined in the last day.", "", "  netmon agent --broker URL --id NAME"}
	}
	id := 5
	for _, a := range s.Agents {
		id = min(max(id, len(a.ID)), max(12, w/5))
	}
	chosen := max(0, slices.IndexFunc(s.Agents, func(a view.AgentRow) bool { return a.ID == u.Agent }))
	notes := agentNotes(s.Agents[chosen])
	below := min(len(notes), max(0, h/3))
	rows := max(1, h-1-below)
	first := max(0, min(chosen-rows/2, len(s.Agents)-rows))
	out := []string{st.in(st.Dim, fmt.Sprintf("  %s %s %s %8s %7s %7s %7s  %s", fit("AGENT", id), fit("STATE", 9), fit("SEEN", 8), "MONITORS", "PENDING", "DROPPED", "SKIPPED", "STATES · LABELS · VERSION"))}
	for i := first; i < min(len(s.Agents), first+rows); i++ {
		a := s.Agents[i]
		name := fit(a.ID, id)
		if i == chosen {
			name = st.in(st.Chosen, name)
		}
		mark, word := agentMark(a.State), a.State
		if x := a.Verdict; x != nil && x.Standing == wire.AgentAside {
			mark, word = judge.Degraded, "aside"
		}
		var counts []string
		for _, state := range judge.States {
			if n := a.Counts[state]; n > 0 {
				counts = append(counts, st.in(st.state(state), fmt.Sprintf("%s %d", state.Mark(), n)))
			}
		}
		out = append(out, fmt.Sprintf("%s%s %s %s %8d %7d %7d %7d  %s  %s  %s", pointer(i == chosen), name, st.in(st.state(mark), fit(mark.Mark()+" "+word, 9)),
			fit(ago(a.Seen, s.At), 8), a.Monitors, a.Pending, a.Dropped, a.Skipped, strings.Join(counts, " "), console.Printable(labels(a.Labels)), console.Printable(a.Version)))
	}
	for len(out) < h-below {
		out = append(out, "")
	}
	for _, n := range notes[:below] {
		out = append(out, st.in(st.Warn, "  ! "+console.Printable(n)))
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
		out = append(out, fmt.Sprintf("%s: its clock differs from ours by %s; times here are corrected by it", a.ID, console.Short(a.Skew.Abs())))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Refused)) {
		out = append(out, fmt.Sprintf("%s: cannot run %s: %s", a.ID, name, a.Refused[name]))
	}
	for _, kind := range slices.Sorted(maps.Keys(a.Cannot)) {
		out = append(out, fmt.Sprintf("%s: cannot measure %s: %s", a.ID, kind, a.Cannot[kind]))
	}
	return out
}
