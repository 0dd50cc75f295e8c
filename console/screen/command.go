package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/console/view"
)

// argument is what a command takes.
type argument uint8

const (
	takesNothing argument = iota
	takesMonitor
	takesPlace // a monitor, and on which agent
	takesWords
	takesOrder
	takesSwitch
	takesIncident
	takesSpan
)

// command is one of those after a colon.
type command struct {
	name  string
	takes argument
	do    func(u *UI, args []string, s view.Snapshot) Effect
}

// findMost is how many monitors are offered to complete a name.
const findMost = 40

// commands are all of them, in the order in which they are offered.
func commands() []command {
	show := func(t Tab) func(*UI, []string, view.Snapshot) Effect {
		return func(u *UI, _ []string, _ view.Snapshot) Effect {
			u.show(t)
			u.Story = false
			return Effect{}
		}
	}
	change := func(v Verb) func(*UI, []string, view.Snapshot) Effect {
		return func(u *UI, args []string, s view.Snapshot) Effect {
			r := &Request{Verb: v, Monitor: args[0]}
			if len(args) > 1 {
				r.On = args[len(args)-1]
			}
			return u.request(r, s)
		}
	}
	key := func(key string) func(*UI, []string, view.Snapshot) Effect {
		return func(u *UI, _ []string, s view.Snapshot) Effect { return u.Key(key, s) }
	}
	return []command{
		{"monitors", takesNothing, show(Monitors)},
		{"matrix", takesNothing, show(Matrix)},
		{"agents", takesNothing, show(Agents)},
		{"incidents", takesNothing, show(Incidents)},
		{"log", takesNothing, show(Log)},
		{"open", takesMonitor, func(u *UI, args []string, _ view.Snapshot) Effect { u.open(args[0]); return Effect{} }},
		{"filter", takesWords, func(u *UI, args []string, _ view.Snapshot) Effect {
			u.Filter, u.First = strings.Join(args, " "), 0
			if u.Tab != Matrix && u.Tab != Log {
				u.show(Monitors)
			}
			return Effect{}
		}},
		{"sort", takesOrder, (*UI).sortBy},
		{"start", takesPlace, change(Start)},
		{"stop", takesPlace, change(Stop)},
		{"probe", takesPlace, change(Probe)},
		{"edit", takesMonitor, change(Edit)},
		{"delete", takesMonitor, change(Delete)},
		{"add", takesNothing, key("n")},
		{"ack", takesIncident, func(u *UI, args []string, s view.Snapshot) Effect { return u.askOf(Ack, args, s) }},
		{"silence", takesIncident, func(u *UI, args []string, s view.Snapshot) Effect { return u.askOf(Silence, args, s) }},
		{"show", takesMonitor, func(u *UI, args []string, _ view.Snapshot) Effect {
			if u.Past != nil {
				u.refuse("show reports what is saved now: :explain NAME reports on this time")
				return Effect{}
			}
			return Effect{Run: append([]string{"show"}, args...)}
		}},
		{"explain", takesMonitor, func(u *UI, args []string, s view.Snapshot) Effect {
			if u.Past != nil {
				return Effect{Run: append([]string{"explain", "--at", s.At.UTC().Format(time.RFC3339)}, args...)}
			}
			return Effect{Run: append([]string{"explain"}, args...)}
		}},
		{"span", takesSpan, (*UI).spanOf},
		{"mouse", takesSwitch, func(u *UI, args []string, _ view.Snapshot) Effect { u.setMouse(args[0] == "on"); return Effect{} }},
		{"help", takesNothing, key("?")},
		{"quit", takesNothing, key("q")},
	}
}

// commandKey is what a key does while a command is typed.
func (u *UI) commandKey(key string, s view.Snapshot) Effect {
	switch key {
	case "enter":
		line := u.Typed
		u.Mode, u.Typed = normal, ""
		u.say("")
		return u.command(line, s)
	case "tab":
		u.complete(s)
		return Effect{}
	case "backspace":
		if u.Typed == "" {
			u.Mode = normal
			return Effect{}
		}
	}
	u.typeKey(key)
	return Effect{}
}

// command carries out a line.
func (u *UI) command(line string, s view.Snapshot) Effect {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Effect{}
	}
	c, err := find(words[0])
	if err == nil {
		err = c.accepts(words[1:], s)
	}
	if err != nil {
		u.refuse(err.Error())
		return Effect{}
	}
	return c.do(u, words[1:], s)
}

// find is the command of that name, or the only one that begins so.
func find(word string) (command, error) {
	if word == "q" || word == "q!" {
		word = "quit"
	}
	var names []string
	var found command
	for _, c := range commands() {
		if c.name == word {
			return c, nil
		}
		if strings.HasPrefix(c.name, word) {
			found, names = c, append(names, c.name)
		}
	}
	switch len(names) {
	case 0:
		return command{}, fmt.Errorf("there is no command %q: press : and Tab to see all", word)
	case 1:
		return found, nil
	}
	last := len(names) - 1
	return command{}, fmt.Errorf("%q can be %s or %s: type more of it", word, strings.Join(names[:last], ", "), names[last])
}

// accepts says what is wrong with the words after a command.
func (c command) accepts(args []string, s view.Snapshot) error {
	n := len(args)
	switch {
	case c.takes == takesNothing && n > 0:
		return fmt.Errorf("%s takes nothing after it, got %q", c.name, args[0])
	case (c.takes == takesMonitor || c.takes == takesPlace) && n == 0:
		return fmt.Errorf("%s takes the name of a monitor: %s", c.name, c.form())
	case c.takes == takesSpan && (n != 1 || !slices.Contains(spanNames(), args[0])):
		return fmt.Errorf("want %s", c.form())
	case c.takes == takesOrder && n != 1, c.takes == takesSwitch && (n != 1 || args[0] != "on" && args[0] != "off"):
		return fmt.Errorf("want %s", c.form())
	case c.takes == takesMonitor && n > 1, c.takes == takesIncident && n > 1:
		return fmt.Errorf("want %s, got %q as well", c.form(), args[1])
	case c.takes == takesPlace && (n == 2 && args[1] == "on" || n == 3 && args[1] != "on" || n > 3):
		return fmt.Errorf("want %s", c.form())
	case c.takes == takesMonitor || c.takes == takesPlace:
		if !slices.ContainsFunc(s.Found, func(r view.Row) bool { return r.Name == args[0] }) {
			return fmt.Errorf("there is no monitor %q: Tab completes names", args[0])
		}
		if on := args[n-1]; n > 1 && !slices.Contains(s.AgentIDs, on) {
			return fmt.Errorf("there is no agent %q: :agents lists them", on)
		}
	}
	return nil
}

// form is how a command is written.
func (c command) form() string {
	switch c.takes {
	case takesMonitor:
		return c.name + " NAME"
	case takesPlace:
		return c.name + " NAME [on AGENT]"
	case takesWords:
		return c.name + " [WORDS]"
	case takesOrder:
		var words []string
		for _, o := range view.Sorts {
			words = append(words, o.String())
		}
		return c.name + " " + strings.Join(words, "|")
	case takesSpan:
		return c.name + " " + strings.Join(spanNames(), "|")
	case takesSwitch:
		return c.name + " on|off"
	case takesIncident:
		return c.name + " [INCIDENT]"
	}
	return c.name
}

// open shows all of a monitor.
func (u *UI) open(name string) {
	u.Cursor, u.Chosen, u.Agent = name, true, ""
	u.show(Detail)
}

// sortBy chooses an order.
func (u *UI) sortBy(args []string, _ view.Snapshot) Effect {
	for _, o := range view.Sorts {
		if o.String() == args[0] {
			u.Sort, u.First = o, 0
			if u.Tab != Matrix {
				u.show(Monitors)
			}
			return Effect{}
		}
	}
	c, _ := find("sort")
	u.refuse("want " + c.form())
	return Effect{}
}

// askOf asks for the words to acknowledge or silence the incident that is named, or the
// one that a key would work on.
func (u *UI) askOf(v Verb, args []string, s view.Snapshot) Effect {
	if len(args) == 0 {
		u.ask(v, s)
		return Effect{}
	}
	for _, x := range s.Incidents.All {
		if s.Incidents.Short[x.ID] == args[0] {
			u.show(Incidents)
			u.Incident = x.ID
			u.ask(v, s)
			return Effect{}
		}
	}
	u.refuse(fmt.Sprintf("there is no incident %q: :incidents lists them", args[0]))
	return Effect{}
}
