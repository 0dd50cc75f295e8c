package prompt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/console/shellwords"
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
	m.touched()
	if name != "tab" {
		m.offer, m.listed = nil, false
	}
	switch name {
	case "enter":
		return m.submit()
	case "ctrl+c":
		return m.interrupt()
	case "ctrl+d":
		if len(m.ed.text) == 0 {
			if m.current != nil {
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
		switch {
		case m.flow != nil && m.current == nil:
			m.ask(m.flow.Back())
		case m.flow == nil:
			m.release()
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
		if m.current == nil && len(m.o.Full) > 0 && find(m.o.Commands, m.o.Full[0]) != nil {
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

// paste types text; each line end in it counts as Enter.
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

// interrupt is Ctrl-C. It does the first of these that applies: stop the command, clear
// the line, leave the flow, leave the prompt when pressed twice.
func (m *model) interrupt() tea.Cmd {
	r := m.current
	switch {
	case r != nil && r.stopped: // it does not end: do not wait for it
		m.output(r.out.drain(true))
		m.current = nil
		m.printLine("no longer waiting for: " + r.text)
		if m.flow != nil {
			return tea.Batch(m.leaveFlow(), m.next())
		}
		return m.next()
	case r != nil:
		r.stopped = true
		r.stop()
		if n := len(m.queue); n > 0 {
			m.printLine(fmt.Sprintf("typed meanwhile, not run: %s", strings.Join(m.queue, "; ")))
			m.queue = nil
		}
	case len(m.ed.text) > 0 || m.begun != "":
		m.ed.key("end")
		m.ed.key("ctrl+u")
		m.refused, m.begun = "", ""
	case m.flow != nil:
		return m.leaveFlow()
	case m.warned:
		m.ended, m.code = true, 130
	default:
		m.warned = true
		m.printLine("Ctrl-C again, Ctrl-D or quit leaves the prompt")
	}
	return nil
}

func (m *model) leaveFlow() tea.Cmd {
	m.ask(m.flow.Leave())
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

// searching takes a key of a search. It returns false for a key that ends the search and
// has its usual meaning.
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

// complete is the Tab key: it types what is certain and offers the rest. Pressed again, it
// lists all candidates.
func (m *model) complete() {
	line := m.ed.before()
	var start int
	var candidates []string
	quote := shellwords.Quote
	if m.flow != nil { // its answers are no command lines
		quote = func(s string) string { return s }
		start = strings.LastIndexAny(line, " ,;") + 1
		candidates = matching(m.flow.Ask().Choices, line[start:])
	} else {
		names := m.snap.Names()
		names.Ask = m.o.Ask
		start, candidates = Complete(m.begun+line, m.o.Commands, names)
		if start -= len(m.begun); start < 0 {
			return
		}
	}
	if again := slices.Equal(m.offer, candidates); again && len(candidates) > 1 && !m.listed {
		m.list(candidates)
		return
	}
	m.offer = candidates
	switch prefix := commonPrefix(candidates); {
	case len(candidates) == 1:
		end := " "
		if m.flow == nil && strings.HasSuffix(candidates[0], "=") { // its value follows
			end = ""
		}
		m.ed.replace(start, quote(candidates[0])+end)
		m.offer = nil
	case len(prefix) > len(line)-start:
		m.ed.replace(start, prefix)
	}
}

// list shows all candidates, unless all of them are below the line already: above it, and
// those of a question in place of its list.
func (m *model) list(candidates []string) {
	all := columns(candidates, m.width, len(candidates))
	if len(all) <= offerMost {
		return
	}
	m.listed = true
	if m.flow != nil {
		return
	}
	m.output(all)
	m.hold()
}

// clear clears the terminal and draws the prompt again. Nothing is printed before that.
func (m *model) clear() tea.Cmd {
	m.lines, m.printing = nil, true
	drawn := tea.Tick(beat, func(time.Time) tea.Msg { return printedMsg{} })
	empty := ansi.EraseEntireScreen
	if at := m.View().Cursor; at != nil { // bubbletea draws the prompt around the cursor: at the bottom
		empty += ansi.CursorPosition(at.X+1, m.height-m.tall()+at.Y+1)
	}
	return tea.Sequence(tea.Raw(empty), tea.ClearScreen, drawn)
}
