package judge

import (
	"fmt"
	"maps"
	"slices"

	"netmon/internal/plural"
	"netmon/wire"
)

// blame says whose fault it is, the first that fits of [wire.BlameClasses], and never guesses.
func (j *Judge) blame(m *monitor, t *tally, d decision) *wire.Blame {
	switch d.state {
	case wire.VerdictUp, wire.VerdictPaused:
		return nil
	case wire.VerdictUnknown:
		if j.mesh.Lost {
			return &wire.Blame{Class: wire.BlameBroker, Sure: len(j.agents) > 1, Why: "no agent is heard"}
		}
		return t.blameUnknown()
	}
	fails := t[saysDown]
	if len(fails) == 0 {
		fails = t[saysSlow]
	}
	for _, try := range []func(*tally, []*series) *wire.Blame{blameClock, blameDNS, blameTLS, blameRegion, blamePath, blameTarget} {
		if b := try(t, fails); b != nil {
			return b
		}
	}
	return &wire.Blame{Class: wire.BlameUnclear, Why: t.whyUnclear(fails)}
}

// blameUnknown is about those who cannot tell.
func (t *tally) blameUnknown() *wire.Blame {
	if p := t.parents(); len(p) > 0 && t.able()+len(t[isBlind])+len(t[isSilent]) == 0 {
		return &wire.Blame{Class: wire.BlameParent, Names: p, Sure: true, Why: fmt.Sprintf("%s %s down", names(p), plural.Of(len(p), "is", "are"))}
	}
	if a := t[isAside]; len(a) > 0 && len(a) == t.placed() {
		return &wire.Blame{Class: wire.BlameUplink, Names: ids(a), Sure: true, Why: fmt.Sprintf("%s %s trouble of %s own", names(ids(a)), plural.Of(len(a), "has", "have"), plural.Of(len(a), "its", "their"))}
	}
	if b := t[isBlind]; len(b) > 0 && !slices.ContainsFunc(b, func(s *series) bool { return s.Last.Failure != wire.BrokenClock || s.Refused }) {
		return clockOf(b)
	}
	return &wire.Blame{Class: wire.BlameUnclear, Why: "no agent can tell"}
}

// all says whether each of them fails in one of these ways.
func all(fails []*series, ways ...wire.Failure) bool {
	for _, s := range fails {
		if !slices.Contains(ways, s.failure()) {
			return false
		}
	}
	return len(fails) > 0
}

// blameClock fits when what fails depends on a clock, and those of the agents are wrong.
func blameClock(_ *tally, fails []*series) *wire.Blame {
	if !all(fails, wire.FailTLS, wire.FailCertificate, wire.FailUnsynced) || slices.ContainsFunc(fails, func(s *series) bool { return s.a.Skewed < 2 }) {
		return nil
	}
	return clockOf(fails)
}

func clockOf(list []*series) *wire.Blame {
	who := ids(list)
	return &wire.Blame{Class: wire.BlameClock, Names: who, Sure: true, Why: fmt.Sprintf("the %s of %s %s wrong", plural.Of(len(who), "clock", "clocks"), names(who), plural.Of(len(who), "is", "are"))}
}

func blameDNS(t *tally, fails []*series) *wire.Blame {
	if !all(fails, wire.FailNoSuchHost, wire.FailResolve, wire.FailDNSTimeout) {
		return nil
	}
	return &wire.Blame{Class: wire.BlameDNS, Sure: t.sure(fails), Why: fmt.Sprintf("%s cannot look up its name", names(ids(fails)))}
}

func blameTLS(t *tally, fails []*series) *wire.Blame {
	if !all(fails, wire.FailTLS, wire.FailCertificate) {
		return nil
	}
	why := "the TLS handshake fails"
	if all(fails, wire.FailCertificate) {
		why = "its certificate is not valid"
	}
	return &wire.Blame{Class: wire.BlameTLS, Sure: t.sure(fails), Why: why}
}

// blameRegion fits when two or more failing agents share a label that no good one has.
func blameRegion(t *tally, fails []*series) *wire.Blame {
	if len(fails) < 2 || len(t[saysUp]) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(fails[0].a.Labels))
	slices.SortStableFunc(keys, func(a, b string) int { return count(b == "region") - count(a == "region") })
	for _, k := range keys {
		v := fails[0].a.Labels[k]
		has := func(s *series) bool { got, ok := s.a.Labels[k]; return ok && got == v }
		hasNot := func(s *series) bool { return !has(s) }
		if !slices.ContainsFunc(fails, hasNot) && !slices.ContainsFunc(t[saysUp], has) {
			label := k + "=" + v
			return &wire.Blame{Class: wire.BlameRegion, Names: []string{label}, Sure: true, Why: fmt.Sprintf("%d of %d agents fail, and they are those with %s", len(fails), t.able(), label)}
		}
	}
	return nil
}

// blamePath fits when a minority of at least three gets no answer and reaches its other targets.
func blamePath(t *tally, fails []*series) *wire.Blame {
	if t.able() < 3 || 2*len(fails) >= t.able() || len(t[saysUp]) == 0 ||
		!all(fails, wire.FailTimeout, wire.FailNoAnswer, wire.FailUnreachable, wire.FailLoss, wire.FailTTLExceeded) {
		return nil
	}
	for _, s := range fails {
		if !s.a.reachesOthers(s.m.host) {
			return nil
		}
	}
	who := ids(fails)
	return &wire.Blame{Class: wire.BlamePath, Names: who, Sure: true, Why: fmt.Sprintf("%s %s other targets, but not this one", names(who), plural.Of(len(who), "reaches", "reach"))}
}

// blameTarget fits when it fails for all who can tell, or when more than half fail and
// the target itself gives the answer that is not good.
func blameTarget(t *tally, fails []*series) *wire.Blame {
	everybody := len(t[saysUp]) == 0 && (len(t[saysSlow]) == 0 || len(t[saysDown]) == 0)
	answers := 2*len(fails) > t.able() && all(fails, wire.FailRefused, wire.FailReset, wire.FailClosed, wire.FailBadAnswer, wire.FailMismatch,
		wire.FailSlow, wire.FailAnswered, wire.FailLimit, wire.FailUnsynced, wire.FailWrongOrigin, wire.FailKissOfDeath)
	switch {
	case !everybody && !answers:
		return nil
	case everybody && len(fails) == 1 && fails[0].a.reachesNothing(fails[0].m.host):
		return nil // it may be the agent's own line
	}
	why := "it fails wherever it is measured"
	switch {
	case !everybody:
		why = fmt.Sprintf("it answers %s badly", agentsOf(len(fails), t.able()))
	case len(fails) == 1:
		why = fmt.Sprintf("it fails from %s, and no other agent can tell", fails[0].a.id)
	}
	return &wire.Blame{Class: wire.BlameTarget, Sure: t.sure(fails), Why: why}
}

// sure says whether more than one agent says so, or the only one that is asked at all,
// and it reaches another host.
func (t *tally) sure(fails []*series) bool {
	return len(fails) > 1 || t.placed() == 1 && fails[0].a.reachesOthers(fails[0].m.host)
}

func (t *tally) whyUnclear(fails []*series) string {
	return fmt.Sprintf("%s of the able agents %s, with nothing in common", agentsOf(len(fails), t.able()), plural.Of(len(fails), "fails", "fail"))
}

// reachesOthers says whether the agent finds a monitor of another host good, and fails
// on none that others reach.
func (a *agent) reachesOthers(host string) bool {
	own := a.hosts[host]
	failing := a.failing - count(own != nil && own.failing())
	reached := a.reached - count(own != nil && own.counts())
	return failing == 0 && reached > 0
}

// reachesNothing says whether the agent measures other hosts, too, and reaches none.
func (a *agent) reachesNothing(host string) bool {
	own := a.hosts[host]
	dark := a.dark - count(own != nil && own.dark())
	reached := a.reached - count(own != nil && own.counts())
	return dark > 0 && reached == 0
}
