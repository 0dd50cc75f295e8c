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

// output prints lines above the prompt, broken where the terminal ends.
func (m *model) output(lines []string) {
	for _, l := range lines {
		l = strings.ReplaceAll(strings.TrimSuffix(l, "\r"), "\t", "    ")
		m.lines = append(m.lines, strings.Split(ansi.Hardwrap(l, m.width, true), "\n")...)
	}
}

// print gives the terminal as many lines as fit above the prompt at once.
func (m *model) print() tea.Cmd {
	if m.printing || len(m.lines) == 0 {
		return nil
	}
	n := min(len(m.lines), max(1, m.height-12))
	text := strings.Join(m.lines[:n], "\n")
	m.lines = append([]string(nil), m.lines[n:]...)
	if text == "" {
		text = " " // bubbletea prints no empty text
	}
	m.printing = true
	return tea.Sequence(tea.Println(text), func() tea.Msg { return printedMsg{} })
}

func cut(line string, width int) string { return ansi.Truncate(line, width, "…") }

// View is the prompt: what is asked, what runs, what is being typed, and how
// the mesh is.
func (m *model) View() tea.View {
	if m.ended || !m.shown {
		return tea.NewView("")
	}
	var lines []string
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
	if r := m.running; r != nil {
		add(m.o.Styles.Dim, m.runningWords(r))
	}
	if m.search != nil {
		label = "search " + m.search.text + " › "
	}
	label = cut(label, m.width/2)
	text, column := m.ed.view(m.width - ansi.StringWidth(label))
	cursor := tea.NewCursor(ansi.StringWidth(label)+column, len(lines))
	lines = append(lines, m.mark()+label+m.o.Styles.Reset+text)
	if len(m.offer) > 1 {
		for _, l := range columns(m.offer, m.width, 4) {
			add(m.o.Styles.Dim, l)
		}
	}
	lines = append(lines, m.status())
	v := tea.NewView(strings.Join(lines, "\n"))
	v.Cursor = cursor
	return v
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
	if lost := m.snap.Lost; !lost.IsZero() {
		text := fmt.Sprintf("broker away for %d s: reconnecting; agents measure on", int(max(0, m.now.Sub(lost).Seconds())))
		if m.snap.Never {
			text = fmt.Sprintf("no broker for %d s: connecting again and again", int(max(0, m.now.Sub(lost).Seconds())))
		}
		return st.Failed + cut("✕ "+text, m.width) + st.Reset
	}
	text := fmt.Sprintf("%s · %s · results %s · Tab completes · ? helps",
		Count(len(m.snap.Monitors), "monitor"), Count(m.snap.Online(), "agent"), m.o.Stream.Mode())
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
	out := []string{
		"The words here are the program's commands: help COMMAND tells more of one.",
		"  add                     a monitor step by step; add https example.com at once",
		"  start web on paris      and stop web on all, delete web, show web",
		"  probe tcp db:5432 from region=eu   measure once, now; without from: here",
		"  results off             what streams: on, failures, changes, off",
		"  broker                  the broker, and what it keeps",
		"  quit                    leave; what runs goes on running",
		"Tab completes, up and down go through the history, Ctrl-R searches it, Ctrl-C stops a command.",
		"Commands:",
	}
	for _, c := range list {
		out = append(out, fmt.Sprintf("  %-10s %s", c.Names[0], c.Usage))
	}
	return out
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
