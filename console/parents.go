package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"netmon/wire"
)

// lookup finds a monitor as it will be saved: nil where there will be none.
type lookup func(name string) (*wire.Saved, error)

// checkParents says of each of these monitors which of its parents there is not, and
// spells out the cycles that they are in or lead to: an [InvalidError]. Another error
// is that of find.
func checkParents(names []string, find lookup) error {
	g := graph{find: find, state: map[string]visit{}}
	for _, name := range names {
		if err := g.walk(name, true); err != nil {
			return err
		}
	}
	if err := g.wrong.Err(); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// Cycles spells out each cycle in what these monitors depend on, at the path
// NAME.depends_on[N] of the monitor that closes it.
func Cycles(list []wire.Saved) error {
	all := make(map[string]*wire.Saved, len(list))
	for i := range list {
		all[list[i].Name] = &list[i]
	}
	g := graph{find: func(name string) (*wire.Saved, error) { return all[name], nil }, state: map[string]visit{}}
	for _, m := range list {
		_ = g.walk(m.Name, false) // find has no error
	}
	return g.wrong.Err()
}

type visit uint8

const (
	unseen visit = iota
	onPath
	visited
)

// graph is the monitors and what they depend on, walked from child to parent.
type graph struct {
	find  lookup
	state map[string]visit
	path  []string // from the monitor where the walk began
	wrong wire.Problems
}

// walk looks at a monitor and all above it; asked says that missing parents are its mistake.
func (g *graph) walk(name string, asked bool) error {
	m, err := g.find(name)
	if err != nil || m == nil {
		return err
	}
	if asked {
		for i, parent := range m.DependsOn {
			p, err := g.find(parent)
			if err != nil {
				return err
			}
			if p == nil {
				g.wrong.Addf(fmt.Sprintf("%s.depends_on[%d]", name, i), "no monitor %q is saved: save it first, or in the same file", wire.Clip(parent, wire.MaxToken))
			}
		}
	}
	if g.state[name] == visited {
		return nil
	}
	g.state[name] = onPath
	g.path = append(g.path, name)
	for i, parent := range m.DependsOn {
		switch g.state[parent] {
		case onPath:
			cycle := append(slices.Clone(g.path[slices.Index(g.path, parent):]), parent)
			g.wrong.Addf(fmt.Sprintf("%s.depends_on[%d]", name, i), "%s is a cycle", strings.Join(cycle, " -> "))
		case unseen:
			if err := g.walk(parent, false); err != nil {
				return err
			}
		}
	}
	g.path = g.path[:len(g.path)-1]
	g.state[name] = visited
	return nil
}

// checkParents looks at one monitor that is to be saved among those that are.
func (s *Store) checkParents(ctx context.Context, m wire.Saved) error {
	if len(m.DependsOn) == 0 {
		return nil
	}
	known := map[string]*wire.Saved{m.Name: &m}
	return checkParents([]string{m.Name}, func(name string) (*wire.Saved, error) {
		if p, ok := known[name]; ok {
			return p, nil
		}
		p, err := s.Get(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
			known[name] = nil
		case errors.Is(err, ErrUnreachable), ctx.Err() != nil:
			return nil, err
		default: // one that cannot be read is there anyway
			known[name] = &p
		}
		return known[name], nil
	})
}

// checkParents looks at all that are wanted, among what is saved once the plan is
// carried out.
func (p Plan) checkParents(have, wanted []wire.Saved) error {
	after := make(map[string]*wire.Saved, len(have)+len(wanted))
	for i := range have {
		after[have[i].Name] = &have[i]
	}
	for _, name := range p.Names(Deleted) {
		delete(after, name)
	}
	names := make([]string, len(wanted))
	for i := range wanted {
		names[i] = wanted[i].Name
		after[names[i]] = &wanted[i]
	}
	return checkParents(names, func(name string) (*wire.Saved, error) { return after[name], nil })
}

// DependentsError says that a monitor was not deleted, since others depend on it.
type DependentsError struct {
	Monitor string
	By      []string // monitors, by name, and groups, such as group shop
}

func (e *DependentsError) Error() string {
	verb := "depends"
	if len(e.By) > 1 {
		verb = "depend"
	}
	return fmt.Sprintf("%s %s on %s", SomeOf(e.By), verb, e.Monitor)
}

// dependents are the monitors that depend on one, by name.
func (s *Store) dependents(ctx context.Context, parent string) ([]string, error) {
	var names []string
	err := s.each(ctx, nil, false, func(e entry) {
		var m struct {
			DependsOn []string `json:"depends_on"`
		}
		if json.Unmarshal(e.data, &m) != nil || !slices.Contains(m.DependsOn, parent) {
			return
		}
		if _, err := s.decode(e); err == nil { // else nobody is called that
			names = append(names, e.key)
		}
	})
	slices.Sort(names)
	return names, err
}
