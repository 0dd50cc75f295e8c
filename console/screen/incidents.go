package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// incidentRows is a line for each incident, the open ones first, around the chosen one.
func incidentRows(s view.Snapshot, u UI, w, h int, st Styles) []string {
	l := s.Incidents
	switch {
	case l.Why != "":
		return append([]string{""}, indent(wrap("Incidents cannot be read: "+console.Printable(l.Why), max(20, w-4)))...)
	case !l.Read:
		return []string{"", "  Incidents were not read yet."}
	case len(l.All) == 0:
		return []string{"", "  No incident is open, and none is known that was."}
	}
	id := 4
	for _, x := range l.All {
		id = min(max(id, len(l.Short[x.ID])), 16)
	}
	told := 0
	if w >= wideIncidents {
		told = 28
	}
	head := fmt.Sprintf("  %s %s %6s %7s %s ", fit("ID", id), fit("SEVERITY", 11), "SINCE", "MEMBERS", fit("STATE", incidentState))
	if told > 0 {
		head += fit("TOLD", told) + " "
	}
	out := []string{st.in(st.Dim, head+"SUMMARY")}
	chosen := max(0, slices.IndexFunc(l.All, func(x *wire.Incident) bool { return x.ID == u.incident(s) }))
	rows := max(1, h-1)
	first := max(0, min(chosen-rows/2, len(l.All)-rows))
	for i := first; i < min(len(l.All), first+rows); i++ {
		x := l.All[i]
		name := fit(l.Short[x.ID], id)
		if i == chosen {
			name = st.in(st.Chosen, name)
		}
		members := fmt.Sprint(console.TotalMembers(x))
		if x.Good > 0 && x.State == wire.IncidentOpen {
			members = fmt.Sprintf("%d/%d", console.TotalMembers(x)-x.Good, console.TotalMembers(x))
		}
		style, word := incidentWord(x, st)
		line := fmt.Sprintf("%s%s %s %6s %7s %s ", pointer(i == chosen), name, st.in(style, fit(console.Printable(string(x.Severity)), 11)), incidentSince(x, s.At), members, st.in(style, fit(word, incidentState)))
		if told > 0 {
			line += fit(console.ToldText(x), told) + " "
		}
		out = append(out, line+console.SummaryText(x))
	}
	return out
}

const (
	incidentState = 12  // the longest word
	wideIncidents = 120 // from which width on it is shown who was told
)

// incidentWord says in a word how an incident is.
func incidentWord(x *wire.Incident, st Styles) (style, word string) {
	switch {
	case x.State != wire.IncidentOpen:
		return st.Dim, console.Printable(string(x.State))
	case len(x.Muted) > 0:
		return st.Dim, "muted"
	case x.Ack != nil:
		return st.Warn, "acknowledged"
	case x.Flaps:
		return st.Warn, "flapping"
	case x.Severity == wire.SeverityDown || x.Severity == wire.SeverityBroker || x.Severity == wire.SeverityDisk:
		return st.Bad, "open"
	}
	return st.Warn, "open"
}

func incidentSince(x *wire.Incident, now time.Time) string {
	text := console.SinceText(x.Opened, now)
	if strings.HasSuffix(text, "s") && len(text) > 6 { // 12m03s
		text = text[:strings.Index(text, "m")+1]
	}
	return text
}

// incidentStory is all that is known here of the chosen incident: its end may be below.
func incidentStory(s view.Snapshot, u UI, w, h int, st Styles) []string {
	x := s.Incidents.Named(u.Incident)
	if x == nil {
		return []string{"", "  That incident is not known any more."}
	}
	lines := storyLines(x, s, w)
	first := u.scrolled(len(lines), h)
	if first+h < len(lines) {
		lines = append(lines[first:first+h-1:first+h-1], fmt.Sprintf("↓ %d more lines", len(lines)-first-h+1))
	} else {
		lines = lines[first:]
	}
	style, _ := incidentWord(x, st)
	for i, l := range lines {
		switch {
		case i+first == 0:
			lines[i] = st.in(style, l)
		case !strings.HasPrefix(l, " "):
			lines[i] = st.in(st.Head, l)
		}
	}
	return lines
}

// storyLines are those of the story, none wider than w.
func storyLines(x *wire.Incident, s view.Snapshot, w int) (out []string) {
	story := console.IncidentStory{Incident: *x, Deliveries: s.Deliveries}
	for _, l := range story.Text(s.At) {
		in := l[:len(l)-len(strings.TrimLeft(l, " "))]
		if ansi.StringWidth(l) <= w {
			out = append(out, l)
			continue
		}
		for i, part := range wrap(l, max(20, w-len(in)-2)) {
			if i > 0 {
				part = "  " + part
			}
			out = append(out, in+part)
		}
	}
	return out
}

// scrolled is the first line in sight of n, where h have room.
func (u *UI) scrolled(n, h int) int { return max(0, min(u.Scroll, n-h)) }

func indent(lines []string) []string {
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// incident is the chosen one: the first, where the one that was chosen is not there.
func (u *UI) incident(s view.Snapshot) string {
	if len(s.Incidents.All) == 0 || s.Incidents.Named(u.Incident) != nil {
		return u.Incident
	}
	return s.Incidents.All[0].ID
}

// concerned is the open incident that a key works on: the chosen one, or that of the
// chosen monitor; nil where there is none.
func (u *UI) concerned(s view.Snapshot) *wire.Incident {
	if u.Tab == Incidents {
		return s.Incidents.Named(u.incident(s))
	}
	if u.Cursor == "" || u.Tab == Agents || u.Tab == Log {
		return nil
	}
	for _, x := range s.Incidents.All[:s.Incidents.Open] {
		if slices.ContainsFunc(x.Members, func(m wire.IncidentMember) bool { return m.Name == u.Cursor && m.Wrong() }) {
			return x
		}
	}
	return nil
}

// ask begins to ask what it takes to acknowledge or to silence an incident.
func (u *UI) ask(verb Verb, s view.Snapshot) {
	x := u.concerned(s)
	switch {
	case x == nil && u.Tab == Incidents:
		u.refuse("there is no incident to " + string(verb))
	case x == nil:
		u.refuse("a (acknowledge) works on an incident: choose one in view i, or a monitor that is in one")
	case x.State != wire.IncidentOpen:
		u.refuse(fmt.Sprintf("incident %s is over", s.Incidents.Short[x.ID]))
	case !u.Link.Lost.IsZero():
		u.refuse(fmt.Sprintf("cannot %s incident %s: the broker is away", verb, s.Incidents.Short[x.ID]))
	default:
		u.Mode, u.Typed, u.Asked = answering, "", &Request{Verb: verb, Incident: x.ID, Short: s.Incidents.Short[x.ID], Of: x}
	}
}

// given takes what was typed for the request that waits for it.
func (u *UI) given() Effect {
	r := u.Asked
	text := strings.TrimSpace(u.Typed)
	if r.Verb == Silence {
		first, rest, _ := strings.Cut(text, " ")
		d, err := console.ParseSpan(first)
		if err != nil {
			u.Mode, u.Asked = normal, nil
			u.refuse("silence: " + err.Error())
			return Effect{}
		}
		r.For, text = d, strings.TrimSpace(rest)
	}
	r.Text = text
	u.Mode, u.Asked = normal, nil
	u.say(r.String() + " …")
	return Effect{Do: r}
}

// asks is what is asked, in front of what is typed.
func (r *Request) asks() string {
	if r.Verb == Silence {
		return fmt.Sprintf("silence the monitors of %s for how long, and why (such as 2h deploy): ", r.Short)
	}
	return fmt.Sprintf("acknowledge %s, in what words (none is fine): ", r.Short)
}

// scroll moves through the story.
func (u *UI) scroll(by int, s view.Snapshot) {
	if x := s.Incidents.Named(u.Incident); x != nil {
		u.Scroll = max(0, min(u.Scroll+by, len(storyLines(x, s, leastWidth))))
	}
}
