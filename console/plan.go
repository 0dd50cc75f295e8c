package console

import (
	"fmt"
	"strings"

	"netmon/wire"
)

// Plan is what making the saved monitors as somebody wants them would do.
type Plan struct {
	// Changes are those that are needed: of what is wanted, in its order, and then
	// what is deleted.
	Changes  []Change
	Same     int             // monitors and settings that are so already
	Had      int             // monitors that were saved when it was made
	Settings []SettingChange // those of settings, in the same order
	Prune    bool            // what is not wanted is deleted
	Why      string          // what the history says of each change
	Warnings []string        // of monitors that ask for more agents than match

	From map[string]string // of [Wanted]
}

// why is what the history says of one change.
func (p Plan) why(title string) string {
	if file := p.From[title]; file != "" && p.Why == fromFile {
		return "applied from " + file
	}
	return p.Why
}

// Empty says that there is nothing to do.
func (p Plan) Empty() bool { return len(p.Changes)+len(p.Settings) == 0 }

// PlanOf compares what is saved with what is wanted.
func PlanOf(have, wanted []wire.Saved, prune bool) Plan {
	p := Plan{Had: len(have), Prune: prune}
	rest := map[string]*wire.Saved{}
	for i := range have {
		rest[have[i].Name] = &have[i]
	}
	for _, m := range wanted {
		m.Monitor, m.Revision, m.Edition = m.Monitor.WithDefaults(), 0, 0
		old := rest[m.Name]
		delete(rest, m.Name)
		if old != nil {
			if Same(*old, m) {
				p.Same++
				continue
			}
			m.Revision, m.Edition = old.Revision, old.Edition
		}
		p.Changes = append(p.Changes, Change{Was: old, Is: &m})
	}
	if !prune {
		return p
	}
	for i := range have {
		if rest[have[i].Name] != nil {
			p.Changes = append(p.Changes, Change{Was: &have[i]})
		}
	}
	return p
}

// Names are the monitors that it adds, changes or deletes.
func (p Plan) Names(did Did) (names []string) {
	for _, c := range p.Changes {
		if c.Did() == did {
			names = append(names, c.Name())
		}
	}
	return names
}

// Titles are the settings that it adds, changes or deletes, such as channel hook.
func (p Plan) Titles(did Did) (titles []string) {
	for _, c := range p.Settings {
		if c.Did() == did {
			titles = append(titles, c.Title())
		}
	}
	return titles
}

// String is a line for each of what it adds, changes and deletes.
func (p Plan) String() string {
	const most = 8 // names to a line
	var lines []string
	for _, part := range []struct {
		word string
		did  Did
	}{{"adds", Added}, {"changes", Changed}, {"deletes", Deleted}} {
		names := append(p.Names(part.did), p.Titles(part.did)...)
		if n := len(names); n > 0 {
			text := strings.Join(names[:min(n, most)], ", ")
			if n > most {
				text += ", ..."
			}
			lines = append(lines, fmt.Sprintf("%-7s %5d  %s", part.word, n, text))
		}
	}
	return strings.Join(lines, "\n")
}
