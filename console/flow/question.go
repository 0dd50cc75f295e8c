package flow

import (
	"fmt"
	"strings"

	"netmon/wire"
)

// Question is what a person is asked next.
type Question struct {
	Step, Of int      // where in the flow
	Title    string   // one word or two
	Explain  string   // one line: what it is, and what can be typed
	Lines    []string // what has to be seen to answer
	Default  string   // what Enter alone takes
	Choices  []string // for completion
	Note     string   // what came of the last answer
}

// Ask is the question of this state.
func (f Flow) Ask() Question {
	q := Question{Step: int(f.at) + 1, Of: int(steps), Note: f.note}
	k := f.kindOf()
	switch f.at {
	case stepKind:
		q.Title, q.Explain = "kind", "what is measured"
		q.Default, q.Choices = or(f.draft.Kind, "https"), f.kindNames()
		for _, k := range f.world.Kinds {
			q.Lines = append(q.Lines, fmt.Sprintf("%-6s %s", k.Name, k.Doc))
		}
	case stepTarget:
		q.Title, q.Explain = "target", k.Target+", measured at once from here; or TARGET from AGENT"
		q.Default = or(f.draft.Target, k.Example)
		if f.from != "" && f.draft.Target != "" {
			q.Default += " from " + f.from
		}
		q.Choices = []string{q.Default}
	case stepKeep:
		q.Step = int(f.keep) + 1
		q.Title, q.Explain = "keep it", "that was not ok: yes keeps it all the same, no goes back to change it"
		q.Default, q.Choices = "no", []string{"yes", "no"}
	case stepEvery:
		q.Title, q.Explain = "every", "from one run to the next, such as 500ms, 10s or 1m"
		d := f.draft.Every
		if d == 0 {
			d = max(wire.DefaultEvery, k.MinEvery)
		}
		q.Default = wire.Duration(d).String()
		if k.MinEvery > 0 {
			q.Explain += fmt.Sprintf("; %s allows at least %v", k.Name, wire.Duration(k.MinEvery))
		}
	case stepTimeout:
		q.Title, q.Explain = "timeout", "when a run is given up"
		m := wire.Monitor{Every: wire.Duration(f.draft.Every), Timeout: wire.Duration(f.draft.Timeout)}.WithDefaults()
		q.Default = m.Timeout.String()
	case stepOptions:
		q.Title, q.Explain = "options", "NAME VALUE sets, no NAME unsets, more lists all, Enter goes on"
		q.Default = "done"
		if f.all {
			q.Explain = strings.Replace(q.Explain, "more lists all", "less lists few", 1)
		}
		for _, o := range f.listed() {
			q.Lines = append(q.Lines, f.optionLine(o))
			q.Choices = append(q.Choices, o.Name)
		}
		q.Choices = append(q.Choices, "more", "no", "done")
	case stepWhere:
		q.Title, q.Explain = "where", "all, or ids or label=value by commas; also: all except paris"
		q.Default, q.Choices = f.draft.On, append(f.selectors(), "except")
		if f.draft.Except != "" {
			q.Default += " except " + f.draft.Except
		}
		q.Lines = f.agentLines()
	case stepName:
		q.Title, q.Explain = "name", "what it is called, in commands and in its results' subject"
		q.Default = or(f.draft.Name, f.freeName())
		q.Choices = []string{q.Default}
	case stepConfirm:
		q.Title, q.Explain = "save and start", "yes saves it, no leaves; the same in one line:"
		q.Default, q.Choices = "yes", []string{"yes", "no", "back"}
		q.Lines = []string{f.OneLine()}
	}
	return q
}

func (f Flow) optionLine(o Option) string {
	value := "-"
	if o.Default != "" {
		value = o.Default + " (default)"
	}
	for _, s := range f.draft.Options {
		if s.Name == o.Name {
			value = "= " + strings.Join(s.Values, ", ")
		}
	}
	return fmt.Sprintf("%-16s %-18s %s", o.Name, value, o.Help)
}

func (f Flow) agentLines() []string {
	const most = 6
	lines := []string{}
	for i, a := range f.world.Agents {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(f.world.Agents)-most))
			break
		}
		mark := "● "
		if !a.Online {
			mark = "✕ "
		}
		var labels []string
		for k, v := range sorted(a.Labels) {
			labels = append(labels, k+"="+v)
		}
		line := mark + a.ID
		if !a.Online {
			line += " (offline)"
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%-20s %s", line, strings.Join(labels, " "))))
	}
	if len(lines) == 0 {
		lines = append(lines, "no agent has joined yet: it starts when one does")
	}
	return lines
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
