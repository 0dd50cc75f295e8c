package console

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"netmon/internal/plural"
	"netmon/internal/tail"
	"netmon/judge/replay"
	"netmon/wire"
)

// This file is about monitors that run on some of the agents that match. The leading
// controller chooses them, and what it chose is read here.

// placements are the newest of these monitors.
func (c *Client) placements(ctx context.Context, names []string) (list []wire.Placement, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	wanted := make(map[string]bool, len(names)) // there may be thousands
	for _, name := range names {
		wanted[name] = true
	}
	err = c.followPlacements(ctx, names, func(p wire.Placement, more bool) bool {
		if wanted[p.Monitor] {
			list = append(list, p)
		}
		return more
	})
	return list, err
}

// followPlacements hands over the newest placement of each of these monitors, and then
// each one that comes, as long as handle says so. more is false for the last of those that
// there were; where there were none it gets an empty one.
func (c *Client) followPlacements(ctx context.Context, names []string, handle func(p wire.Placement, more bool) bool) error {
	const what = "read where monitors are placed"
	subjects := []string{wire.AllPlacements}
	if names = few(names); len(names) > 0 {
		subjects = nil
		for _, name := range names {
			s, err := wire.PlacementSubject(name)
			if err != nil {
				return err
			}
			subjects = append(subjects, s)
		}
	}
	t, err := tail.Open(ctx, c.js, wire.VerdictsStream, tail.From{Subjects: subjects, Last: true})
	if err != nil {
		return noMesh(what, err)
	}
	defer t.Stop()
	left := t.Left()
	if left == 0 && !handle(wire.Placement{}, false) {
		return nil
	}
	for {
		msg, meta, err := t.Next()
		if err != nil {
			return noMesh(what, err)
		}
		if left--; left > 1<<63 || meta.NumPending == 0 {
			left = 0
		}
		p, err := wire.DecodePlacement(msg.Subject, msg.Data)
		if err != nil {
			p = wire.Placement{} // of a newer controller
		}
		if !handle(p, left > 0) {
			return nil
		}
	}
}

// fillChosen fills in which agents were chosen. Where that cannot be read, it is not known.
func (c *Client) fillChosen(ctx context.Context, list []wire.Saved) {
	var names []string
	for _, m := range list {
		if m.Agents.IsSome() {
			names = append(names, m.Name)
		}
	}
	placed, err := c.placements(ctx, names)
	if err != nil {
		return
	}
	of := map[string]wire.Placement{}
	for _, p := range placed {
		of[p.Monitor] = p
	}
	for i := range list {
		if p, ok := of[list[i].Name]; ok && list[i].Agents.IsSome() {
			list[i].Chosen = p.Agents
		}
	}
}

// placedBySome are the names of the saved monitors that run on some of those that match.
func (m *Model) placedBySome() (names []string) {
	for _, s := range m.mesh.Monitors() {
		if s.Agents.IsSome() {
			names = append(names, s.Name)
		}
	}
	return names
}

// placeWithin is how long the controller may take to choose agents, before it is said
// that it did not.
const placeWithin = 5 * time.Second

// awaitPlaced waits until the controller has chosen agents for what was saved, and fills
// them in. late are the names of those for which it has not.
func (c *Client) awaitPlaced(ctx context.Context, changes []Change) (list []Change, late []string) {
	list = slices.Clone(changes)
	want := map[string]uint64{}
	for _, x := range list {
		if x.Is != nil && x.Is.Agents.IsSome() && !x.Is.Paused {
			want[x.Name()] = x.Revision
			late = append(late, x.Name())
		}
	}
	if len(want) == 0 {
		return list, nil
	}
	ctx, cancel := context.WithTimeout(ctx, placeWithin)
	defer cancel()
	_ = c.followPlacements(ctx, late, func(p wire.Placement, _ bool) bool { // why it ends does not matter
		if revision, ok := want[p.Monitor]; ok && p.Revision >= revision {
			delete(want, p.Monitor)
			for i, x := range list {
				if x.Is != nil && x.Name() == p.Monitor {
					is := *x.Is
					is.Chosen, list[i].Is = p.Agents, &is
				}
			}
		}
		return len(want) > 0
	})
	return list, slices.DeleteFunc(late, func(name string) bool { return want[name] == 0 })
}

// matching are the agents of those that a monitor matches, by id; one that left does not count.
func matching(m wire.Saved, agents []Agent) (ids []string) {
	for _, a := range agents {
		if !a.Leaving && m.Matches(a.Agent, a.Labels) {
			ids = append(ids, a.Agent)
		}
	}
	slices.Sort(ids)
	return ids
}

// TooFew says that fewer agents match than a monitor asks for; it is empty where enough do,
// and where none does: see [Unreachable].
func TooFew(m wire.Saved, agents []Agent) string {
	n, of := m.Agents.Some()
	match := matching(m, agents)
	if m.Paused || len(match) == 0 || len(match) >= n {
		return ""
	}
	return fmt.Sprintf("it asks for %d agents, and only %d %s %s: it runs on %s until more join", n, len(match), plural.Of(len(match), "matches", "match"), Where(wire.Saved{Agents: of, Except: m.Except}), ShortList(match, 8))
}

// tooFew are the warnings of what is to be saved.
func (c *Client) tooFew(ctx context.Context, changes []Change) (out []string, err error) {
	if !slices.ContainsFunc(changes, func(x Change) bool { return x.Is != nil && x.Is.Agents.IsSome() }) {
		return nil, nil
	}
	agents, err := c.Agents(ctx)
	for _, x := range changes {
		if x.Is == nil {
		} else if why := TooFew(*x.Is, agents); why != "" {
			out = append(out, x.Name()+": "+why)
		}
	}
	return out, err
}

// PlacedText says where a monitor runs that runs on some of those that match, such as
// "on 3 of the 7 agents that match region=eu: oregon, paris, tokyo". It is empty for others.
func PlacedText(m wire.Saved, agents []Agent) string {
	n, of := m.Agents.Some()
	if n == 0 {
		return ""
	}
	match := len(matching(m, agents))
	text := fmt.Sprintf("the %s %s", plural.Count(match, "agent that matches", "agents that match"), Where(wire.Saved{Agents: of, Except: m.Except}))
	switch {
	case m.Chosen == nil:
		return fmt.Sprintf("on %d of %s; the controller has not chosen yet", n, text)
	case len(m.Chosen) == 0:
		return fmt.Sprintf("on none of %s", text)
	}
	few := ""
	if len(m.Chosen) < n {
		few = fmt.Sprintf(" (%d asked for)", n)
	}
	return fmt.Sprintf("on %d of %s%s: %s", len(m.Chosen), text, few, ShortList(m.Chosen, 20))
}

// pickSome gives a monitor that nobody placed its agents, for a measurement of the moment:
// of those that are online, in the order of the target.
func pickSome(m wire.Saved, agents []Agent) wire.Saved {
	n, _ := m.Agents.Some()
	if n == 0 || m.Chosen != nil {
		return m
	}
	var online, away []string
	for _, a := range agents {
		switch {
		case !m.Matches(a.Agent, a.Labels) || a.Leaving:
		case a.Online:
			online = append(online, a.Agent)
		default:
			away = append(away, a.Agent)
		}
	}
	all := append(wire.Rank(m.Target, online), wire.Rank(m.Target, away)...)
	m.Chosen = all[:min(n, len(all))]
	return m
}

// withPlacements adds which agents were chosen then for monitors that ran on some of those
// that match: earlier choices begin as if they had been made at begin.
func (c *Client) withPlacements(ctx context.Context, past []replay.Fact, begin time.Time) ([]replay.Fact, error) {
	some := map[string]bool{}
	for _, f := range past {
		if f.Saved != nil && f.Saved.Agents.IsSome() {
			some[f.Saved.Name] = true
		}
	}
	if len(some) == 0 {
		return past, nil
	}
	t, err := tail.Open(ctx, c.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllPlacements}})
	if err != nil {
		return nil, noMesh("read where monitors were placed", err)
	}
	defer t.Stop()
	before := map[string]replay.Fact{}
	for left := t.Left(); left > 0; left-- {
		msg, meta, err := t.Next()
		if err != nil {
			return nil, noMesh("read where monitors were placed", err)
		}
		if p, err := wire.DecodePlacement(msg.Subject, msg.Data); err == nil && some[p.Monitor] {
			f := replay.Fact{At: meta.Timestamp, Placed: &p}
			if f.At.After(begin) {
				past = append(past, f)
			} else {
				f.At = begin
				before[p.Monitor] = f
			}
		}
		if meta.NumPending == 0 {
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		past = append(past, before[name])
	}
	slices.SortStableFunc(past, func(a, b replay.Fact) int { return a.At.Compare(b.At) })
	return past, nil
}
