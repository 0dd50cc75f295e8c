package prompt

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/flow"
	"netmon/console/shellwords"
)

// begin starts adding a monitor step by step.
func (m *model) begin(args []string) tea.Cmd {
	f := flow.New(m.o.World(m.snap))
	m.ask(f)
	m.hold()
	m.printLine("add a monitor: Enter takes the value in [ ], ? explains, Esc goes back, Ctrl-C leaves")
	if len(args) > 0 { // the kind
		return m.answer(args[0])
	}
	return nil
}

// answer gives a line to the flow.
func (m *model) answer(line string) tea.Cmd {
	q := m.flow.Ask()
	m.explained = nil
	switch words := strings.Fields(line); {
	case len(words) > 0 && (words[0] == "?" || words[0] == "help"):
		m.explained, m.refused = explain(q, words[1:], m.width), ""
		return nil
	case len(words) == 1 && words[0] == "more" && m.turn(q):
		return nil
	}
	next, err := m.flow.Answer(line)
	if err != nil {
		m.refused = console.PrintableText(err.Error())
		m.ed.set(line) // to be mended in place
		return nil
	}
	if text := strings.TrimSpace(line); text == "" {
		line = q.Default
	}
	if is := next.Ask(); is.Title != q.Title || is.Set != q.Set || next.Command() != nil {
		m.printLine(m.o.Styles.Dim + "  " + q.Title + ": " + m.o.Styles.Reset + line)
	}
	m.ask(next)
	return m.proceed()
}

// ask makes the flow's question the present one. The page of its list stays while the
// list does.
func (m *model) ask(f flow.Flow) {
	if was, is := m.flow, f.Ask(); was == nil || was.Ask().Title != is.Title || len(was.Ask().Rows) != len(is.Rows) {
		m.page = 0
	}
	m.flow, m.refused, m.explained = &f, "", nil
}

// turn shows the next page of a question's list, and behind the last the first. It is
// false where the question itself knows what more there is.
func (m *model) turn(q flow.Question) bool {
	m.question() // lays the list out
	if m.pageAfter == 0 && (m.page == 0 || slices.Contains(q.Choices, "more")) {
		return false
	}
	m.page = m.pageAfter
	m.refused = ""
	return true
}

// proceed does what the flow wants done, or asks its next question.
func (m *model) proceed() tea.Cmd {
	switch {
	case m.flow.Done():
		m.flow = nil
		m.release()
	case m.flow.Left():
		m.flow = nil
		m.printLine("nothing is saved")
		m.release()
	case m.flow.Command() != nil:
		if m.flow.Saves() {
			m.printLine("the same as a command:")
			m.lines = append(m.lines, m.foldedLine(m.flow.Line())...)
			if err := m.history.Add(shellwords.Join(m.flow.Command())); err != nil {
				m.fail(err)
			}
			m.at = len(m.history.lines)
		}
		return m.start(m.flow.Command())
	}
	return nil
}

// executed tells the flow how its command ended.
func (m *model) executed(ok bool) tea.Cmd {
	m.ask(m.flow.Executed(ok))
	return m.proceed()
}

// explain is the long form of a question, or of some rows of its list.
func explain(q flow.Question, names []string, width int) (out []string) {
	for _, r := range q.Rows {
		if slices.Contains(names, r.Name) {
			out = append(out, hanging(r.Name+": ", r.Text, width)...)
		}
	}
	if len(names) > 0 && len(out) > 0 {
		return out
	}
	out = hanging(q.Title+": ", q.Explain, width)
	switch {
	case q.Default != "":
		out = append(out, hanging("Enter takes ", q.Default, width)...)
	case q.Example != "":
		out = append(out, hanging("", q.Example, width)...)
	}
	if len(q.Choices) > 1 {
		out = append(out, hanging("you can type: ", strings.Join(q.Choices, ", "), width)...)
	}
	return append(out, hanging("", "back or Esc goes back, cancel or Ctrl-C leaves without saving", width)...)
}
