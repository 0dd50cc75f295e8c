package prompt

import (
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/console"
)

// say prints one line above the prompt; err is told as commands tell theirs.
func (m *model) say(line string) { m.output([]string{line}) }

func (m *model) fail(err error) {
	st := m.o.Styles
	for _, l := range strings.Split(console.PrintableText(err.Error()), "\n") {
		m.say(st.Failed + "✕ " + st.Reset + l)
	}
}

// output prints lines above the prompt, broken between words where the terminal ends.
func (m *model) output(lines []string) {
	for _, l := range lines {
		l = strings.ReplaceAll(strings.TrimSuffix(l, "\r"), "\t", "    ")
		m.lines = append(m.lines, strings.Split(ansi.Wrap(l, m.width, ""), "\n")...)
	}
}

// The prompt never becomes less tall: bubbletea leaves parts of it behind then,
// and it would no longer stand at the bottom. Where there is less to ask, the
// last lines that were printed stand in its place, above the question.

// spare is the room for printed lines in the prompt, which is so tall itself.
func (m *model) spare(tall int) int {
	m.tall = max(m.tall, min(tall, m.height))
	return max(0, m.tall-tall)
}

// print gives the terminal as many lines as fit above the prompt at once.
func (m *model) print() tea.Cmd {
	if m.printing || m.flow != nil && m.running != nil { // what it prints belongs above the next question
		return nil
	}
	lines, _ := m.question()
	n := min(len(m.lines), max(1, m.height-12))
	m.inner = append(m.inner, m.lines[:n]...)
	m.lines = append([]string(nil), m.lines[n:]...)
	over := len(m.inner) - m.spare(len(lines))
	if over <= 0 {
		return nil
	}
	text := strings.Join(m.inner[:over], "\n")
	m.inner = append([]string(nil), m.inner[over:]...)
	if text == "" {
		text = " " // bubbletea prints no empty text
	}
	m.printing = true
	return tea.Sequence(tea.Println(text), func() tea.Msg { return printedMsg{} })
}

// last prints what is still to be printed, and ends.
func (m *model) last() tea.Cmd {
	m.inner = append(m.inner, m.lines...)
	m.lines = nil
	over := max(0, len(m.inner)-m.tall)
	if over == 0 {
		return tea.Quit
	}
	text := strings.Join(m.inner[:over], "\n")
	m.inner = m.inner[over:]
	return tea.Sequence(tea.Println(text), tea.Quit)
}

func cut(line string, width int) string { return ansi.Truncate(line, width, "…") }

// View is the prompt, below what of the printed lines stands in its place.
func (m *model) View() tea.View {
	if !m.shown || m.ended && len(m.inner) == 0 {
		return tea.NewView("")
	}
	var lines []string
	var cursor *tea.Cursor
	if !m.ended {
		lines, cursor = m.question()
	}
	spare := max(0, m.tall-len(lines))
	above := make([]string, spare)
	inner := m.inner[max(0, len(m.inner)-spare):]
	for i, l := range inner {
		above[spare-len(inner)+i] = cut(l, m.width)
	}
	v := tea.NewView(strings.Join(append(above, lines...), "\n"))
	if cursor != nil {
		cursor.Y += spare
		v.Cursor = cursor
	}
	return v
}

// question is what is asked, what runs, what is being typed, and how the mesh is.
func (m *model) question() (lines []string, cursor *tea.Cursor) {
	add := func(style, text string) {
		lines = append(lines, style+cut(text, m.width)+m.o.Styles.Reset)
	}
	label := m.label()
	if m.flow != nil {
		q := m.flow.Ask()
		add(m.o.Styles.Dim, strings.Repeat("─", min(m.width, 60)))
		add("", fmt.Sprintf("add %d/%d %s: %s", q.Step, q.Of, q.Title, q.Explain))
		if m.came != "" && m.running == nil {
			add("", "  → "+m.came)
		}
		if len(q.Lines) <= m.room() {
			for _, l := range q.Lines {
				if len(q.Lines) > 1 { // a list
					add("", "    "+console.Printable(l))
					continue
				}
				for _, part := range strings.Split(ansi.Hardwrap(console.Printable(l), m.width-4, true), "\n") {
					lines = append(lines, "    "+part)
				}
			}
		}
		if q.Note != "" {
			add(m.o.Styles.Dim, "  "+console.Printable(q.Note))
		}
		if m.refused != "" {
			for _, l := range strings.Split(m.refused, "\n") {
				add(m.o.Styles.Failed, "✕ "+l)
			}
		}
		label = q.Title + " [" + console.Printable(q.Default) + "] › "
	}
	if m.search != nil {
		label = "search " + m.search.text + " › "
	}
	label = cut(label, m.width/2)
	text, column := m.ed.view(m.width - ansi.StringWidth(label))
	cursor = tea.NewCursor(ansi.StringWidth(label)+column, len(lines))
	lines = append(lines, m.mark()+label+m.o.Styles.Reset+text)
	if len(m.offer) > 1 {
		for _, l := range columns(m.offer, m.width, 4) {
			add(m.o.Styles.Dim, l)
		}
	}
	return append(lines, m.status()), cursor
}

func (m *model) label() string {
	if !m.snap.Lost.IsZero() {
		return "✕ " + m.snap.Broker + " › "
	}
	return "● " + m.snap.Broker + " › "
}

func (m *model) mark() string {
	if !m.snap.Lost.IsZero() {
		return m.o.Styles.Failed
	}
	return m.o.Styles.OK
}

func (m *model) runningWords(r *running) string {
	text := "running " + r.text
	if d := m.now.Sub(r.since); d >= time.Second {
		text += fmt.Sprintf(", %d s", int(d.Seconds()))
	}
	switch {
	case r.stopped:
		text += ": stopping; Ctrl-C leaves it alone"
	default:
		text += ": Ctrl-C stops it"
	}
	if n := len(m.queue); n > 0 {
		text += fmt.Sprintf("; %d typed for later", n)
	}
	return text
}

func (m *model) status() string {
	st := m.o.Styles
	if m.running != nil {
		return st.Dim + cut(m.runningWords(m.running), m.width) + st.Reset
	}
	if lost := m.snap.Lost; !lost.IsZero() {
		text := fmt.Sprintf("broker away for %d s: reconnecting; agents measure on", int(max(0, m.now.Sub(lost).Seconds())))
		if m.snap.Never {
			text = fmt.Sprintf("no broker for %d s: connecting again and again", int(max(0, m.now.Sub(lost).Seconds())))
		}
		return st.Failed + cut("✕ "+text, m.width) + st.Reset
	}
	text := fmt.Sprintf("%s%s · %s%s · results %s · Tab completes · ? helps", Count(len(m.snap.Monitors), "monitor"), console.NotWell(m.snap.Totals),
		Count(m.snap.Online(), "agent"), console.JudgedWithout(m.snap.Totals), m.o.Stream.Mode())
	return st.Dim + cut(text, m.width) + st.Reset
}

// Count writes how many there are of something.
func Count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// columns lays candidates out, at most so many lines of them.
func columns(list []string, width, most int) []string {
	wide := 0
	for _, s := range list {
		wide = max(wide, ansi.StringWidth(s)+2)
	}
	per := max(1, width/wide)
	var out []string
	for i := 0; i < len(list); i += per {
		if len(out) == most {
			return append(out[:most-1], fmt.Sprintf("… and %d more: type on", len(list)-(most-1)*per))
		}
		var b strings.Builder
		for _, s := range list[i:min(i+per, len(list))] {
			b.WriteString(s + strings.Repeat(" ", wide-ansi.StringWidth(s)))
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}

// help is what `help` prints.
func help(list []Command) []string {
	out := []string{"The words here are the program's commands:"}
	for _, c := range list {
		out = append(out, fmt.Sprintf("  %-10s %s", c.Names[0], c.Usage))
	}
	return append(out,
		"help COMMAND tells more of one. Such as:",
		"  add                     a monitor step by step; add https example.com at once",
		"  start web on paris      and stop web on all, delete web, show web, edit web",
		"  probe tcp db:5432 from region=eu   measure once, now; without from: here",
		"  results off             what streams: on, failures, changes, off",
		"  broker                  the broker, and what it keeps",
		"  quit                    leave; what runs goes on running",
		"Tab completes, up and down go through the history, Ctrl-R searches it, Ctrl-C",
		"stops a command, Ctrl-T shows the live screen, Ctrl-L clears the terminal.",
	)
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
