package console

import (
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

func TestStand(t *testing.T) {
	m := web()
	m.Revision, m.Every, m.Timeout = 7, wire.Duration(10*time.Second), wire.Duration(time.Second)
	agent := func(id string, online bool) Agent { return Agent{Alive: wire.Alive{Agent: id}, Online: online} }
	heard := func(o wire.Outcome, age time.Duration, revision uint64) Heard {
		return Heard{wire.Result{Outcome: o, Revision: revision}, age}
	}
	both := []Agent{agent("paris", true), agent("tokyo", true)}
	ok, failed, broken := heard(wire.OK, 0, 7), heard(wire.Failed, 0, 7), heard(wire.Broken, 0, 7)
	for _, c := range []struct {
		name   string
		agents []Agent
		last   map[string]Heard
		want   judge.State
	}{
		{"all up", both, map[string]Heard{"paris": ok, "tokyo": ok}, judge.Up},
		{"one failed", both, map[string]Heard{"paris": ok, "tokyo": failed}, judge.Degraded},
		{"all failed", both, map[string]Heard{"paris": failed, "tokyo": failed}, judge.Down},
		{"nobody is there", nil, nil, judge.Unknown},
		{"nothing measured", both, nil, judge.Unknown},
		{"of one nothing is known", both, map[string]Heard{"paris": ok}, judge.Degraded},
		{"failed on one, unknown on the other", both, map[string]Heard{"paris": failed}, judge.Down},
		{"a gap is not up", both[:1], map[string]Heard{"paris": heard(wire.OK, 27*time.Second, 7)}, judge.Unknown},
		{"just before a gap", both[:1], map[string]Heard{"paris": heard(wire.OK, 26*time.Second, 7)}, judge.Up},
		{"measured before the change", both[:1], map[string]Heard{"paris": heard(wire.OK, 0, 6)}, judge.Unknown},
		{"could not be measured", both[:1], map[string]Heard{"paris": broken}, judge.Unknown},
		{"of an agent only results are left, as after a restart of the broker", both[:1], map[string]Heard{"paris": ok, "tokyo": heard(wire.OK, time.Hour, 6)}, judge.Degraded},
		{"it was there two days ago", both[:1], map[string]Heard{"paris": ok, "tokyo": heard(wire.OK, 48*time.Hour, 7)}, judge.Up},
		{"it left", append(both[:1:1], Agent{Alive: wire.Alive{Agent: "tokyo", Leaving: true}}), map[string]Heard{"paris": ok, "tokyo": ok}, judge.Up},
		{"offline", []Agent{agent("paris", false)}, map[string]Heard{"paris": ok}, judge.Unknown},
	} {
		if got := Stand(m, c.agents, c.last); got.State != c.want {
			t.Errorf("%s: %s, want %s: %+v", c.name, got.State, c.want, got.Agents)
		}
	}
	m.Agents = wire.Selectors{"paris", "nairobi"}
	if got := Stand(m, both, map[string]Heard{"paris": ok, "tokyo": ok}); got.State != judge.Degraded || len(got.Agents) != 2 {
		t.Errorf("with an agent that was never seen: %+v", got)
	}
	m.Agents = wire.Selectors{"region=eu"}
	eu := Agent{Alive: wire.Alive{Agent: "paris", Labels: map[string]string{"region": "eu"}}, Online: true}
	if got := Stand(m, []Agent{eu}, map[string]Heard{"paris": ok, "oslo": ok, "tokyo": heard(wire.OK, 0, 6)}); len(got.Agents) != 2 {
		t.Errorf("by label, of agents that are forgotten only one had this definition: %+v", got)
	}
	m.Paused = true
	if got := Stand(m, both, map[string]Heard{"paris": ok}); got.State != judge.Paused {
		t.Errorf("paused: %+v", got)
	}
}
