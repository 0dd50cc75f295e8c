package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
)

// matrixBody is a row of the matrix, or its head.
type matrixBody struct {
	Name  string
	State stateView
	cells string // see Cells
}

type matrixCell struct {
	Here  bool
	State stateView
	Text  string
}

// matrix is each monitor on each agent.
func matrixOf(m Model) frame {
	sn := m.Snapshot(view.Query{Cells: true, Calm: true})
	f := frame{title: "Matrix", parts: []part{linkOf(m, sn), {ID: "head", Shape: "matrix-head", Body: matrixBody{cells: strings.Join(sn.AgentIDs, "\n")}}}}
	for i := range sn.Monitors {
		r := &sn.Monitors[i]
		var states, latencies []string
		for _, c := range r.Cells {
			word := ""
			if c.Here {
				word = c.State.String()
			}
			states, latencies = append(states, word), append(latencies, latencyText(c.Last))
		}
		f.parts = append(f.parts, part{ID: "x-" + r.Name, Shape: "matrix-row", Listed: true, Line: strings.Join(latencies, "\n"), Body: matrixBody{Name: r.Name, State: stateOf(r.State), cells: strings.Join(states, "\n")}})
	}
	return f
}

// Agents are the names in the head.
func (b matrixBody) Agents() []string { return split(b.cells) }

// With are the cells of a row, given the latencies.
func (b matrixBody) With(latencies string) (list []matrixCell) {
	texts := split(latencies)
	for i, word := range split(b.cells) {
		c := matrixCell{Here: word != ""}
		var st judge.State
		if c.Here && st.UnmarshalText([]byte(word)) == nil {
			c.State = stateOf(st)
			if i < len(texts) {
				c.Text = texts[i]
			}
		}
		list = append(list, c)
	}
	return list
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// agentBody is one agent.
type agentBody struct {
	ID, Word, Class, Mark string
	Labels                string
	Version               string
	Counts                string
	Verdict               string
}

// agents is the page of all agents.
func agentsOf(m Model) frame {
	sn := m.Snapshot(view.Query{Agents: true, Limit: 1})
	f := frame{title: "Agents", parts: []part{linkOf(m, sn), {ID: "count", Shape: "count", Body: countBody{Text: agentsText(sn.Totals)}}}}
	for i := range sn.Agents {
		a := &sn.Agents[i]
		b := agentBody{ID: console.Printable(a.ID), Word: a.State, Labels: labelsText(a.Labels), Version: console.Printable(a.Version), Counts: countsText(a.Counts), Verdict: console.AgentVerdictText(a.Verdict)}
		st := stateOf(judge.Down)
		switch {
		case a.State == "online" && b.Verdict == "":
			st = stateOf(judge.Up)
		case a.State == "online":
			st = stateOf(judge.Degraded)
		case a.State != "offline":
			st = stateOf(judge.Unknown)
		}
		b.Mark, b.Class = st.Mark, st.Class
		f.parts = append(f.parts, part{ID: "a-" + a.ID, Shape: "agent", Body: b, Listed: true, Cells: [cellsMost]Figured{orNone(sinceText(a.Seen, sn.At))}})
	}
	return f
}

func labelsText(labels map[string]string) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, k+"="+labels[k])
	}
	return console.Printable(strings.Join(list, " "))
}

func countsText(n judge.Counts) string {
	var list []string
	for _, st := range judge.States {
		if n[st] > 0 {
			list = append(list, fmt.Sprintf("%d %s", n[st], st))
		}
	}
	return strings.Join(list, ", ")
}
