package prompt

import (
	"fmt"
	"io"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/console"
)

// printLine prints one line above the prompt; fail prints an error as commands do.
func (m *model) printLine(line string) { m.output([]string{line}) }

func (m *model) fail(err error) {
	st := m.o.Styles
	for l := range strings.SplitSeq(console.PrintableText(err.Error()), "\n") {
		m.printLine(st.Failed + "✕ " + st.Reset + l)
	}
}

// output prints lines above the prompt, broken between words where the terminal ends.
func (m *model) output(lines []string) {
	for _, l := range lines {
		l = strings.ReplaceAll(strings.TrimSuffix(l, "\r"), "\t", "    ")
		m.lines = append(m.lines, strings.Split(ansi.Wrap(l, m.width, ""), "\n")...)
	}
}

// The prompt is an area of one height at the bottom of the terminal: the question, and above
// it the last lines that were printed, as many as there is room for. So it stays where it is
// when the question grows, and lines that a tall question covers come back behind it.
//
// bubbletea inserts older lines above this area by scrolling the whole terminal, which is
// right only while they and the area together fit into it: they are inserted a few at a time.

const shortest = 2 // lines of the least question: the line that is typed, and the state of the mesh

// tall is the height of the prompt.
func (m *model) tall() int { return max(3, m.height-max(3, m.height/4)) }

// print inserts above the prompt what has no room in it, as much as fits at once.
func (m *model) print() tea.Cmd {
	if m.printing || m.flow != nil && m.current != nil { // what a measurement prints belongs above the next question
		return nil
	}
	over := min(len(m.lines)-(m.tall()-shortest), m.height-m.tall())
	if over <= 0 {
		return nil
	}
	m.printing = true
	return tea.Sequence(m.insert(over), func() tea.Msg { return printedMsg{} })
}

// insert prints the first n lines above the prompt.
func (m *model) insert(n int) tea.Cmd {
	text := strings.Join(m.lines[:n], "\n")
	m.lines = append([]string(nil), m.lines[n:]...)
	if text == "" {
		text = " " // bubbletea prints no empty text
	}
	return tea.Println(text)
}

// last prints what is still to be printed, and ends.
func (m *model) last() tea.Cmd {
	var cmds []tea.Cmd
	for len(m.lines) > m.tall() {
		cmds = append(cmds, m.insert(min(len(m.lines)-m.tall(), m.height-m.tall())))
	}
	return tea.Sequence(append(cmds, tea.Quit)...)
}

func cut(line string, width int) string { return ansi.Truncate(line, width, "…") }

// View is the prompt, and at the end the lines that it had above the question.
func (m *model) View() tea.View {
	if !m.shown {
		return tea.NewView("")
	}
	if m.ended {
		return tea.NewView(strings.Join(m.above(len(m.lines)), "\n"))
	}
	lines, cursor := m.question()
	spare := max(0, m.tall()-len(lines))
	cursor.Y += spare
	v := tea.NewView(strings.Join(append(m.above(spare), lines...), "\n"))
	v.Cursor = cursor
	return v
}

// above are so many lines to stand above the question: those that were printed last. Where
// the question covers older ones, a line says so.
func (m *model) above(n int) []string {
	above := make([]string, n)
	shown := m.lines[max(0, len(m.lines)-n):]
	for i, l := range shown {
		above[n-len(shown)+i] = cut(l, m.width)
	}
	if covered := len(m.lines) - n; covered > 0 && n > 1 && !m.printing {
		above[0] = m.o.Styles.Dim + fmt.Sprintf("⋮ %d lines are behind the question", covered+1) + m.o.Styles.Reset
	}
	return above
}

// whole is a command that has the terminal to itself.
type whole struct {
	run func(*whole)
	in  io.Reader
	out io.Writer
}

func (w *whole) Run() error            { w.run(w); return nil }
func (w *whole) SetStdin(r io.Reader)  { w.in = r }
func (w *whole) SetStdout(o io.Writer) { w.out = o }
func (w *whole) SetStderr(io.Writer)   {}
