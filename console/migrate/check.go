package migrate

import (
	"fmt"
	"slices"
	"strings"

	"netmon/console"
	"netmon/wire"
)

// Check leaves out the monitors that netmon would refuse, each with netmon's own words, and
// takes away parents that are none: so what is written, apply takes.
func (f *Found) Check(check func(wire.Monitor) error) {
	var kept []Monitor
	names := map[string]bool{}
	for _, m := range f.Monitors {
		var p wire.Problems
		p.Add("", m.Validate())
		p.Add("", check(m.Monitor.WithDefaults()))
		if names[m.Name] {
			p.Addf("name", "%q is given a second time", m.Name)
		}
		if err := p.Err(); err != nil {
			f.Left = append(f.Left, Left{m.At, fmt.Sprintf("%s (%s)", m.Name, m.Kind), "netmon refuses it: " + oneLine(err)})
			continue
		}
		names[m.Name] = true
		kept = append(kept, m)
	}
	f.Monitors = kept
	f.checkParents(names)
}

// checkParents takes away parents that were left out, and those of a cycle.
func (f *Found) checkParents(names map[string]bool) {
	var all []wire.Saved
	for i := range f.Monitors {
		m := &f.Monitors[i]
		m.DependsOn = slices.DeleteFunc(slices.Clone(m.DependsOn), func(parent string) bool {
			if !names[parent] {
				m.Lost = append(m.Lost, fmt.Sprintf("it depends on %s, which was left out", parent))
			}
			return !names[parent]
		})
		all = append(all, m.Saved)
	}
	for f.breakCycles(all) {
	}
}

// breakCycles takes what it depends on from each monitor of all that closes a cycle, and says
// whether there was one. all are those of f, in their order.
func (f *Found) breakCycles(all []wire.Saved) (found bool) {
	closes := map[string]error{}
	for _, e := range wire.FieldErrors(console.Cycles(all)) {
		name, _, _ := strings.Cut(e.Path, ".")
		closes[name] = e.Err
	}
	for i := range f.Monitors {
		m := &f.Monitors[i]
		if err := closes[m.Name]; err != nil && len(m.DependsOn) > 0 {
			m.Lost = append(m.Lost, "what it depends on: "+err.Error())
			m.DependsOn, all[i].DependsOn = nil, nil
			found = true
		}
	}
	return found
}

// oneLine is an error that may be a list of mistakes.
func oneLine(err error) string {
	var parts []string
	for _, e := range wire.FieldErrors(err) {
		if text := e.Error(); !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "\n", " ")
}
