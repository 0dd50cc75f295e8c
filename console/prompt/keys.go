package prompt

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/console/words"
)

// search is a search backwards in the history.
type search struct {
	text  string
	found int
}

func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if name != "ctrl+c" {
		m.warned = false
	}
	if m.search != nil && m.searching(name, k.Text) {
		return nil
	}
	if name != "tab" {
		m.offer = nil
	}
	switch name {
	case "enter":
		return m.submit()
	case "ctrl+c":
		return m.interrupt()
	case "ctrl+d":
		if len(m.ed.text) == 0 {
			if m.running != nil {
				m.queue = append(m.queue, "quit")
				return nil
			}
			if m.flow != nil {
				return m.leaveFlow()
			}
			m.ended = true
			return nil
		}
	case "esc":
		if m.flow != nil && m.running == nil {
			m.back()
		}
		return nil
	case "tab":
		m.complete()
		return nil
	case "up", "ctrl+p":
		m.recall(-1)
		return nil
	case "down", "ctrl+n":
		m.recall(1)
		return nil
	case "ctrl+r":
		m.search = &search{found: len(m.history.lines)}
		return nil
	case "ctrl+t":
		if m.running == nil && len(m.o.Full) > 0 && find(m.o.Commands, m.o.Full[0]) != nil {
			return m.full(m.o.Full[:1])
		}
		return nil
	case "ctrl+l":
		return m.clear()
	}
	if m.ed.key(name) {
		return nil
	}
	m.ed.insert(k.Text)
	return nil
}

// paste types text; each line end in it is an Enter.
func (m *model) paste(text string) tea.Cmd {
	m.search = nil
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var cmds []tea.Cmd
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			cmds = append(cmds, m.submit())
		}
		m.ed.insert(line)
	}
	return tea.Batch(cmds...)
}

// interrupt is Ctrl-C: it stops the command, else leaves the flow, else clears
// the line, else leaves the prompt when it is pressed twice.
func (m *model) interrupt() tea.Cmd {
	r := m.running
	switch {
	case r != nil && r.stopped: // it does not end: leave it alone
		m.output(r.out.take(true))
		m.running = nil
		m.say("left alone: " + r.text)
		if m.flow != nil {
			return tea.Batch(m.leaveFlow(), m.next())
		}
		return m.next()
	case r != nil:
		r.stopped = true
		r.stop()
		if n := len(m.queue); n > 0 {
			m.say(fmt.Sprintf("what was typed meanwhile is not run: %s", strings.Join(m.queue, "; ")))
			m.queue = nil
		}
	case len(m.ed.text) > 0:
		m.ed.key("end")
		m.ed.key("ctrl+u")
		m.refused = ""
	case m.flow != nil:
		return m.leaveFlow()
	case m.warned:
		m.ended, m.code = true, 130
	default:
		m.warned = true
		m.say("Ctrl-C once more, Ctrl-D or quit leaves")
	}
	return nil
}

func (m *model) leaveFlow() tea.Cmd {
	next := m.flow.Leave()
	m.flow, m.refused = &next, ""
	return m.proceed()
}

func (m *model) recall(by int) {
	if m.at == len(m.history.lines) {
		m.typed = m.ed.String()
	}
	m.at = min(max(0, m.at+by), len(m.history.lines))
	if m.at == len(m.history.lines) {
		m.ed.set(m.typed)
		return
	}
	m.ed.set(m.history.lines[m.at])
}

// searching takes a key of a search; false ends the search, and the key counts.
func (m *model) searching(name, text string) bool {
	s := m.search
	before := len(m.history.lines)
	switch {
	case name == "ctrl+r":
		before = max(0, s.found)
	case name == "backspace" && s.text != "":
		r := []rune(s.text)
		s.text = string(r[:len(r)-1])
	case name == "esc" || name == "ctrl+c" || name == "ctrl+g":
		m.search = nil
		return true
	case text != "":
		s.text += text
	default:
		m.search = nil
		return false
	}
	if i := m.history.find(s.text, before); i >= 0 && s.text != "" {
		s.found = i
		m.ed.set(m.history.lines[i])
		m.at = i
	}
	return true
}

// complete is the Tab key: it types what is certain and offers the rest.
func (m *model) complete() {
	line := m.ed.before()
	var start int
	var candidates []string
	quote := words.Quote
	if m.flow != nil { // its answers are no command lines
		quote = func(s string) string { return s }
		start = strings.LastIndexAny(line, " ,;") + 1
		candidates = matching(m.flow.Ask().Choices, line[start:])
	} else {
		start, candidates = Complete(line, m.o.Commands, m.snap.Names())
	}
	m.offer = candidates
	switch prefix := commonPrefix(candidates); {
	case len(candidates) == 1:
		m.ed.replace(start, quote(candidates[0])+" ")
		m.offer = nil
	case len(prefix) > len(line)-start:
		m.ed.replace(start, prefix)
	}
}

// clear empties the terminal, but for the prompt. Nothing is printed before
// that is drawn.
func (m *model) clear() tea.Cmd {
	m.inner, m.tall, m.printing = nil, 0, true
	drawn := tea.Tick(beat, func(time.Time) tea.Msg { return printedMsg{} })
	return tea.Sequence(tea.Raw(ansi.EraseEntireScreen+ansi.CursorHomePosition), tea.ClearScreen, drawn)
}
