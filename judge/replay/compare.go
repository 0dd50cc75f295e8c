package replay

import (
	"slices"
	"time"

	"netmon/wire"
)

// Comparison is one monitor under two sets of rules. Durations are in seconds.
type Comparison struct {
	Monitor string  `json:"monitor"`
	Saved   Figures `json:"saved"`           // under the rules that are saved
	Tried   Figures `json:"tried"`           // under those that are tried
	New     []Span  `json:"new"`             // that the rules that are tried would bring
	Gone    []Span  `json:"gone"`            // that they would not
	Same    int     `json:"same"`            // that both have
	Moved   []Moved `json:"moved,omitempty"` // of these, reported at another time
}

// Figures sum up a monitor.
type Figures struct {
	Verdicts int     `json:"verdicts"` // changes of state
	Up       float64 `json:"up_s"`
	Degraded float64 `json:"degraded_s"`
	Down     float64 `json:"down_s"`
	Unknown  float64 `json:"unknown_s"`
	Paused   float64 `json:"paused_s"`
}

// Moved is a span that is reported sooner or later.
type Moved struct {
	Span          // as it is reported under the rules that are tried
	Later float64 `json:"later_s"` // than under those that are saved; less than 0 is sooner
}

// Compare says what the rules that are tried would change. A span is the same under
// both when the other has one of its state at the same time. Only what is reported as bad
// is compared: down, degraded and unknown. Either may be nil.
func Compare(monitor string, saved, tried *Timeline) Comparison {
	c := Comparison{Monitor: monitor, Saved: figures(saved), Tried: figures(tried), New: []Span{}, Gone: []Span{}}
	before, after := bad(saved), bad(tried)
	for _, s := range after {
		i := slices.IndexFunc(before, func(o Span) bool { return overlaps(s, o) })
		if i < 0 {
			c.New = append(c.New, s)
			continue
		}
		c.Same++
		if d := s.Decided.Sub(before[i].Decided); d != 0 {
			c.Moved = append(c.Moved, Moved{s, d.Seconds()})
		}
	}
	for _, s := range before {
		if !slices.ContainsFunc(after, func(o Span) bool { return overlaps(s, o) }) {
			c.Gone = append(c.Gone, s)
		}
	}
	return c
}

// Differs says whether anything would be another way.
func (c Comparison) Differs() bool {
	return c.Saved != c.Tried || len(c.New)+len(c.Gone)+len(c.Moved) > 0
}

func overlaps(a, b Span) bool {
	return a.State == b.State && a.From.Before(b.To) && b.From.Before(a.To)
}

func bad(t *Timeline) []Span {
	if t == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.Spans), func(s Span) bool { return !s.Bad() })
}

func figures(t *Timeline) Figures {
	if t == nil {
		return Figures{}
	}
	in := func(s wire.VerdictState) float64 { return t.In(s).Round(time.Millisecond).Seconds() }
	return Figures{t.Verdicts, in(wire.VerdictUp), in(wire.VerdictDegraded), in(wire.VerdictDown), in(wire.VerdictUnknown), in(wire.VerdictPaused)}
}

// Add sums figures up.
func (f Figures) Add(o Figures) Figures {
	return Figures{f.Verdicts + o.Verdicts, f.Up + o.Up, f.Degraded + o.Degraded, f.Down + o.Down, f.Unknown + o.Unknown, f.Paused + o.Paused}
}
