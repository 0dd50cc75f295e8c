package incident

import (
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Past is what happened over a time: what a set of rules would have sent about it is what
// [Count] counts.
type Past struct {
	Settings []wire.Setting // that hold all the time
	Monitors []wire.Saved
	Changes  []Change // in the order in which they were decided
	From, To time.Time
}

// Change is one fact of the past: one of them is given.
type Change struct {
	Verdict *wire.Verdict
	Agent   *wire.AgentVerdict
	Mesh    *wire.MeshVerdict
	Trouble *wire.Trouble
}

// At is when it was decided.
func (c *Change) At() time.Time {
	switch {
	case c.Verdict != nil:
		return c.Verdict.At
	case c.Agent != nil:
		return c.Agent.At
	case c.Mesh != nil:
		return c.Mesh.At
	case c.Trouble != nil:
		return c.Trouble.At
	}
	return time.Time{}
}

// ChannelCount is what one channel would have been sent.
type ChannelCount struct {
	Channel   string
	Notices   map[wire.Reason]int
	Total     int
	Incidents int // that these are about
}

// Count gives the messages that each channel would have been sent between From and To,
// by its name, had each been sent at once. Channels that would have been sent nothing
// are in it, too. Changes from before From say
// what was wrong then.
func Count(p Past) []ChannelCount {
	k := New()
	counts := map[string]*ChannelCount{}
	for _, s := range p.Settings {
		k.Setting(s)
		if c, ok := s.(*wire.Channel); ok {
			counts[c.Name] = &ChannelCount{Channel: c.Name, Notices: map[wire.Reason]int{}}
		}
	}
	for _, m := range p.Monitors {
		k.Monitor(m)
	}
	incidents := map[string]bool{}
	handle := func(now time.Time) {
		k.Advance(now)
		k.Changes()
		k.Groups()
		for _, n := range k.Notices() {
			k.Delivery(wire.Delivery{Channel: n.Channel, Incident: n.Incident, N: n.N, Key: n.Key(), Shown: n.Of, Outcome: wire.Sent, Attempts: 1, First: now, At: now})
			c := counts[n.Channel]
			if c == nil || now.Before(p.From) || now.After(p.To) {
				continue
			}
			c.Notices[n.Reason]++
			c.Total++
			if about := n.Channel + " " + n.Incident; !incidents[about] {
				incidents[about] = true
				c.Incidents++
			}
		}
	}
	begin := p.From
	if len(p.Changes) > 0 {
		begin = earliest(begin, p.Changes[0].At())
	}
	handle(begin)
	until := func(t time.Time) {
		for next := k.Next(); !next.IsZero() && !next.After(t); next = k.Next() {
			handle(next)
		}
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		until(latest(c.At(), begin))
		k.applyFact(c)
		handle(latest(c.At(), begin))
	}
	until(p.To)
	out := make([]ChannelCount, 0, len(counts))
	for _, name := range slices.SortedFunc(maps.Keys(counts), strings.Compare) {
		out = append(out, *counts[name])
	}
	return out
}

// applyFact applies one fact.
func (k *Keeper) applyFact(c *Change) {
	switch {
	case c.Verdict != nil:
		k.Verdict(*c.Verdict)
	case c.Agent != nil:
		k.Agent(*c.Agent)
	case c.Mesh != nil:
		k.Mesh(*c.Mesh)
	case c.Trouble != nil:
		k.Trouble(*c.Trouble)
	}
}
