package replay

import (
	"time"

	"netmon/wire"
)

// Span is a time in which a monitor was in one state.
type Span struct {
	State   wire.VerdictState `json:"state"`
	From    time.Time         `json:"from"` // the start of the run that began it, UTC
	Decided time.Time         `json:"told"` // when it was decided, UTC
	To      time.Time         `json:"to"`   // when the next state began, or the time that was looked at ended, UTC
	Why     string            `json:"why"`  // when it was decided
	Blame   wire.BlameClass   `json:"blame,omitempty"`
}

// For is how long it was.
func (s Span) For() time.Duration { return s.To.Sub(s.From) }

// Bad says whether anybody is notified of it.
func (s Span) Bad() bool { return s.State != wire.VerdictUp && s.State != wire.VerdictPaused }

// Timeline is what became of one monitor: spans that follow each other.
type Timeline struct {
	Monitor  string
	Verdicts int // changes of state
	Spans    []Span

	open bool // the last one continues
}

// add notes a verdict.
func (t *Timeline) add(v *wire.Verdict) {
	if t.open && t.last().State == v.State {
		return
	}
	from := v.Since
	if t.open && from.Before(t.last().From) {
		from = t.last().From
	}
	t.end(from)
	s := Span{State: v.State, From: from, Decided: v.At, Why: v.Why}
	if v.Blame != nil {
		s.Blame = v.Blame.Class
	}
	t.Spans = append(t.Spans, s)
	t.open = true
}

func (t *Timeline) last() *Span { return &t.Spans[len(t.Spans)-1] }

// end ends the last span.
func (t *Timeline) end(at time.Time) {
	if t.open {
		t.last().To = at
		t.open = false
	}
}

// cut keeps what was decided from one time to another, and the state at its beginning.
func (t *Timeline) cut(from, to time.Time) {
	var kept []Span
	for i, s := range t.Spans {
		if !s.To.After(from) || !s.From.Before(to) {
			continue
		}
		if i > 0 && !s.Decided.Before(from) && t.Spans[i-1].To.Equal(s.From) { // else it is the first that is known
			t.Verdicts++
		}
		s.From, s.To = later(s.From, from), earlier(s.To, to)
		kept = append(kept, s)
	}
	t.Spans = kept
}

// In is how long it was in a state.
func (t *Timeline) In(state wire.VerdictState) (d time.Duration) {
	if t == nil {
		return 0
	}
	for _, s := range t.Spans {
		if s.State == state {
			d += s.For()
		}
	}
	return d
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
