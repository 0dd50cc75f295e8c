package prompt

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/flow"
)

// begin starts adding a monitor step by step.
func (m *model) begin(args []string) tea.Cmd {
	f := flow.New(m.o.World(m.snap))
	m.flow, m.refused, m.came = &f, "", ""
	m.say("add a monitor: Enter takes what is in [ ], Esc goes back, Ctrl-C leaves")
	if len(args) > 0 { // the kind
		return m.answer(args[0])
	}
	m.asked()
	return nil
}

// answer gives a line to the flow.
func (m *model) answer(line string) tea.Cmd {
	if s := strings.TrimSpace(line); s == "?" || s == "help" {
		m.output(explain(m.flow.Ask()))
		return nil
	}
	q := m.flow.Ask()
	next, err := m.flow.Answer(line)
	if err != nil {
		m.refused = console.PrintableText(err.Error())
		m.ed.set(line) // to be mended in place
		return nil
	}
	m.refused, m.came = "", ""
	if text := strings.TrimSpace(line); text == "" {
		line = q.Default
	}
	if len(q.Lines) > 1 && len(q.Lines) <= m.room() { // the choices stay above the answer
		for _, l := range q.Lines {
			m.say(m.o.Styles.Dim + cut("    "+console.Printable(l), m.width) + m.o.Styles.Reset)
		}
	}
	m.say(m.o.Styles.Dim + "  " + q.Title + ": " + m.o.Styles.Reset + line)
	m.flow = &next
	return m.proceed()
}

// proceed does what the flow wants done, or asks its next question.
func (m *model) proceed() tea.Cmd {
	switch {
	case m.flow.Done():
		m.flow = nil
	case m.flow.Left():
		m.flow = nil
		m.say("nothing is saved")
	case m.flow.Run() != nil:
		if m.flow.Saves() {
			line := m.flow.OneLine()
			m.say("the same in one line: " + line)
			if err := m.history.Add(strings.TrimPrefix(line, "netmon ")); err != nil {
				m.fail(err)
			}
			m.at = len(m.history.lines)
		}
		return m.run(m.flow.Run())
	default:
		m.asked()
	}
	return nil
}

// ran tells the flow how its command ended.
func (m *model) ran(ok bool) tea.Cmd {
	next := m.flow.Ran(ok)
	m.flow = &next
	return m.proceed()
}

func (m *model) back() {
	next := m.flow.Back()
	m.flow, m.refused, m.came = &next, "", ""
	m.asked()
}

// asked prints what belongs to the question and is too long to stay in sight.
func (m *model) asked() {
	if q := m.flow.Ask(); len(q.Lines) > m.room() {
		for _, l := range q.Lines {
			m.lines = append(m.lines, cut("    "+console.Printable(l), m.width))
		}
	}
}

// room is how many lines a question may keep in sight.
func (m *model) room() int { return min(10, max(0, m.height-10)) }

// explain is the long form of a question.
func explain(q flow.Question) []string {
	out := []string{q.Title + ": " + q.Explain, "Enter takes " + q.Default + "; back or < goes back; cancel leaves without saving"}
	if len(q.Choices) > 0 {
		out = append(out, "such as: "+strings.Join(q.Choices, ", "))
	}
	return out
}
