package console

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// settings are those that a model knows, by key.
type settings struct {
	saved    map[string]wire.Setting
	problems map[string]string // why one cannot be read
	sorted   []wire.Setting    // nil when it has to be recreated
}

// Settings are those of these sorts that are known, of all where none is given, in the
// order of [wire.Sorts] and by name. The list is shared: nobody changes it.
func (m *Model) Settings(sorts ...wire.Sort) []wire.Setting {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.settings.sorted
	if all == nil && len(m.settings.saved) > 0 {
		all = slices.Collect(maps.Values(m.settings.saved))
		SortSettings(all)
		m.settings.sorted = all
	}
	if len(sorts) == 0 {
		return all
	}
	var list []wire.Setting
	for _, x := range all {
		if slices.Contains(sorts, x.Sort()) {
			list = append(list, x)
		}
	}
	return list
}

// SettingProblems are why settings cannot be read, by key.
func (m *Model) SettingProblems() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.settings.problems)
}

// followSettings knows each setting as it is saved. A mesh without a bucket of them has
// none, until it is brought up to date.
func (m *Model) followSettings(ctx context.Context, ready func()) error {
	store, err := m.c.Settings(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, ErrDenied) {
		ready()
		wait(ctx, nil, incidentsAgain)
		return nil
	}
	if err != nil {
		return err
	}
	fresh, begun := settings{saved: map[string]wire.Setting{}, problems: map[string]string{}}, false
	return store.Watch(ctx, nil, func(err error) { m.trouble(PartSettings, err) }, func() {
		begun = true
		m.mu.Lock()
		m.settings = fresh
		m.mu.Unlock()
		ready()
	}, func(sort wire.Sort, name string, x wire.Setting, problem error) {
		key := string(sort) + "." + name
		m.mu.Lock()
		delete(fresh.saved, key)
		delete(fresh.problems, key)
		switch {
		case problem != nil:
			fresh.problems[key] = problem.Error()
		case x != nil:
			fresh.saved[key] = x
		}
		m.settings.sorted = nil
		m.mu.Unlock()
		if begun {
			m.signal()
		}
	})
}
