package console

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/judge"
	"netmon/wire"
)

// quorum says who counts, and how many it takes.
func (x *Explanation) quorum(v *wire.Verdict) {
	q := &v.Quorum
	able, placed := len(q.Down)+len(q.Slow)+len(q.Up), view.Placed(q)
	if x.placed != "" {
		x.say("It runs %s.", x.placed)
	}
	if placed == 0 {
		x.say("It is placed on no known agent.")
		return
	}
	x.say("It is placed on %s, of which %d can say how it is%s.", plural.Count(placed, "agent", "agents"), able, ableNote(q, x.saved))
	rule := q.Rule
	if rule == "" {
		rule = x.Rule.Quorum.String()
	}
	unit := "of them"
	if x.Rule.Quorum.Kind == wire.QuorumDistinct {
		unit = "values of " + x.Rule.Quorum.Label
	}
	bad := len(q.Down)
	switch {
	case able == 0:
		x.say("The quorum is %s: no agent can tell, so it is unknown.", rule)
	case v.State == wire.VerdictDown:
		x.say("The quorum is %s: %d %s %s to find it down, and %d %s: it is down.", rule, q.Need, unit, plural.Of(q.Need, "has", "have"), bad, plural.Of(bad, "does", "do"))
	case v.State == wire.VerdictDegraded && bad > 0 && len(q.Slow) == 0:
		x.say("The quorum is %s: %d %s %s to find it down, and %d does not reach that: it is degraded.", rule, q.Need, unit, plural.Of(q.Need, "has", "have"), bad)
	case v.State == wire.VerdictDegraded:
		x.say("The quorum is %s: %d %s %s to find it down; %d %s, and %d %s it slow: it is degraded.", rule, q.Need, unit, plural.Of(q.Need, "has", "have"), bad, plural.Of(bad, "does", "do"), len(q.Slow), plural.Of(len(q.Slow), "finds", "find"))
	case v.State == wire.VerdictUp:
		x.say("The quorum is %s: %d %s would have to find it down, nobody does, and %d %s it good: it is up.", rule, q.Need, unit, len(q.Up), plural.Of(len(q.Up), "finds", "find"))
	default:
		x.say("The quorum is %s: %d %s %s to find it down; %d %s, and %d %s it good: too few can tell, so it is unknown.", rule, q.Need, unit, plural.Of(q.Need, "has", "have"), bad, plural.Of(bad, "does", "do"), len(q.Up), plural.Of(len(q.Up), "finds", "find"))
	}
}

// chosen finds which agents the controller chose, and why.
func (x *Explanation) chosen(ctx context.Context, c *Client, saved wire.Saved) error {
	agents, err := c.Agents(ctx)
	if err != nil {
		return err
	}
	x.placed = PlacedText(saved, agents)
	list, err := c.placements(ctx, []string{saved.Name})
	if err != nil || len(list) == 0 {
		return err
	}
	p := list[0]
	x.placed += fmt.Sprintf(" (since %s: %s)", timetext.Moment(p.At, time.Now()), p.Why)
	for _, id := range slices.Sorted(maps.Keys(p.Refused)) {
		x.placed += fmt.Sprintf("; %s refuses it (%s)", id, p.Refused[id].Why)
	}
	return nil
}

// ableNote names those who cannot say, and why.
func ableNote(q *wire.VerdictQuorum, m wire.Saved) string {
	var parts []string
	if len(q.Blind) > 0 {
		parts = append(parts, ShortList(q.Blind, 8)+" cannot measure it (blind: the last 2 runs there were broken)")
	}
	if len(q.Silent) > 0 {
		def := m.Monitor.WithDefaults()
		parts = append(parts, fmt.Sprintf("%s is silent (no run began within %s: 2.5 × every and the timeout, 15s at least; or too few so far)", ShortList(q.Silent, 8), max(15*time.Second, judge.Silence(def.Every.Std(), def.Timeout.Std()))))
	}
	if len(q.Aside) > 0 {
		why := "it has trouble of its own: netmon get verdicts --agent " + q.Aside[0]
		if len(m.DependsOn) > 0 {
			why += ", or what it depends on is down there"
		}
		parts = append(parts, ShortList(q.Aside, 8)+" is set aside ("+why+")")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}
