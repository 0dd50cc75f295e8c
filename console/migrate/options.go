package migrate

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Options are those of a kind, by path: Set("expect.status", "200").
//
// A check may say a thing twice where netmon has one option. Set takes the later value and
// remembers the earlier one, which Carry loses: so no source drops one silently.
type Options map[string]any

// again is the key of what Set took away: paths with values. No option has this name.
const again = ""

// lostValue is one that another took the place of.
type lostValue struct {
	path  string
	value any
}

// Set sets the option at a path.
func (o Options) Set(path string, value any) {
	all, name := o.at(path)
	o.put(all, name, path, value)
}

// SetIn sets a field of an object of the options, whose name may have dots.
func (o Options) SetIn(object, name string, value any) {
	inner, ok := o[object].(map[string]any)
	if !ok {
		inner = map[string]any{}
		o[object] = inner
	}
	o.put(inner, name, object+"."+name, value)
}

// Default sets an option that nothing has set.
func (o Options) Default(path string, value any) {
	if o.Get(path) == nil {
		o.Set(path, value)
	}
}

// Get is the option at a path, nil where there is none.
func (o Options) Get(path string) any {
	all := map[string]any(o)
	for first, rest, more := strings.Cut(path, "."); more; first, rest, more = strings.Cut(path, ".") {
		all, _ = all[first].(map[string]any)
		path = rest
	}
	return all[path]
}

// at is the object that has the option of a path, and the option's name in it.
func (o Options) at(path string) (map[string]any, string) {
	all := map[string]any(o)
	for first, rest, more := strings.Cut(path, "."); more; first, rest, more = strings.Cut(path, ".") {
		inner, ok := all[first].(map[string]any)
		if !ok {
			inner = map[string]any{}
			all[first] = inner
		}
		all, path = inner, rest
	}
	return all, path
}

func (o Options) put(all map[string]any, name, path string, value any) {
	if was, is := all[name]; is && !reflect.DeepEqual(was, value) {
		lost, _ := o[again].([]lostValue)
		o[again] = append(lost, lostValue{path, was})
	}
	all[name] = value
}

// JSON are the options as a monitor has them; without any, none.
func (o Options) JSON() (json.RawMessage, error) {
	all := maps.Clone(o)
	delete(all, again)
	if len(all) == 0 {
		return nil, nil
	}
	return json.Marshal(all)
}

// Carry gives the monitor its options. What they were set to before they had their last value
// is lost.
func (m *Monitor) Carry(o Options) (err error) {
	lost, _ := o[again].([]lostValue)
	for _, l := range lost {
		if text, isText := l.value.(string); isText && strings.Contains(text, "${") { // a secret's place, which says nothing
			m.Lose("%s: it is given twice, and netmon takes one", l.path)
		} else {
			m.Lose("%s: it is given twice, and netmon takes one; not %s", l.path, short(l.value))
		}
	}
	m.Options, err = o.JSON()
	return err
}

// Secret is a reference for a secret of a check, and a note of where the secret goes. The
// secret itself is written nowhere.
func (m *Monitor) Secret(what string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(m.Name+"_"+what))
	base, taken := name, func() bool {
		return slices.ContainsFunc(m.Notes, func(note string) bool { return strings.Contains(note, " NETMON_SECRET_"+name+" ") })
	}
	for i := 2; taken(); i++ { // by another secret of the check
		name = fmt.Sprintf("%s_%d", base, i)
	}
	m.Notes = append(m.Notes, "put the "+what+" into NETMON_SECRET_"+name+" of each agent's environment, and where it may go into secrets.targets of its policy")
	return "${env:NETMON_SECRET_" + name + "}"
}
