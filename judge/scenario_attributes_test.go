package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// view is what a check of a state looks at, whatever it is about.
type view struct {
	state    string
	since    time.Time
	blame    *wire.Blame
	quorum   wire.VerdictQuorum
	flapping bool
	frozen   bool
	why      string
	line     string // all of it, for people
}

// viewOf is the verdict that holds now.
func (s subjects) viewOf(w *world, name string) view {
	switch s.what {
	case "monitor":
		v, ok := w.judge.Verdict(name)
		if !ok {
			return view{state: "nothing", line: "there is no verdict"}
		}
		return view{string(v.State), v.Since, v.Blame, v.Quorum, v.Flapping, v.Frozen, v.Why, brief(&v)}
	case "agent":
		v, ok := w.judge.AgentVerdict(name)
		if !ok {
			return view{state: "nothing", line: "there is no verdict"}
		}
		return view{state: string(v.Status), since: v.Since, blame: v.Blame, why: v.Why, line: said{at: w.now, Change: judge.Change{Agent: &v}}.String()}
	}
	out := view{state: "heard", line: "nothing was said of the mesh"}
	for _, x := range w.said {
		if x.Mesh != nil {
			out.state, _ = x.about()
			out.since, out.why, out.line = x.Mesh.Since, x.Mesh.Why, x.String()
		}
	}
	return out
}

// X is STATE[, ATTRIBUTE]...
func (s *scenario) parseIs(w *words) func(*world) error {
	subjects := s.parseSubjects(w)
	w.want("is")
	if len(w.rest) == 0 {
		fail("want a state at the end of the line")
	}
	parts := strings.Split(strings.Join(w.rest, " "), ",")
	first := &words{rest: strings.Fields(parts[0])}
	state := subjects.state(first)
	first.end()
	w.rest = nil
	var wants []attribute
	for _, part := range parts[1:] {
		wants = append(wants, s.parseAttribute(part))
	}
	return each(subjects, func(x *world, name string) error {
		v := subjects.viewOf(x, name)
		if v.state != state {
			return fmt.Errorf("want %s, got %s", state, v.line)
		}
		for i, hold := range wants {
			if !hold(v) {
				return fmt.Errorf("want%s, got %s", parts[1+i], v.line)
			}
		}
		return nil
	})
}

// attribute says whether a verdict has it.
type attribute func(view) bool

func (s *scenario) parseAttribute(text string) attribute {
	w := &words{rest: strings.Fields(text)}
	defer w.end()
	switch word := w.next("an attribute after the comma"); word {
	case "sure":
		return func(v view) bool { return v.blame != nil && v.blame.Sure }
	case "not":
		switch what := w.oneOf("sure", "flapping", "frozen"); what {
		case "sure":
			return func(v view) bool { return v.blame != nil && !v.blame.Sure }
		case "flapping":
			return func(v view) bool { return !v.flapping }
		default:
			return func(v view) bool { return !v.frozen }
		}
	case "flapping":
		return func(v view) bool { return v.flapping }
	case "frozen":
		return func(v view) bool { return v.frozen }
	case "names":
		names := w.names()
		return func(v view) bool { return v.blame != nil && slices.Equal(sorted(v.blame.Names), names) }
	case "need":
		n := w.number()
		return func(v view) bool { return v.quorum.Need == n }
	case "since":
		from, to := w.span()
		return func(v view) bool { d := v.since.Sub(began); return d >= from && d <= to }
	case "saying":
		words := strings.Join(w.rest, " ")
		w.rest = nil
		return func(v view) bool { return strings.Contains(v.why, words) }
	case "down", "slow", "up", "blind", "silent", "aside":
		names := w.names()
		return func(v view) bool { return slices.Equal(sorted(listOf(v.quorum, word)), names) }
	default:
		i := slices.IndexFunc(wire.BlameClasses, func(b wire.BlameDoc) bool { return string(b.Class) == word })
		if i < 0 {
			fail("want a blame class, sure, not, flapping, frozen, names, need, since, saying, down, slow, up, blind, silent or aside, got %q", word)
		}
		class := wire.BlameClasses[i].Class
		return func(v view) bool { return v.blame != nil && v.blame.Class == class }
	}
}

func listOf(q wire.VerdictQuorum, name string) []string {
	switch name {
	case "down":
		return q.Down
	case "slow":
		return q.Slow
	case "up":
		return q.Up
	case "blind":
		return q.Blind
	case "silent":
		return q.Silent
	}
	return q.Aside
}

// names are the rest of the words, or nobody.
func (w *words) names() []string {
	var names []string
	if !w.accept("nobody") {
		names = w.rest
		if len(names) == 0 {
			fail("want names, or nobody")
		}
		w.rest = nil
	}
	return sorted(names)
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// span is T or T..T; T alone leaves a second to both sides.
func (w *words) span() (from, to time.Duration) {
	word := w.next("a time")
	a, b, ok := strings.Cut(word, "..")
	if !ok {
		d := duration(a)
		return d - time.Second, d + time.Second
	}
	return duration(a), duration(b)
}
