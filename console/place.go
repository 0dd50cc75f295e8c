package console

import (
	"fmt"
	"slices"

	"netmon/wire"
)

// StartOn changes where a monitor runs so that it also runs on the selectors.
// Without selectors it only ends a pause. A paused monitor that is started
// somewhere runs there and nowhere else.
func StartOn(m wire.Saved, on wire.Selectors) (wire.Saved, error) {
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
	m.Except = without(m.Except, on)
	for _, id := range on.IDs() {
		if m.Except.Match(id, nil) {
			return m, fmt.Errorf("monitor %q excepts %v: start it on all, or edit it", m.Name, m.Except)
		}
	}
	if m.Agents == nil || slices.Contains(m.Agents, wire.Everywhere) {
		return m, nil // it runs there already, now that nothing excepts it
	}
	for _, sel := range on {
		if !slices.Contains(m.Agents, sel) {
			m.Agents = append(slices.Clip(m.Agents), sel)
		}
	}
	return m, nil
}

// StopOn changes where a monitor runs so that it does not run on the
// selectors. Without selectors, or with all, it is paused and keeps its places.
func StopOn(m wire.Saved, on wire.Selectors) wire.Saved {
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
