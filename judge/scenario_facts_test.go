package judge_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// condition is what an agent's runs of a monitor find.
type condition struct {
	failure wire.Failure // empty: ok
	outcome wire.Outcome
	takes   time.Duration // 0: what is usual
	chance  float64       // of the failure; the rest is ok
	period  time.Duration // so long the failure, then so long ok
	from    time.Duration
	once    bool // the next run alone
}

var fine = condition{outcome: wire.OK}

// at T ...
func (s *scenario) parseFact(w *words, at time.Duration) {
	switch subject := w.next("what happens"); subject {
	case "agent":
		s.parseAgentFact(w, at)
	case "broker":
		down := w.oneOf("down", "up") == "down"
		s.addStep(w, at, func(x *world) { x.setBroker(down) })
	case "judge":
		w.want("restarts")
		s.addStep(w, at, (*world).restartJudge)
	case "save":
		names := s.matchMonitors(w.next("monitors"))
		s.addStep(w, at, s.parseSave(w, names))
	case "pause", "resume":
		names := s.matchMonitors(w.next("monitors"))
		s.addStep(w, at, func(x *world) {
			for _, name := range names {
				x.save(name, func(m *wire.Saved) { m.Paused = subject == "pause" })
			}
		})
	case "delete":
		names := s.matchMonitors(w.next("monitors"))
		s.addStep(w, at, func(x *world) {
			for _, name := range names {
				x.remove(name)
			}
		})
	default:
		s.parseCondition(w, at, s.matchMonitors(subject))
	}
}

// at T MONITORS ok|FAILURE [in D] [N% of runs] [flapping D] [once] [everywhere | from AGENTS] [for D]
func (s *scenario) parseCondition(w *words, at time.Duration, names []string) {
	c := fine
	if word := w.next("ok or a failure"); word != "ok" {
		i := slices.IndexFunc(wire.Failures, func(f wire.FailureDoc) bool { return string(f.Failure) == word })
		if i < 0 {
			fail("want ok or a failure of subjects.md, such as refused or timeout, got %q", word)
		}
		c = condition{failure: wire.Failures[i].Failure, outcome: wire.Failures[i].Outcome, chance: 1}
	}
	c.from = at
	agents := s.matchAgents("all")
	var lasts time.Duration
	for len(w.rest) > 0 {
		switch word := w.next("a word"); word {
		case "in":
			c.takes = w.duration()
		case "flapping":
			c.period = w.duration()
		case "once":
			c.once = true
		case "everywhere":
		case "from":
			agents = s.matchAgents(w.next("agents"))
		case "for":
			lasts = w.duration()
		default:
			percent, err := strconv.ParseFloat(strings.TrimSuffix(word, "%"), 64)
			if err != nil || !strings.HasSuffix(word, "%") {
				fail("want in, flapping, once, everywhere, from, for or a percentage such as 1%%, got %q", word)
			}
			w.want("of")
			w.want("runs")
			c.chance = percent / 100
		}
	}
	s.addStep(w, at, func(x *world) { x.setCondition(names, agents, c) })
	if lasts > 0 {
		s.addStep(w, at+lasts, func(x *world) { x.setCondition(names, agents, fine) })
	}
}

// at T agent NAMES WHAT
func (s *scenario) parseAgentFact(w *words, at time.Duration) {
	ids := s.matchAgents(w.next("agents"))
	each := func(f func(*world, *agent)) {
		s.addStep(w, at, func(x *world) {
			for _, id := range ids {
				f(x, x.agent(id))
			}
		})
	}
	switch what := w.next("what becomes of it"); what {
	case "cut": // it reaches neither targets nor broker
		each(func(_ *world, a *agent) { a.linked, a.cut = false, true })
	case "isolated": // it does not reach the broker
		each(func(_ *world, a *agent) { a.linked = false })
	case "back":
		each(func(x *world, a *agent) { a.linked, a.cut = true, false; x.connect(a) })
	case "stops": // without a goodbye
		each(func(_ *world, a *agent) { a.stop() })
	case "leaves":
		each((*world).leave)
	case "forgotten":
		each((*world).dropAgent)
	case "starts":
		each((*world).start)
	case "clock": // +1h: it is ahead by an hour
		word := w.next("how much it is ahead, such as +1h")
		d := duration(strings.TrimPrefix(word, "+"))
		each(func(_ *world, a *agent) { a.clock = d })
	case "lags": // what it measures is stored so much later
		d := w.duration()
		each(func(_ *world, a *agent) { a.lag = d })
	case "ignores":
		w.want("asks")
		each(func(_ *world, a *agent) { a.deaf = true })
	case "labels":
		set := labels(w.next("labels"))
		each(func(x *world, a *agent) { a.labels = set; x.beat(a); x.sync(a) })
	default:
		fail("want cut, isolated, back, stops, leaves, forgotten, starts, clock, lags, ignores or labels, got %q", what)
	}
}
