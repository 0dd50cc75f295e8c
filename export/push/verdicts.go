package push

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// verdictSubjects are the verdicts on monitors.
const verdictSubjects = "verdicts.*"

// change is one message of the stream VERDICTS.
type change struct {
	life     time.Time
	sequence uint64
	verdict  *wire.Verdict // nil where it cannot be read
	data     []byte
	left     uint64 // that are stored behind it
}

// lastVerdicts are the states that hold, by monitor.
func lastVerdicts(ctx context.Context, js jetstream.JetStream) (out []change, err error) {
	t, err := tail.Open(ctx, js, wire.VerdictsStream, tail.From{Subjects: []string{verdictSubjects}, Last: true})
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		c, err := nextChange(t, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		if c.left == 0 {
			break
		}
	}
	return out, nil
}

func nextChange(t *tail.Tail, log *slog.Logger) (change, error) {
	m, meta, err := t.Next()
	if err != nil {
		return change{}, err
	}
	c := change{life: t.Stream().Created, sequence: meta.Sequence.Stream, data: m.Data, left: meta.NumPending}
	v, err := wire.DecodeVerdict(m.Subject, m.Data)
	if err != nil {
		log.Warn("a verdict cannot be read: it is left out", "sequence", c.sequence, "error", err)
		return c, nil
	}
	if v.At.After(meta.Timestamp.Add(clockTolerance)) || v.At.Before(meta.Timestamp.Add(-minutesMost*time.Minute)) {
		v.At = meta.Timestamp
	}
	c.verdict = &v
	return c, nil
}

// readVerdicts hands over changes after a place, and first that there are none where that
// is so, until ctx ends.
func readVerdicts(ctx context.Context, js jetstream.JetStream, at Place, log *slog.Logger, opened func(*tail.Tail), to chan<- change) error {
	t, err := openAt(ctx, js, wire.VerdictsStream, at, tail.From{Subjects: []string{verdictSubjects}}, log)
	if err != nil {
		return err
	}
	defer t.Stop()
	opened(t)
	c := change{life: at.Life, sequence: at.Sequence}
	for first := t.Left() == 0; ; first = false {
		if !first {
			if c, err = nextChange(t, log); err != nil {
				return err
			}
		}
		select {
		case to <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// minuteAfter is how long after a minute its states are repeated: verdicts of that
	// minute have come by then.
	minuteAfter = 10 * time.Second
	// minutesMost is for how long states are repeated that nobody repeated in time.
	minutesMost = 24 * 60
)

// timeline turns changes into states at moments: each change at its time, and each state
// that holds once a minute, at times that are the same whoever repeats them.
type timeline struct {
	states map[string]*state
	minute int64 // up to which states were repeated
	caught bool  // all changes that are stored were read
}

type state struct {
	is   wire.VerdictState
	last time.Time // of what was sent of it
}

// hold notes a state that held before.
func (t *timeline) hold(v *wire.Verdict) {
	last := time.Unix(t.minute*60, 0) // it was repeated then
	if v.At.After(last) {
		last = v.At
	}
	t.states[v.Monitor] = &state{is: v.State, last: last}
}

// due is the last minute that may be repeated.
func due(now time.Time) int64 { return now.Add(-minuteAfter).Unix() / 60 }

// repeat appends the states at a minute, of monitors that are saved. One that changed
// later already has been sent.
func (t *timeline) repeat(into []Verdict, minute int64, saved func(string) bool) []Verdict {
	at := time.Unix(minute*60, 0).UTC()
	t.minute = minute
	for _, name := range slices.Sorted(maps.Keys(t.states)) { // the same order for whoever repeats them
		s := t.states[name]
		switch {
		case !saved(name):
			delete(t.states, name)
		case s.last.Before(at):
			s.last = at
			into = append(into, Verdict{Monitor: name, State: s.is, At: at})
		}
	}
	return into
}

// bound leaves out minutes of long ago, and forgets those of a clock that was ahead.
func (t *timeline) bound(now int64) {
	switch {
	case t.minute < now-minutesMost:
		t.minute = now - minutesMost
	case t.minute > now+60:
		t.minute = now
		for _, s := range t.states {
			if last := time.Unix(now*60, 0).UTC(); s.last.After(last) {
				s.last = last
			}
		}
	}
}

// change appends a change, behind what was sent of its monitor.
func (t *timeline) change(into []Verdict, c change) []Verdict {
	s := t.states[c.verdict.Monitor]
	if s == nil {
		s = &state{}
		t.states[c.verdict.Monitor] = s
	}
	at := c.verdict.At
	if !at.After(s.last) {
		at = s.last.Add(time.Millisecond)
	}
	s.is, s.last = c.verdict.State, at
	return append(into, Verdict{Monitor: c.verdict.Monitor, State: s.is, At: at, Change: c.verdict, Sequence: c.sequence, Data: c.data})
}
