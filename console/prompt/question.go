package prompt

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/flow"
	"netmon/console/shellwords"
	"netmon/internal/timetext"
)

const offerMost = 4 // lines of candidates below the line

// question is the flow's question, the line that is being typed, its completions, and the
// state of the mesh. It fits into the prompt.
func (m *model) question() (lines []string, cursor *tea.Cursor) {
	room := m.tall() - shortest
	var offer []string
	if len(m.offer) > 1 && !m.listed {
		offer = columns(m.offer, m.width, min(offerMost, room))
	}
	label := m.label()
	if m.flow != nil {
		q := m.flow.Ask()
		lines = m.asked(q, room-len(offer))
		label = q.Title + " › "
		if q.Default != "" {
			usual := cut(console.Printable(q.Default), m.width/2-ansi.StringWidth(q.Title)-len(" []  "))
			label = q.Title + " [" + usual + "] › "
		}
	}
	switch {
	case m.search != nil:
		label = "search " + m.search.text + " › "
	case m.begun != "":
		label = "… › "
	}
	label = cut(label, m.width/2)
	text, column := m.ed.view(m.width - ansi.StringWidth(label))
	cursor = tea.NewCursor(ansi.StringWidth(label)+column, len(lines))
	lines = append(lines, m.mark()+label+m.o.Styles.Reset+text)
	for _, l := range offer {
		lines = append(lines, m.o.Styles.Dim+l+m.o.Styles.Reset)
	}
	return append(lines, m.status()), cursor
}

// asked is a question of the flow in at most room lines. What does not fit of its list is
// on other pages.
func (m *model) asked(q flow.Question, room int) []string {
	var head, tail []string
	add := func(to *[]string, style, first, text string) {
		for _, l := range hanging(first, text, m.width) {
			*to = append(*to, style+l+m.o.Styles.Reset)
		}
	}
	add(&head, m.o.Styles.Dim, "", strings.Repeat("─", min(m.width, 60)))
	add(&head, "", fmt.Sprintf("add %d/%d %s: ", q.Step, q.Of, q.Title), q.Explain)
	if q.Set != "" {
		add(&tail, "", "  set: ", console.Printable(q.Set))
	}
	if len(q.Line) > 0 {
		for _, l := range m.foldedLine(q.Line) {
			tail = append(tail, cut(l, m.width))
		}
	}
	if q.Note != "" {
		add(&tail, m.o.Styles.Dim, "  ", console.Printable(q.Note))
	}
	if m.refused != "" {
		for l := range strings.SplitSeq(m.refused, "\n") {
			add(&tail, m.o.Styles.Failed, "✕ ", l)
		}
	}
	room -= len(head) + len(tail)
	list := m.listOf(q, min(room, m.height/2))
	switch {
	case len(m.explained) > 0:
		list = m.explained[:min(len(m.explained), max(1, room))]
	case m.listed:
		list = columns(m.offer, m.width, max(1, room))
	}
	lines := append(append(head, list...), tail...)
	return lines[max(0, len(list)-room):] // in a very small terminal the answer matters most
}

// foldedLine is a command line that a copy of the screen keeps whole.
func (m *model) foldedLine(args []string) []string {
	printable := make([]string, len(args))
	for i, a := range args {
		printable[i] = console.Printable(a)
	}
	return shellwords.Fold(printable, m.width-1, ansi.StringWidth) // a terminal may wrap a full line
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

// status is the last line: the command that runs, the broker that is away, or the mesh.
func (m *model) status() string {
	st := m.o.Styles
	if m.current != nil {
		return st.Dim + cut(m.executionText(m.current), m.width) + st.Reset
	}
	if lost := m.snap.Lost; !lost.IsZero() {
		text := fmt.Sprintf("broker away for %d s: reconnecting; agents keep measuring", int(max(0, m.now.Sub(lost).Seconds())))
		if m.snap.Never {
			text = fmt.Sprintf("no broker for %d s: still trying to connect", int(max(0, m.now.Sub(lost).Seconds())))
		}
		return st.Failed + cut("✕ "+text, m.width) + st.Reset
	}
	if m.held() {
		return st.Dim + cut(m.heldText(), m.width) + st.Reset
	}
	results := string(m.o.Stream.Mode())
	if m.o.Stream.Mode() != Off {
		results += " (" + timetext.Zone(m.now) + ")" // of their times
	}
	text := fmt.Sprintf("%s%s · %s%s · results %s · Tab completes · ? helps", Count(len(m.snap.Monitors), "monitor"), console.NotWell(m.snap.Totals),
		Count(m.snap.Online(), "agent"), console.JudgedWithout(m.snap.Totals), results)
	return st.Dim + cut(text, m.width) + st.Reset
}

func (m *model) executionText(r *execution) string {
	text := "running " + r.text
	if d := m.now.Sub(r.since); d >= time.Second {
		text += fmt.Sprintf(", %d s", int(d.Seconds()))
	}
	if r.stopped {
		text += ": stopping; Ctrl-C again does not wait"
	} else {
		text += ": Ctrl-C stops it"
	}
	if n := len(m.queue); n > 0 {
		text += fmt.Sprintf("; %d typed for later", n)
	}
	return text
}

// Count writes how many there are of something.
func Count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
