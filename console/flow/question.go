package flow

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/wire"
)

// Question is what a person is asked next.
type Question struct {
	Step, Of int      // where in the flow
	Title    string   // one word or two
	Explain  string   // one line: what it is, and what can be typed
	Example  string   // how an answer looks, where there is no default
	Rows     []Row    // what a person chooses from
	Set      string   // what earlier answers to this question have set
	Line     []string // the command line that does the same
	Default  string   // what Enter alone takes; "" for nothing
	Choices  []string // for completion
	Note     string   // what came of the last answer
}

// Row is one line of a table.
type Row struct{ Name, Value, Text string }

// Ask is the question of this state.
func (f Flow) Ask() Question {
	q := Question{Step: int(f.at) + 1, Of: int(steps), Note: f.note}
	k := f.kindOf()
	switch f.at {
	case stepKind:
		q.Title, q.Explain = "kind", "what to measure"
		q.Default, q.Choices = or(f.draft.Kind, f.world.Usual), f.kindNames()
		for _, k := range f.world.Kinds {
			q.Rows = append(q.Rows, Row{Name: k.Name, Text: k.Doc})
		}
	case stepTarget:
		f.askTarget(&q, k)
	case stepKeep:
		q.Step = int(f.keep) + 1
		q.Title, q.Explain = "use it anyway", "the run was not ok: yes keeps the target, no goes back"
		q.Default, q.Choices = "no", []string{"yes", "no"}
	case stepEvery:
		q.Title, q.Explain = "every", "the time from one run to the next, such as 500ms, 10s or 1m"
		d := f.draft.Every
		if d == 0 {
			d = max(wire.DefaultEvery, k.MinEvery)
		}
		q.Default = wire.Duration(d).String()
		if k.MinEvery > 0 {
			q.Explain += fmt.Sprintf("; at least %v for %s", wire.Duration(k.MinEvery), k.Name)
		}
	case stepTimeout:
		q.Title, q.Explain = "timeout", "how long a run waits for the target, such as 500ms or 2s"
		m := wire.Monitor{Every: wire.Duration(f.draft.Every), Timeout: wire.Duration(f.draft.Timeout)}.WithDefaults()
		q.Default = m.Timeout.String()
	case stepOptions:
		f.askOptions(&q)
	case stepWhere:
		q.Title, q.Explain = "where", "all; ids, label=value by commas; all except paris; 3 of region=eu"
		q.Default, q.Choices = f.draft.On, append(f.selectors(), "except")
		if f.draft.Except != "" {
			q.Default += " except " + f.draft.Except
		}
		f.askAgents(&q)
	case stepTags:
		q.Title, q.Explain = "tags", "NAME=VALUE, by spaces; lists, rules and silences choose by them"
		q.Default, q.Choices = or(strings.Join(f.draft.Tags, " "), noTags), append(slices.Clone(f.world.Tags), noTags)
	case stepName:
		q.Title, q.Explain = "name", "what commands and results call it"
		q.Default = or(f.draft.Name, f.world.FreeName(f.draft.Kind, f.draft.Target))
		q.Choices = []string{q.Default}
	case stepConfirm:
		q.Title, q.Explain = "save and start", "yes saves it, no leaves without saving"
		q.Default, q.Choices = "yes", []string{"yes", "no", "back"}
		q.Line = f.Line()
	}
	return q
}

func (f Flow) askTarget(q *Question, k Kind) {
	q.Title, q.Explain = "target", k.Target+", measured now from here; or: TARGET from AGENT"
	q.Example = "such as " + k.Example
	q.Default = or(f.draft.Target, k.Propose)
	if q.Default == "" {
		return
	}
	if f.from != "" && f.draft.Target != "" {
		q.Default += " from " + f.from
	}
	q.Choices = []string{q.Default}
}

func (f Flow) askOptions(q *Question) {
	q.Title, q.Explain = "options", "NAME VALUE sets, no NAME unsets, ? NAME explains, more: all"
	q.Default = "done"
	more := "more"
	if f.all {
		q.Explain, more = strings.Replace(q.Explain, "more: all", "less: few", 1), "less"
	}
	for _, o := range f.listed() {
		q.Rows = append(q.Rows, f.optionRow(o))
		q.Choices = append(q.Choices, o.Name)
	}
	q.Choices = append(q.Choices, more, "no", "done")
	q.Set = strings.Join(optionArgs(f.draft.Options), " ")
}

func (f Flow) optionRow(o Option) Row {
	row := Row{Name: o.Name, Value: "-", Text: o.Help}
	if o.Default != "" {
		row.Value = o.Default
	}
	for _, s := range f.draft.Options {
		if s.Name == o.Name {
			row.Value = "= " + strings.Join(s.Values, ", ")
		}
	}
	return row
}

func (f Flow) askAgents(q *Question) {
	for _, a := range f.world.Agents {
		row := Row{Name: "● " + a.ID}
		if !a.Online {
			row.Name, row.Value = "✕ "+a.ID, "offline"
		}
		var labels []string
		for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
			labels = append(labels, k+"="+a.Labels[k])
		}
		row.Text = strings.Join(labels, " ")
		q.Rows = append(q.Rows, row)
	}
	if len(q.Rows) == 0 {
		q.Rows = []Row{{Text: "no agent has joined yet: the monitor starts when one does"}}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
