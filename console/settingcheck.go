package console

import (
	"fmt"
	"slices"
	"strings"

	"netmon/wire"
)

// known is all that is saved, or will be once a change is carried out: what settings
// name has to be in it.
type known struct {
	monitors map[string]bool // nil: none of them is looked for
	settings map[wire.Sort]map[string]wire.Setting
}

func newKnown(settings []wire.Setting) known {
	k := known{settings: map[wire.Sort]map[string]wire.Setting{}}
	for _, sort := range wire.Sorts {
		k.settings[sort] = map[string]wire.Setting{}
	}
	for _, x := range settings {
		k.put(x)
	}
	return k
}

func (k known) put(x wire.Setting)                 { k.settings[x.Sort()][x.SettingName()] = x }
func (k known) remove(sort wire.Sort, name string) { delete(k.settings[sort], name) }

func (k known) has(sort wire.Sort, name string) bool { return k.settings[sort][name] != nil }

// check says what a setting names that there is not, and which name of it is taken.
func (k known) check(x wire.Setting) error {
	var p wire.Problems
	channel := func(field, name string) {
		c, ok := k.settings[wire.SortChannel][name].(*wire.Channel)
		switch {
		case !ok:
			p.Addf(field, "no channel %q is saved: save it first, or in the same file", wire.Clip(name, wire.MaxToken))
		case c.Kind == wire.KindDeadman:
			p.Addf(field, "%q is called while all is well, and gets no incidents: want a channel of another kind than %s", name, wire.KindDeadman)
		}
	}
	channels := func(field string, names []string) {
		for i, name := range names {
			channel(fmt.Sprintf("%s[%d]", field, i), name)
		}
	}
	switch x := x.(type) {
	case *wire.Channel:
		if x.Fallback == "" {
			break
		}
		channel("fallback", x.Fallback)
		if cycle := FallbackCycle(x.Name, k.fallback); cycle != nil {
			p.Addf("fallback", "%s is a cycle", strings.Join(cycle, " -> "))
		}
	case *wire.NoticeRule:
		channels("to", x.To)
		for i, e := range x.Escalate {
			channels(fmt.Sprintf("escalate[%d].to", i), e.To)
		}
	case *wire.Group:
		if k.monitors == nil {
			break
		}
		if k.monitors[x.Name] {
			p.Addf("name", "a monitor is called %q: a group has a name of its own", x.Name)
		}
		for i, name := range x.Of {
			if !k.monitors[name] {
				p.Addf(fmt.Sprintf("of[%d]", i), "no monitor %q is saved: save it first, or in the same file", wire.Clip(name, wire.MaxToken))
			}
		}
	}
	return p.Err()
}

// fallback is the channel that is notified where this one cannot be; "" is none.
func (k known) fallback(channel string) string {
	if c, ok := k.settings[wire.SortChannel][channel].(*wire.Channel); ok {
		return c.Fallback
	}
	return ""
}

// FallbackCycle are the channels of a cycle that begins and ends with this one, nil for
// none. fallback is that of a channel, "" for none.
func FallbackCycle(channel string, fallback func(string) string) []string {
	path := []string{channel}
	for next := fallback(channel); next != ""; next = fallback(next) {
		if next == channel {
			return append(path, next)
		}
		if slices.Contains(path, next) {
			return nil // it leads to a cycle of others
		}
		path = append(path, next)
	}
	return nil
}

// users are the settings that name a channel, a monitor or a group, as titles.
func (k known) users(names func(x wire.Setting) bool) (titles []string) {
	var list []wire.Setting
	for _, sort := range wire.Sorts {
		for _, x := range k.settings[sort] {
			if names(x) {
				list = append(list, x)
			}
		}
	}
	SortSettings(list)
	for _, x := range list {
		titles = append(titles, SettingTitle(x))
	}
	return titles
}

// notifiesBy says of settings whether they name a channel.
func notifiesBy(channel string) func(wire.Setting) bool {
	return func(x wire.Setting) bool {
		switch x := x.(type) {
		case *wire.Channel:
			return x.Fallback == channel
		case *wire.NoticeRule:
			return slices.Contains(x.To, channel) || slices.ContainsFunc(x.Escalate, func(e wire.Escalation) bool { return slices.Contains(e.To, channel) })
		}
		return false
	}
}

// groups says of settings whether they are groups of a monitor.
func groups(monitor string) func(wire.Setting) bool {
	return func(x wire.Setting) bool {
		g, ok := x.(*wire.Group)
		return ok && slices.Contains(g.Of, monitor)
	}
}

// chooses says of settings whether they choose by the name of a group.
func chooses(group string) func(wire.Setting) bool {
	return func(x wire.Setting) bool {
		switch x := x.(type) {
		case *wire.NoticeRule:
			return slices.Contains(x.Match.Groups, group)
		case *wire.Window:
			return slices.Contains(x.Match.Groups, group)
		}
		return false
	}
}

// usersOf are the settings that name this one.
func (k known) usersOf(sort wire.Sort, name string) []string {
	switch sort {
	case wire.SortChannel:
		return k.users(notifiesBy(name))
	case wire.SortGroup:
		return k.users(chooses(name))
	}
	return nil
}

// UsedError says that a setting was not deleted, since others name it.
type UsedError struct {
	What string   // such as channel hook
	By   []string // such as rule shop
}

func (e *UsedError) Error() string {
	verb := "names"
	if len(e.By) > 1 {
		verb = "name"
	}
	return fmt.Sprintf("%s %s %s", SomeOf(e.By), verb, e.What)
}

// SomeOf lists names, and counts those that would be too many.
func SomeOf(names []string) string {
	const most = 8
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
