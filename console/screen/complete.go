package screen

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
)

// named is the monitor that the typed command names so far.
func (u *UI) named() string {
	if words := strings.Fields(u.Typed); len(words) > 1 {
		return words[1]
	}
	return ""
}

// offers are the words that can stand where the last one is being typed, which is begun.
func (u *UI) offers(s view.Snapshot) (list []string, begun string) {
	words := strings.Fields(u.Typed)
	if len(words) == 0 || strings.HasSuffix(u.Typed, " ") {
		words = append(words, "")
	}
	begun = words[len(words)-1]
	if len(words) == 1 {
		for _, c := range commands() {
			list = append(list, c.name)
		}
	} else if c, err := find(words[0]); err == nil {
		list = c.values(len(words)-1, s)
	}
	return slices.DeleteFunc(list, func(w string) bool { return !strings.HasPrefix(w, begun) }), begun
}

// values are what the nth word after a command can be.
func (c command) values(n int, s view.Snapshot) (list []string) {
	switch {
	case n == 1 && (c.takes == takesMonitor || c.takes == takesPlace):
		for _, r := range s.Found {
			list = append(list, r.Name)
		}
	case n == 2 && c.takes == takesPlace:
		list = []string{"on"}
	case n == 3 && c.takes == takesPlace:
		list = slices.Clone(s.AgentIDs)
	case n == 1 && c.takes == takesOrder:
		for _, o := range view.Sorts {
			list = append(list, o.String())
		}
	case n == 1 && c.takes == takesSpan:
		list = spanNames()
	case n == 1 && c.takes == takesSwitch:
		list = []string{"on", "off"}
	case n == 1 && c.takes == takesIncident:
		for _, x := range s.Incidents.All[:s.Incidents.Open] {
			list = append(list, s.Incidents.Short[x.ID])
		}
	}
	return list
}

// complete types as much as all offers have in common, and of one offer all of it.
func (u *UI) complete(s view.Snapshot) {
	list, begun := u.offers(s)
	if len(list) == 0 {
		return
	}
	common := list[0]
	for _, word := range list[1:] {
		for !strings.HasPrefix(word, common) {
			common = common[:len(common)-1]
		}
	}
	if len(list) == 1 {
		common += " "
	}
	u.Typed = strings.TrimSuffix(u.Typed, begun) + common
}

// commandLines are what can follow, and what is typed.
func commandLines(s view.Snapshot, u UI, w int, st Styles) []string {
	const most = 3 // lines of what can follow
	list, _ := u.offers(s)
	offers := wrap(console.Printable(strings.Join(list, " ")), w)
	if len(offers) > most {
		last := offers[most-1]
		offers = append(offers[:most-1:most-1], last[:max(0, strings.LastIndex(last, " "))]+" …")
	}
	for i := range offers {
		offers[i] = st.in(st.Dim, offers[i])
	}
	typed := ":" + console.Printable(u.Typed) + "█"
	if over := ansi.StringWidth(typed) - w + 1; over > 0 {
		typed = "…" + ansi.TruncateLeft(typed, over, "")
	}
	if len(list) == 0 {
		return []string{typed}
	}
	return append(offers, typed)
}
