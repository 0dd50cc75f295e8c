package console

import (
	"net"
	"slices"
	"strings"

	"netmon/internal/plural"
	"netmon/wire"
)

// Checks are the rules of kinds, which say what is wrong with what is to be saved. What
// breaks them is not saved: an [InvalidError].
type Checks struct {
	Monitor func(wire.Monitor) error
	Channel func(*wire.Channel) error // nil: a channel is checked by what all kinds have in common
}

// Setting reports every mistake of a setting by itself.
func (c Checks) Setting(x wire.Setting) error {
	var p wire.Problems
	p.Add("", x.Validate())
	if channel, ok := x.(*wire.Channel); ok && c.Channel != nil {
		p.Add("", c.Channel(channel))
	}
	return p.Err()
}

// Wanted is what somebody wants to be saved: what files say, or a saved configuration.
type Wanted struct {
	Monitors []wire.Saved
	Settings []wire.Setting // channels, rules, windows and groups
	// Sorts are those of settings that it speaks of. What is saved of them and is not
	// among Settings can be pruned; of another sort nothing is.
	Sorts      []wire.Sort
	NoMonitors bool // it does not speak of monitors: none is pruned

	From map[string]string // the file in which a monitor is, by name, or a setting, by [SettingTitle]; may be nil
}

// BrokerTarget in the target of a monitor in a file stands for HOST:PORT of the broker that
// the file is applied to.
const BrokerTarget = "${broker}"

// AtBroker is a target with the broker's address, HOST:PORT, in the place of BrokerTarget.
func AtBroker(target, address string) string {
	return strings.ReplaceAll(target, BrokerTarget, address)
}

// At is what is wanted of the broker at an address, see BrokerTarget.
func (w Wanted) At(address string) Wanted {
	w.Monitors = slices.Clone(w.Monitors)
	for i := range w.Monitors {
		w.Monitors[i].Target = AtBroker(w.Monitors[i].Target, address)
	}
	return w
}

// Here is [Wanted.At] on the broker's own host, of which agents are the agents. What is
// measured at a loopback address of the broker runs on these alone, unless the file says
// where: on other hosts nobody listens there. Without agents it runs on all.
func (w Wanted) Here(address string, agents ...string) Wanted {
	at := w.At(address)
	if len(agents) == 0 {
		return at
	}
	for _, i := range w.onlyHere(address) {
		at.Monitors[i].Agents = slices.Clone(agents)
	}
	return at
}

// OnlyHere are the names of monitors that work on the broker's own host alone, and of
// which nothing says that they run there.
func (w Wanted) OnlyHere(address string) (names []string) {
	for _, i := range w.onlyHere(address) {
		names = append(names, w.Monitors[i].Name)
	}
	return names
}

func (w Wanted) onlyHere(address string) (list []int) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil
	}
	for i, m := range w.Monitors {
		if m.Agents == nil && strings.Contains(m.Target, BrokerTarget) {
			list = append(list, i)
		}
	}
	return list
}

// Speaks says whether it speaks of settings of a sort.
func (w Wanted) Speaks(sort wire.Sort) bool { return slices.Contains(w.Sorts, sort) }

// Of are its settings of a sort.
func (w Wanted) Of(sort wire.Sort) (list []wire.Setting) {
	for _, x := range w.Settings {
		if x.Sort() == sort {
			list = append(list, x)
		}
	}
	return list
}

// Count says how much of what there is in it, such as 3 monitors, 1 channel.
func (w Wanted) Count() string {
	text := ""
	add := func(n int, word string) {
		if text != "" {
			text += ", "
		}
		text += plural.Count(n, word, word+"s")
	}
	if !w.NoMonitors || len(w.Monitors) > 0 || len(w.Sorts) == 0 {
		add(len(w.Monitors), "monitor")
	}
	for _, sort := range FileSorts {
		if w.Speaks(sort) {
			add(len(w.Of(sort)), SortWord(sort))
		}
	}
	return text
}

// check reports every mistake of each monitor and setting by itself.
func (w Wanted) check(by Checks) error {
	var p wire.Problems
	for _, m := range w.Monitors {
		p.Add(m.Name, by.Monitor(m.Monitor))
	}
	for _, x := range w.Settings {
		p.Add(pathOf(x), by.Setting(x))
	}
	if err := p.Err(); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// pathOf is where a setting is among all, such as channels.hook.
func pathOf(x wire.Setting) string { return Section(x.Sort()) + "." + x.SettingName() }
