package console

import (
	"fmt"
	"slices"

	"netmon/wire"
)

// AddPlacement changes where a monitor runs so that it also runs on the selectors.
// Without selectors it only ends a pause. A paused monitor that is started
// somewhere runs there and nowhere else.
func AddPlacement(m wire.Saved, on wire.Selectors) (wire.Saved, error) {
	if on.IsSome() {
		return m, errSome(m.Name, on)
	}
	wasPaused := m.Paused
	m.Paused = false
	if len(on) == 0 {
		return m, nil
	}
	switch {
	case slices.Contains(on, wire.Everywhere):
		m.Agents, m.Except = wire.Selectors{wire.Everywhere}, nil
		return m, nil
	case wasPaused:
		m.Agents, m.Except = slices.Clone(on), nil
		return m, nil
	}
	was := m.Except
	m.Except = without(m.Except, on)
	for _, id := range on.IDs() {
		if m.Except.Match(id, nil) {
			return m, fmt.Errorf("monitor %q excepts %v: start it on all, or edit it", m.Name, m.Except)
		}
	}
	if m.Agents.IsSome() && !isExcepted(was, on) {
		return m, fmt.Errorf("monitor %q runs on %s, and the controller chooses which: give its agents another list with netmon set %s agents=AGENTS", m.Name, m.Agents, m.Name)
	}
	if m.Agents == nil || m.Agents.IsSome() || slices.Contains(m.Agents, wire.Everywhere) {
		return m, nil // it runs there already, now that nothing excepts it
	}
	for _, sel := range on {
		if !slices.Contains(m.Agents, sel) {
			m.Agents = append(slices.Clip(m.Agents), sel)
		}
	}
	return m, nil
}

// isExcepted says whether each of the selectors stands in the exceptions: starting it
// there takes that back.
func isExcepted(except, on wire.Selectors) bool {
	return !slices.ContainsFunc(on, func(sel string) bool { return !slices.Contains(except, sel) })
}

// errSome says what to do in place of starting or stopping a monitor on a number of agents.
func errSome(monitor string, on wire.Selectors) error {
	return fmt.Errorf("monitor %q: start and stop take agents, not a number of them, got %q: netmon set %s agents=%q changes where it runs", monitor, on, monitor, on)
}

// RemovePlacement changes where a monitor runs so that it does not run on the
// selectors. Without selectors, or with all, it is paused and keeps its placement.
func RemovePlacement(m wire.Saved, on wire.Selectors) wire.Saved {
	if len(on) == 0 || slices.Contains(on, wire.Everywhere) {
		m.Paused = true
		return m
	}
	onlyIDs := m.Agents != nil && len(m.Agents.IDs()) == len(m.Agents)
	m.Agents = without(m.Agents, on)
	for _, sel := range on {
		named := len(wire.Selectors{sel}.IDs()) == 1
		if onlyIDs && named {
			continue // taking it off the list was enough
		}
		if !slices.Contains(m.Except, sel) {
			m.Except = append(slices.Clip(m.Except), sel)
		}
	}
	return m
}

// without keeps nil and empty apart: nil agents are all agents, empty ones none.
func without(s, drop wire.Selectors) wire.Selectors {
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s), func(sel string) bool { return slices.Contains(drop, sel) })
}
