package judge_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

const forever = time.Duration(math.MaxInt64)

// parseCheck reads what has to be so.
func (s *scenario) parseCheck(w *words, verb string) {
	c := check{line: w.line, text: w.text, end: true}
	switch verb {
	case "by": // by T X is STATE
		c.end, c.at = false, w.duration()
		c.hold = s.parseIs(w)
	case "within": // within D of the first bad result of M after T X is STATE
		c.after = w.duration()
		for word := range strings.FieldsSeq("of the first bad result of") {
			w.want(word)
		}
		c.of, c.end = s.matchMonitors(w.next("a monitor"))[0], false
		w.want("after")
		c.at = w.duration()
		c.hold = s.parseIs(w)
	case "from": // from T to T X stays STATE
		from := w.duration()
		w.want("to")
		to := w.duration()
		subjects := s.parseSubjects(w)
		w.want("stays")
		state := subjects.state(w)
		c.hold = each(subjects, func(x *world, name string) error {
			for _, p := range subjects.periods(x, name) {
				if p.state != state && p.from < to && p.to > from {
					return fmt.Errorf("%s is %s from %v to %v", name, orNothing(p.state), p.from, min(p.to, x.now))
				}
			}
			return nil
		})
	case "never": // never X STATE [before T | after T | from T to T]
		subjects := s.parseSubjects(w)
		state := subjects.state(w)
		from, to := w.window()
		c.hold = each(subjects, func(x *world, name string) error {
			for _, p := range subjects.periods(x, name) {
				if p.state == state && p.from < to && p.to > from {
					return fmt.Errorf("%s is %s from %v to %v: %s", name, p.state, p.from, min(p.to, x.now), p.why)
				}
			}
			return nil
		})
	case "changes", "verdicts": // changes X N [before T | after T | from T to T]
		subjects := s.parseSubjects(w)
		least, most := w.count()
		from, to := w.window()
		c.hold = each(subjects, func(x *world, name string) error {
			var n int
			settled := subjects.what != "monitor"
			periods := subjects.periods(x, name)
			for i, p := range periods[1:] {
				same := p.state == periods[i].state
				if settled && p.from >= from && p.from < to && (!same || verb == "verdicts" && i > 0) {
					n++
				}
				settled = settled || p.state != "unknown" // that is how a monitor begins
			}
			return counted(verb+" of "+name, n, least, most)
		})
	case "asks": // asks M N [before T | after T | from T to T]
		names := s.matchMonitors(w.next("a monitor"))
		least, most := w.count()
		from, to := w.window()
		c.hold = func(x *world) error {
			var n int
			for _, q := range x.asked {
				if slices.Contains(names, q.Monitor) && q.at >= from && q.at < to {
					n++
				}
			}
			return counted("asks", n, least, most)
		}
	default:
		fail("want agents, monitor, at, by, within, from, never, changes, verdicts, asks or until, got %q", verb)
	}
	s.checks = append(s.checks, c)
}

func counted(what string, n, least, most int) error {
	switch {
	case n >= least && n <= most:
		return nil
	case least == most:
		return fmt.Errorf("there are %d %s, want %d", n, what, least)
	}
	return fmt.Errorf("there are %d %s, want %d to %d", n, what, least, most)
}

// count is N, none, or N..M.
func (w *words) count() (least, most int) {
	word := w.next("a number")
	if word == "none" {
		return 0, 0
	}
	if _, err := fmt.Sscanf(word, "%d..%d", &least, &most); err == nil {
		return least, most
	}
	w.rest = append([]string{word}, w.rest...)
	n := w.number()
	return n, n
}

func (w *words) window() (from, to time.Duration) {
	switch {
	case w.accept("before"):
		return 0, w.duration()
	case w.accept("after"):
		return w.duration(), forever
	case w.accept("from"):
		from = w.duration()
		w.want("to")
		return from, w.duration()
	}
	return 0, forever
}

// subjects are those that a check is about: monitors, agents, or the mesh.
type subjects struct {
	what  string // monitor, agent, mesh
	names []string
}

func (s *scenario) parseSubjects(w *words) subjects {
	switch {
	case w.accept("mesh"):
		return subjects{"mesh", []string{"mesh"}}
	case w.accept("agent"):
		return subjects{"agent", s.matchAgents(w.next("agents"))}
	}
	return subjects{"monitor", s.matchMonitors(w.next("a monitor, agent or mesh"))}
}

// state reads a state that such a subject can have.
func (s subjects) state(w *words) string {
	switch s.what {
	case "mesh":
		return w.oneOf("frozen", "heard")
	case "agent":
		return w.oneOf("able", "aside", "away")
	}
	return w.oneOf("up", "degraded", "down", "unknown", "paused", "nothing")
}

func each(s subjects, f func(*world, string) error) func(*world) error {
	return func(w *world) error {
		for _, name := range s.names {
			if err := f(w, name); err != nil {
				return err
			}
		}
		return nil
	}
}

// period is how long a verdict held.
type period struct {
	state    string // empty: nothing was said yet
	from, to time.Duration
	why      string
}

// periods are the verdicts on a subject. At first there is none on a monitor, an agent
// is able, and the mesh is heard.
func (s subjects) periods(w *world, name string) []period {
	out := []period{{to: forever, state: map[string]string{"agent": "able", "mesh": "heard"}[s.what]}}
	for _, x := range w.said {
		state, about := x.about()
		if about != s.what+" "+name {
			continue
		}
		out[len(out)-1].to = x.at
		out = append(out, period{state, x.at, forever, x.String()})
	}
	return out
}

func orNothing(state string) string {
	if state == "" {
		return "not judged"
	}
	return state
}

// about is the state that was said, and of what.
func (s said) about() (state, subject string) {
	switch {
	case s.Monitor != nil:
		return string(s.Monitor.State), "monitor " + s.Monitor.Monitor
	case s.Agent != nil:
		return string(s.Agent.Status), "agent " + s.Agent.Agent
	case s.Mesh.Frozen:
		return "frozen", "mesh mesh"
	}
	return "heard", "mesh mesh"
}

// String is the verdict in one line.
func (s said) String() string {
	switch {
	case s.Monitor != nil:
		return fmt.Sprintf("%v: %s", s.at, brief(s.Monitor))
	case s.Agent != nil:
		return fmt.Sprintf("%v: agent %s %s since %v%s, %d monitors: %s", s.at, s.Agent.Agent, s.Agent.Status, s.Agent.Since.Sub(began), blamed(s.Agent.Blame), s.Agent.Monitors, s.Agent.Why)
	}
	return fmt.Sprintf("%v: mesh frozen %v since %v: %s", s.at, s.Mesh.Frozen, s.Mesh.Since.Sub(began), s.Mesh.Why)
}

func brief(v *wire.Verdict) string {
	q := v.Quorum
	return fmt.Sprintf("%s %s since %v%s, need %d, down %v slow %v up %v blind %v silent %v aside %v, flapping %v frozen %v: %s",
		v.Monitor, v.State, v.Since.Sub(began), blamed(v.Blame), q.Need, q.Down, q.Slow, q.Up, q.Blind, q.Silent, q.Aside, v.Flapping, v.Frozen, v.Why)
}

func blamed(b *wire.Blame) string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf(", %s%v sure=%v", b.Class, b.Names, b.Sure)
}
