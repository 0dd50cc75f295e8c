package judge_test

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// scenario is one of those in testdata/scenarios: README.md there has the language.
type scenario struct {
	file, title string
	agents      []agentSpec
	monitors    []string // every name that the text declares
	steps       []step
	checks      []check
	until       time.Duration
	pending     string // why it does not hold yet
}

type agentSpec struct {
	id     string
	labels map[string]string
	absent bool
}

// step is something that happens.
type step struct {
	line int
	at   time.Duration
	do   func(*world)
}

// check is something that has to be so. Those without a time are asked at the end.
type check struct {
	line int
	text string
	at   time.Duration
	end  bool
	// Where of is a monitor, the check is made so long after the first bad result
	// of it that is stored from at on.
	of    string
	after time.Duration
	hold  func(*world) error
}

// parse reads the scenarios of a file, and reports every mistake with its line.
func parse(file, text string) (list []*scenario, err error) {
	var mistakes []error
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		title, ok := strings.CutPrefix(line, "scenario ")
		switch {
		case ok:
			list = append(list, &scenario{file: file, title: strings.TrimSpace(title)})
		case strings.TrimSpace(line) == "":
		case len(list) == 0:
			return nil, fmt.Errorf("%s:%d: want scenario TITLE first, got %q", file, i+1, line)
		default:
			if err := list[len(list)-1].parseLine(i+1, line); err != nil {
				mistakes = append(mistakes, fmt.Errorf("%s:%d: %w", file, i+1, err))
			}
		}
	}
	for _, s := range list {
		s.setEnd()
	}
	return list, errors.Join(mistakes...)
}

// setEnd has a scenario without an end of its own end half a minute after the
// last thing in it.
func (s *scenario) setEnd() {
	if s.until > 0 {
		return
	}
	for _, x := range s.steps {
		s.until = max(s.until, x.at+30*time.Second)
	}
	for _, x := range s.checks {
		s.until = max(s.until, x.at+x.after+30*time.Second)
	}
}

func (s *scenario) parseLine(n int, line string) (err error) {
	w := &words{rest: strings.Fields(line), line: n}
	defer func() {
		switch m := recover().(type) {
		case nil:
		case mistake:
			err = m
		default:
			panic(m)
		}
	}()
	w.text = strings.Join(w.rest, " ")
	switch verb := w.next("a verb"); verb {
	case "agents":
		s.parseAgents(w)
	case "monitor":
		names := expand(w.next("the monitor's name"))
		s.monitors = append(s.monitors, names...)
		if w.accept("absent") {
			break
		}
		s.addStep(w, 0, s.parseSave(w, names))
	case "at":
		at := w.duration()
		s.parseFact(w, at)
	case "until":
		s.until = w.duration()
	case "pending":
		s.pending = strings.Join(w.rest, " ")
		w.rest = nil
	default:
		s.parseCheck(w, verb)
	}
	w.end()
	return nil
}

func (s *scenario) addStep(w *words, at time.Duration, do func(*world)) {
	s.steps = append(s.steps, step{w.line, at, do})
}

// agents paris(region=eu) rome a1..a20(region=ap) [absent]
func (s *scenario) parseAgents(w *words) {
	for from := len(s.agents); len(w.rest) > 0; {
		word := w.next("an agent")
		if word == "absent" {
			for i := range s.agents[from:] {
				s.agents[from+i].absent = true
			}
			return
		}
		id, list, _ := strings.Cut(strings.TrimSuffix(word, ")"), "(")
		for _, id := range expand(id) {
			s.agents = append(s.agents, agentSpec{id: id, labels: labels(list)})
		}
	}
}

func labels(list string) map[string]string {
	out := map[string]string{}
	for _, pair := range split(list) {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			fail("want LABEL=VALUE, got %q", pair)
		}
		out[key] = value
	}
	return out
}
