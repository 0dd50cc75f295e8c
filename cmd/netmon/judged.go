package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"netmon/console"
	"netmon/console/output"
	"netmon/judge"
	"netmon/wire"
)

// judged is a saved monitor and its state, which -o yaml leaves out: that is what
// apply takes.
type judged struct {
	wire.Saved
	State    judge.State         `json:"state"`
	Since    time.Time           `json:"since,omitzero"`     // when the state began
	Why      string              `json:"why,omitempty"`      // in one sentence
	Blame    *wire.Blame         `json:"blame,omitempty"`    // whose fault it is
	Quorum   *wire.VerdictQuorum `json:"quorum,omitempty"`   // who sees what
	Incident string              `json:"incident,omitempty"` // while it is not up
	Flapping bool                `json:"flapping,omitempty"`
	Frozen   bool                `json:"frozen,omitempty"`
	Here     bool                `json:"judged_here,omitempty"` // no controller leads: the console judged
	Muted    []string            `json:"muted,omitempty"`       // silences and windows by which nobody is notified
	In       string              `json:"in_incident,omitempty"` // the open incident that it is a member of

	verdict *wire.Verdict
	refused []string // by agents that do not run it, each with why
}

func judgedOf(m wire.Saved, s console.Status) judged {
	j := judged{Saved: m, State: s.State, Since: s.Since.UTC(), Why: s.Why, Here: s.Here, verdict: s.Verdict}
	if v := s.Verdict; v != nil {
		j.Blame, j.Quorum, j.Incident, j.Flapping, j.Frozen = v.Blame, &v.Quorum, v.Incident, v.Flapping, v.Frozen
	}
	if j.Muted = s.Muted; s.In != nil {
		j.In = s.In.ID
	}
	for _, a := range s.Agents {
		if a.Reason == judge.AgentRefused {
			j.refused = append(j.refused, a.Agent+": "+a.Why)
		}
	}
	return j
}

// monitorListing lists monitors and the state of each, the worst first; where no
// states are given they are unknown, and in the order of their names.
func monitorListing(list []wire.Saved, states []console.Status) output.Listing[judged] {
	items := make([]judged, len(list))
	for i, m := range list {
		if items[i] = (judged{Saved: m, State: judge.Unknown}); i < len(states) {
			items[i] = judgedOf(m, states[i])
		}
	}
	slices.SortStableFunc(items, func(a, b judged) int { return cmp.Compare(a.State, b.State) })
	now := time.Now()
	return output.Listing[judged]{Kind: "Monitors", Items: items,
		None: "no monitor is saved; a first one: netmon add tcp 127.0.0.1:4222 --name broker",
		Name: func(m judged) string { return m.Name },
		After: func(w io.Writer) {
			if len(items) > 0 && items[0].Here {
				fmt.Fprintln(w, console.JudgedHere)
			}
			for _, m := range items {
				for _, why := range m.refused {
					fmt.Fprintf(w, "%s on %s\n", m.Name, console.Printable(why))
				}
			}
		},
		Steady: func(m judged) string {
			data, err := json.Marshal(m.Saved)
			return fmt.Sprint(m.State, m.Since, m.Flapping, m.Muted, m.In, m.refused, string(data), err)
		},
		Columns: []output.Column[judged]{
			{Title: "NAME", Cut: output.Naming, Cell: func(m judged) string { return m.Name }},
			{Title: "STATE", Cell: func(m judged) string { return m.State.String() }},
			{Title: "SINCE", Cell: func(m judged) string { return console.SinceText(m.Since, now) }},
			{Title: "KIND", Cell: func(m judged) string { return m.Kind }},
			{Title: "TARGET", Cut: output.Place, Cell: func(m judged) string { return m.Target }},
			{Title: "EVERY", Cell: func(m judged) string { return m.Every.String() }},
			{Title: "AGENTS", Cut: output.Place, Cell: func(m judged) string { return console.Where(m.Saved) }},
			{Title: "REVISION", Extra: true, Cell: func(m judged) string { return output.Revision(m.Edition) }},
			{Title: "WHY", Cut: output.Prose, Cell: func(m judged) string { return console.MutedText(console.WhyListed(m.Why, m.verdict), m.Muted) }},
		},
		Wide: []output.Column[judged]{
			{Title: "TIMEOUT", Cell: func(m judged) string { return m.Timeout.String() }},
			output.Author(func(m judged) string { return m.Author }),
			{Title: "CHANGE", Cell: func(m judged) string { return m.Change }},
			{Title: "OPTIONS", Cell: func(m judged) string { return string(m.Options) }},
			{Title: "TAGS", Cell: func(m judged) string { return console.TagText(m.Tags) }},
			{Title: "INCIDENT", Cell: func(m judged) string { return m.In }},
		}}
}
