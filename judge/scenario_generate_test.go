package judge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// generate writes the scenario of a seed: a mesh, and one trouble after another,
// each with the verdicts that have to follow. One in four has troubles that overlap
// instead; what holds of all verdicts holds of theirs.
func generate(seed uint64) string {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 7))}
	g.line("scenario seed %d", seed)
	g.mesh()
	if g.rng.IntN(4) == 0 {
		g.wild()
	} else {
		for range 2 + g.rng.IntN(3) {
			g.trouble()
		}
	}
	g.line("until %v", g.now)
	return g.text.String()
}

type generator struct {
	rng      *rand.Rand
	text     strings.Builder
	now      time.Duration
	agents   []agentSpec
	monitors []generated
}

// generated is a monitor of a generated scenario.
type generated struct {
	name           string
	every, timeout time.Duration
	rule           wire.Rule
	child          bool // it depends on the first one
}

func (g *generator) line(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

func pick[T any](g *generator, list ...T) T { return list[g.rng.IntN(len(list))] }

// between is a time between two, in tenths of a second.
func (g *generator) between(from, to time.Duration) time.Duration {
	const step = 100 * time.Millisecond
	return (from + time.Duration(g.rng.Int64N(int64(to-from)+1))).Truncate(step)
}

func (g *generator) mesh() {
	regions := []string{"eu", "eu", "ap", "us"}
	for i := range pick(g, 1, 2, 3, 3, 3, 4, 5, 7) {
		a := agentSpec{id: fmt.Sprintf("a%d", i+1), labels: map[string]string{"region": regions[(i+g.rng.IntN(2))%4]}}
		g.agents = append(g.agents, a)
		g.line("agents a%d(region=%s)", i+1, a.labels["region"])
	}
	base := pick(g, time.Second, 5*time.Second, 10*time.Second, 10*time.Second, time.Minute, 5*time.Minute)
	for i := range pick(g, 1, 1, 2, 3, 3, 4, 6) {
		m := generated{name: fmt.Sprintf("m%d", i+1), every: base * time.Duration(pick(g, 1, 1, 2)), timeout: pick(g, time.Second, 2*time.Second, 5*time.Second)}
		m.rule.Quorum = pick(g, g.quorum(), wire.Quorum{})
		m.rule.Down = pick(g, wire.Strikes{}, wire.Strikes{}, wire.Strikes{}, wire.Strikes{Bad: 2, Of: 2}, wire.Strikes{Bad: 3, Of: 5})
		m.rule.Up = pick(g, 0, 0, 0, 1, 3)
		line := fmt.Sprintf("monitor %s every %v timeout %v", m.name, m.every, m.timeout)
		if m.rule.Quorum != (wire.Quorum{}) {
			line += " quorum " + m.rule.Quorum.String()
		}
		if m.rule.Down != (wire.Strikes{}) {
			line += " down " + m.rule.Down.String()
		}
		if m.rule.Up > 0 {
			line += fmt.Sprint(" up ", m.rule.Up)
		}
		if g.rng.IntN(6) == 0 {
			off := wire.Crosscheck(0)
			m.rule.Crosscheck = &off
			line += " crosscheck off"
		}
		if m.child = i > 0 && g.rng.IntN(8) == 0; m.child {
			line += " depends m1"
		}
		m.rule = m.rule.WithDefaults()
		g.monitors = append(g.monitors, m)
		g.line("%s", line)
	}
	g.now = g.slowest() + 20*time.Second
	g.line("by %v all is up", g.now)
	g.now += time.Second
}

func (g *generator) quorum() wire.Quorum {
	return pick(g,
		wire.Quorum{Kind: wire.QuorumAny},
		wire.Quorum{Kind: wire.QuorumAll},
		wire.Quorum{Kind: wire.QuorumNumber, N: 1 + g.rng.IntN(4)},
		wire.Quorum{Kind: wire.QuorumPercent, N: pick(g, 20, 50, 60, 100)},
		wire.Quorum{Kind: wire.QuorumDistinct, Label: "region", N: 1 + g.rng.IntN(3)})
}

// pace is from one run to the next when each takes all of its timeout.
func (m *generated) pace() time.Duration {
	return (m.timeout + m.every - 1) / m.every * m.every
}

// recovers is how long after a trouble's end the monitor is up again at the latest:
// a run may have begun before it, and so many good ones have to follow.
func (m *generated) recovers() time.Duration {
	return 2*m.timeout + time.Duration(m.rule.Up+1)*m.pace() + 3*time.Second
}

// finds is how long after the first bad result the verdict is there at the latest, when
// these agents find it bad. Where the cross-check asks all who are needed it is timeout +
// 3 s if all of them find it bad, and a run of each more if some do; else it is as the
// schedule goes.
func (m *generated) finds(bad, able []agentSpec, state wire.VerdictState) time.Duration {
	checks := int(*m.rule.Crosscheck)
	if state == wire.VerdictDown && m.rule.Down == wire.DefaultDown && checks > 0 && checks >= len(able)-1 {
		if len(bad) < len(able) {
			return 2 * (m.timeout + 3*time.Second)
		}
		return m.timeout + 3*time.Second
	}
	if state == wire.VerdictDown && len(bad) > 1 || checks == 0 {
		return time.Duration(m.rule.Down.Bad)*m.pace() + m.timeout + 3*time.Second
	}
	return time.Duration(m.rule.Down.Bad+2)*m.pace() + 4*(m.timeout+time.Second)
}

// slowest is the longest that any monitor needs to be up again.
func (g *generator) slowest() (d time.Duration) {
	for i := range g.monitors {
		d = max(d, g.monitors[i].recovers())
	}
	return d
}

// rest leaves time until the next trouble: a monitor is cross-checked once in 30 s.
func (g *generator) rest() {
	for i := range g.monitors {
		g.now += g.monitors[i].every / time.Duration(len(g.monitors))
	}
	g.now += g.between(32*time.Second, 45*time.Second)
}

// some are n of the agents, in order.
func (g *generator) some(n int) (out []agentSpec) {
	for _, i := range slices.Sorted(slices.Values(g.rng.Perm(len(g.agents))[:n])) {
		out = append(out, g.agents[i])
	}
	return out
}

func ids(list []agentSpec) string {
	var out []string
	for _, a := range list {
		out = append(out, a.id)
	}
	return strings.Join(out, ",")
}

func without(list, these []agentSpec) []agentSpec {
	return slices.DeleteFunc(slices.Clone(list), func(a agentSpec) bool {
		return slices.ContainsFunc(these, func(b agentSpec) bool { return a.id == b.id })
	})
}

// follows is the state when these agents find the monitor down and those find it up.
func (m *generated) follows(down, up []agentSpec) wire.VerdictState {
	q := wire.VerdictQuorum{}
	labels := map[string]string{}
	for _, a := range down {
		q.Down = append(q.Down, a.id)
		labels[a.id] = a.labels["region"]
	}
	for _, a := range up {
		q.Up = append(q.Up, a.id)
		labels[a.id] = a.labels["region"]
	}
	_, state := judgeLists(m.rule.Quorum, q, func(id, _ string) string { return labels[id] })
	return state
}
