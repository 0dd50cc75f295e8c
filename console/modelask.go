package console

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// listFresh is how old the times in a list of agents may be.
const listFresh = 5 * time.Second

// lists are kept until they would be others: a prompt asks for them ten times a
// second, and there may be a thousand heartbeats in one.
type lists struct {
	monitors   []wire.Saved
	monitorsOf uint64
	agents     []Agent
	agentsOf   uint64
	agentsAt   time.Time
	totals     view.SavedTotals
	totalsOf   uint64
	totaled    bool
}

// Snapshot answers a query of a screen.
func (m *Model) Snapshot(q view.Query) view.Snapshot { return m.mesh.Snapshot(q, time.Now()) }

// Status is the state of a saved monitor as far as it is known, and false where none
// of that name is saved that can be read.
func (m *Model) Status(name string) (Status, bool) { return m.mesh.Status(name, time.Now()) }

// Statuses are the saved monitors that can be read, by name, and the state of each.
func (m *Model) Statuses() ([]wire.Saved, []Status) { return m.mesh.Statuses(time.Now()) }

// Totals are how many saved monitors are in which state, and the agents without which
// monitors are judged, as far as verdicts are known.
func (m *Model) Totals() view.SavedTotals {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.lists
	if n := m.mesh.Changes(); !l.totaled || l.totalsOf != n {
		l.totaled, l.totalsOf, l.totals = true, n, m.mesh.SavedTotals()
	}
	return l.totals
}

// Problems are why saved monitors cannot be read, by name.
func (m *Model) Problems() map[string]string { return m.mesh.Problems() }

// Link is the connection to the broker.
func (m *Model) Link() Link { return m.c.Link() }

// Monitors are the saved monitors that can be read, by name. The list is shared:
// nobody changes it.
func (m *Model) Monitors() []wire.Saved {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.lists
	if n := m.mesh.SavedChanges(); l.monitors == nil || l.monitorsOf != n {
		l.monitorsOf, l.monitors = n, m.mesh.Monitors()
	}
	return l.monitors
}

// Agents are those of the last day, by id. The list is shared: nobody changes it.
func (m *Model) Agents() []Agent {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.lists
	now := time.Now()
	if n := m.mesh.Changes(); l.agents == nil || l.agentsOf != n || now.Sub(l.agentsAt) > listFresh {
		l.agentsOf, l.agentsAt, l.agents = n, now, m.mesh.Agents(now)
	}
	return l.agents
}

// Trouble is what of the mesh cannot be read now, and why, a line for each; "" is
// nothing. While the broker is unreachable that is the only one.
func (m *Model) Trouble() string {
	if l := m.Link(); !l.Lost.IsZero() {
		return strings.TrimSuffix("the broker is unreachable: "+l.Why, ": ") + ": waiting for it"
	}
	var errs []error
	for _, t := range m.Troubles() {
		errs = append(errs, errors.New(t.String()))
	}
	for key, why := range m.SettingProblems() {
		errs = append(errs, fmt.Errorf("setting %q: %s", key, why))
	}
	for name, why := range m.Problems() {
		errs = append(errs, fmt.Errorf("monitor %q: %s", name, why))
	}
	if err := errors.Join(errs...); err != nil {
		return err.Error()
	}
	return ""
}
