package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// trouble writes one trouble, what has to follow from it, and its end.
func (g *generator) trouble() {
	kinds := []func(){g.outage, g.outage, g.outage, g.outage, g.blip, g.slowness, g.brokerAway, g.unheard, g.clockJump, g.restart, g.pause, g.otherTarget}
	if len(g.agents) > 1 {
		kinds = append(kinds, g.cutOff, g.cutOff, g.lastEye)
	}
	switch {
	case slices.ContainsFunc(g.monitors, func(m generated) bool { return m.child }):
		kinds = append(kinds, g.gateway, g.gateway)
	case len(g.agents) > 2 && len(g.monitors) > 2:
		kinds = append(kinds, g.liar)
	}
	pick(g, kinds...)()
	g.now += g.slowest()
	g.line("by %v all is up", g.now)
	g.rest()
}

// outage: one monitor is bad for some of the agents.
func (g *generator) outage() {
	n := len(g.agents)
	g.outageOf(g.agents, g.some(pick(g, n, n, 1+g.rng.IntN(n))))
}

// outageOf has some of those who are able find one monitor bad for a while.
func (g *generator) outageOf(able, bad []agentSpec) {
	m := pick(g, g.monitors...)
	failure := pick(g, "refused", "timeout", "reset", "mismatch", "certificate", "no_such_host", "no_answer", "bad_answer")
	state := m.follows(bad, without(able, bad))
	finds := m.finds(bad, able, state)
	if m.child { // its parent is asked first
		finds += 2*g.monitors[0].timeout + 3*time.Second
	}
	begin := g.now
	// The first bad result is there a pace and a timeout after the beginning at the latest.
	steady := begin + m.pace() + m.timeout + finds
	end := steady + g.between(0, 2*m.pace()+10*time.Second)
	g.line("at %v %s %s from %s", begin, m.name, failure, ids(bad))
	g.line("within %v of the first bad result of %s after %v %s is %s", finds, m.name, begin, m.name, state)
	g.line("from %v to %v %s stays %s", steady, end, m.name, state)
	if state != wire.VerdictDown {
		g.line("never %s down from %v to %v", m.name, begin, end+m.recovers())
	}
	if state != wire.VerdictUnknown {
		g.line("never %s unknown from %v to %v", m.name, begin, end+m.recovers())
	}
	g.line("at %v %s ok from %s", end, m.name, ids(bad))
	g.line("by %v %s is up", end+m.recovers(), m.name)
	g.others(m, begin, end+m.recovers())
	g.now = end
}

// others stay as they are while one monitor is in trouble.
func (g *generator) others(m generated, from, to time.Duration) {
	for _, o := range g.monitors {
		if o.name != m.name && !(o.child && m.name == "m1") {
			g.line("from %v to %v %s stays up", from, to, o.name)
		}
	}
}

// gateway: the first monitor is bad for all, and with it those that depend on it.
// These are unknown because of it, and never down.
func (g *generator) gateway() {
	m := g.monitors[0]
	names := []string{"m1"}
	finds := m.finds(g.agents, g.agents, m.follows(g.agents, nil))
	for _, o := range g.monitors {
		if o.child {
			names = append(names, o.name)
		}
	}
	children := strings.Join(names[1:], ",")
	steady := g.now + g.slowest() + m.pace() + m.timeout + finds
	end := steady + g.between(0, 20*time.Second)
	g.line("at %v %s %s everywhere", g.now, strings.Join(names, ","), pick(g, "timeout", "refused"))
	g.line("from %v to %v %s stays unknown", steady, end, children)
	g.line("by %v %s is unknown, parent, names m1", steady, children)
	if m.rule.Down == wire.DefaultDown && *m.rule.Crosscheck > 0 { // else a child can be found down before its parent
		g.line("never %s down from %v to %v", children, g.now, end+g.slowest())
	}
	g.line("at %v all ok everywhere", end)
	g.now = end + g.slowest()
}

// blip: one run is lost.
func (g *generator) blip() {
	m := pick(g, g.monitors...)
	end := g.now + 4*m.pace() + 5*m.timeout
	failure := "refused"
	if m.timeout < m.every && g.rng.IntN(2) == 0 { // else it would be that of several ticks
		failure = "timeout"
	}
	g.line("at %v %s %s once from %s", g.now, m.name, failure, ids(g.some(1)))
	g.line("from %v to %v all stays up", g.now, end)
	g.now = end
}

func (g *generator) slowness() {
	m := pick(g, g.monitors...)
	steady := g.now + time.Duration(m.rule.Down.Bad+1)*m.pace() + m.timeout + 3*time.Second
	end := steady + 10*time.Second
	g.line("at %v %s slow everywhere", g.now, m.name)
	if m.follows(g.agents, nil) == wire.VerdictDown { // as many as the quorum
		g.line("from %v to %v %s stays degraded", steady, end, m.name)
	}
	g.line("never %s down from %v to %v", m.name, g.now, end)
	g.line("at %v %s ok everywhere", end, m.name)
	g.now = end
}

// longCut is how long agents that reach nothing have to be cut off to be found away: then
// what they found meanwhile is not news. Before, it is the best that is known.
const longCut = 50 * time.Second

// cutOff: some agents, not all, are not heard for a while, and no verdict changes.
func (g *generator) cutOff() {
	gone := g.some(1 + g.rng.IntN(len(g.agents)-1))
	how := pick(g, "cut", "isolated", "stops")
	end := g.now + pick(g, g.between(0, 10*time.Second), g.between(10*time.Second, 100*time.Second), g.between(100*time.Second, 15*time.Minute))
	g.line("at %v agent %s %s", g.now, ids(gone), how)
	if end-g.now > 50*time.Second {
		g.line("by %v agent %s is away", end-time.Second, ids(gone))
	}
	g.line("at %v agent %s %s", end, ids(gone), map[bool]string{true: "starts", false: "back"}[how == "stops"])
	if how != "cut" || end-g.now > longCut {
		g.line("from %v to %v all stays up", g.now, end+g.slowest())
	}
	g.line("by %v agent %s is able", end+g.slowest()+10*time.Second, ids(gone))
	g.now = end + 10*time.Second
}

// lastEye: all agents but one are offline, and then a target dies.
func (g *generator) lastEye() {
	left := g.some(1)
	gone := without(g.agents, left)
	g.line("at %v agent %s %s", g.now, ids(gone), pick(g, "stops", "isolated", "cut"))
	g.now += 60 * time.Second
	g.line("by %v all is up, up %s", g.now+g.slowest(), ids(left))
	g.now += 4 * g.slowest()
	g.outageOf(left, left)
	g.now += g.slowest() + 5*time.Second
	g.line("at %v agent %s back", g.now, ids(gone))
	g.line("at %v agent %s starts", g.now, ids(gone))
}

// liar: one agent finds all bad which the others find good. It is never believed alone.
func (g *generator) liar() {
	a := ids(g.some(1))
	end := g.now + 4*g.slowest() + g.between(0, time.Minute)
	g.line("at %v all %s from %s", g.now, pick(g, "mismatch", "refused", "timeout"), a)
	g.line("by %v agent %s is aside", end, a)
	for _, m := range g.monitors {
		if q := m.rule.Quorum; q.Need(len(g.agents)) > 1 {
			g.line("never %s down from %v to %v", m.name, g.now, end+g.slowest())
		}
	}
	g.line("by %v all is up", end)
	g.line("at %v all ok everywhere", end)
	g.now = end
}

func (g *generator) brokerAway() {
	end := g.now + pick(g, g.between(time.Second, 10*time.Second), g.between(10*time.Second, 10*time.Minute))
	g.line("at %v broker down", g.now)
	g.line("at %v broker up", end)
	g.line("from %v to %v all stays up", g.now, end+g.slowest())
	g.now = end
}

// unheard: no agent reaches the broker.
func (g *generator) unheard() {
	how := pick(g, "isolated", "cut")
	end := g.now + pick(g, g.between(time.Second, 10*time.Second), g.between(10*time.Second, 10*time.Minute))
	g.line("at %v agent all %s", g.now, how)
	g.line("at %v agent all back", end)
	if how != "cut" || end-g.now > longCut {
		g.line("never all down from %v to %v", g.now, end+g.slowest())
		g.line("never all degraded from %v to %v", g.now, end+g.slowest())
	}
	g.now = end + 5*time.Second
}

func (g *generator) clockJump() {
	a := ids(g.some(1 + g.rng.IntN(len(g.agents))))
	end := g.now + 2*g.slowest()
	g.line("at %v agent %s clock %s", g.now, a, pick(g, "+1h", "-1h", "+3s", "-40s", "+24h"))
	g.line("at %v agent %s clock +0s", end, a)
	g.line("from %v to %v all stays up", g.now, end+g.slowest())
	g.now = end
}

func (g *generator) restart() {
	g.line("at %v judge restarts", g.now)
	g.line("from %v to %v all stays up", g.now, g.now+g.slowest())
}

func (g *generator) pause() {
	m := pick(g, g.monitors...)
	end := g.now + g.between(time.Second, 3*m.every)
	g.line("at %v pause %s", g.now, m.name)
	g.line("from %v to %v %s stays paused", g.now, end, m.name)
	g.line("at %v resume %s", end, m.name)
	g.line("by %v %s is up", end+m.recovers(), m.name)
	g.others(m, g.now, end+m.recovers())
	g.now = end
}

func (g *generator) otherTarget() {
	m := pick(g, g.monitors...)
	g.line("at %v save %s target %s", g.now, m.name, fmt.Sprintf("h%d.example:80", g.rng.IntN(1000)))
	g.line("never %s down from %v to %v", m.name, g.now, g.now+m.recovers())
	g.line("never %s degraded from %v to %v", m.name, g.now, g.now+m.recovers())
	g.now += m.recovers()
}

// wild writes troubles at random times, that nothing in particular follows from.
func (g *generator) wild() {
	end := g.now + 6*g.slowest()
	at := func() time.Duration { return g.between(g.now, end) }
	for range 8 + g.rng.IntN(12) {
		m, a := pick(g, g.monitors...).name, ids(g.some(1))
		g.line("at %v %s", at(), pick(g,
			fmt.Sprintf("%s %s from %s", m, pick(g, "refused", "timeout", "slow", "local", "ok", "certificate"), a),
			fmt.Sprintf("%s timeout %d%% of runs everywhere", m, g.rng.IntN(100)),
			fmt.Sprintf("all refused flapping %v from %s", g.between(time.Second, time.Minute), a),
			"all ok everywhere",
			fmt.Sprintf("agent %s %s", a, pick(g, "cut", "isolated", "back", "back", "stops", "starts", "leaves", "forgotten", "ignores asks", "clock -1h", "lags 70s", "lags 2s", "labels region=us")),
			"judge restarts",
			"broker down", "broker up", "broker up",
			"pause "+m, "resume "+m, "delete "+m,
			fmt.Sprintf("save %s every %v", m, g.between(time.Second, time.Minute)),
			fmt.Sprintf("save %s quorum %s", m, g.quorum()),
			fmt.Sprintf("save %s except %s", m, a),
			fmt.Sprintf("save %s on %s", m, pick(g, a, "region=eu", "region=mars")),
		))
	}
	g.line("at %v broker up", end)
	g.now = end + g.slowest()
}
