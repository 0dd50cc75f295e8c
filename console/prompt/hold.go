package prompt

import (
	"fmt"
	"time"
)

// An answer that a person has to read is not scrolled away by results: they wait until
// the next line is typed, or until nobody has pressed a key for a while. They also wait
// while a monitor is added step by step.
const (
	longAnswer = 6           // lines of an answer that are read at a glance
	holdMost   = time.Minute // since the last key
)

// hold makes results and incidents wait.
func (m *model) hold() {
	if m.o.Stream.Mode() != Off {
		m.holding = m.now
	}
}

func (m *model) held() bool { return !m.holding.IsZero() }

// overdue says that nobody reads any more.
func (m *model) overdue() bool { return m.flow == nil && m.now.Sub(m.holding) >= holdMost }

// touched says that somebody is there, and may be reading on.
func (m *model) touched() {
	if m.held() {
		m.holding = m.now
	}
}

// release lets results stream again. Those that came meanwhile are counted.
func (m *model) release() {
	if !m.held() || m.flow != nil {
		return
	}
	m.holding = time.Time{}
	if missed := m.o.Stream.Skip(); missed.All > 0 {
		m.printLine(m.o.Styles.Dim + "… meanwhile " + missed.count("result") + m.o.Styles.Reset)
	}
}

func (m *model) heldText() string {
	text := "results wait while you read: Enter shows them again"
	if m.flow != nil {
		text = "results wait until the monitor is added"
	}
	if n := m.o.Stream.Waiting(); n > 0 {
		text += fmt.Sprintf(" · %s so far", thousands(n))
	}
	return text
}
