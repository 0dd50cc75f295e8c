package agent

import (
	"maps"
	"slices"

	"netmon/wire"
)

// Now is the heartbeat of this moment, and whether the broker is there; false while the agent
// has not begun.
func (a *Agent) Now() (now wire.Alive, linked, ok bool) {
	select {
	case <-a.began:
		return a.alive(), a.link.current() != nil, true
	default:
		return wire.Alive{}, false, false
	}
}

// Running are the monitors that run here, with their defaults, by name.
func (a *Agent) Running() []wire.Monitor {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]wire.Monitor, 0, len(a.set.entries))
	for _, name := range slices.Sorted(maps.Keys(a.set.entries)) {
		if e := a.set.entries[name]; e.task != nil {
			list = append(list, e.monitor.WithDefaults())
		}
	}
	return list
}
