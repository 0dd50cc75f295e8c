package judge_test

import (
	"netmon/wire"
)

// clauses of a monitor, on a copy of how it is saved.
func (s *scenario) parseSave(w *words, names []string) func(*world) {
	var set []func(*wire.Saved)
	add := func(f func(*wire.Saved)) { set = append(set, f) }
	rule := func(f func(*wire.Rule)) {
		add(func(m *wire.Saved) {
			r := wire.Rule{}
			if m.Verdict != nil {
				r = *m.Verdict
			}
			f(&r)
			m.Verdict = &r
		})
	}
	for len(w.rest) > 0 {
		switch clause := w.next("a clause"); clause {
		case "every":
			d := w.duration()
			add(func(m *wire.Saved) { m.Every = wire.Duration(d) })
		case "timeout":
			d := w.duration()
			add(func(m *wire.Saved) { m.Timeout = wire.Duration(d) })
		case "kind":
			kind := w.next("a kind")
			add(func(m *wire.Saved) { m.Kind = kind })
		case "target":
			target := w.next("a target")
			add(func(m *wire.Saved) { m.Target = target })
		case "quorum":
			q, err := wire.ParseQuorum(w.next("a quorum"))
			must(err)
			rule(func(r *wire.Rule) { r.Quorum = q })
		case "down":
			var d wire.Strikes
			must(d.UnmarshalText([]byte(w.next("BAD/RUNS"))))
			rule(func(r *wire.Rule) { r.Down = d })
		case "up":
			n := w.number()
			rule(func(r *wire.Rule) { r.Up = n })
		case "crosscheck":
			var c wire.Crosscheck
			if !w.accept("off") {
				c = wire.Crosscheck(w.number())
			}
			rule(func(r *wire.Rule) { r.Crosscheck = &c })
		case "depends":
			parents := s.matchMonitors(w.next("monitors"))
			add(func(m *wire.Saved) { m.DependsOn = parents })
		case "on":
			list := split(w.next("agents"))
			add(func(m *wire.Saved) { m.Agents = list })
		case "except":
			list := split(w.next("agents"))
			add(func(m *wire.Saved) { m.Except = list })
		case "paused":
			add(func(m *wire.Saved) { m.Paused = true })
		case "absent":
			fail("absent stands alone after the name")
		default:
			fail("want every, timeout, kind, target, quorum, down, up, crosscheck, depends, on, except or paused, got %q", clause)
		}
	}
	return func(x *world) {
		for _, name := range names {
			x.save(name, func(m *wire.Saved) {
				for _, f := range set {
					f(m)
				}
			})
		}
	}
}
