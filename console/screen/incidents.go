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

// incidentRows is a row for each incident, the open ones first, around the chosen one.
func incidentRows(s view.Snapshot, u UI, w, h int, st Styles) page {
	l := s.Incidents
	switch {
	case l.Why != "" && u.Past != nil:
		return text(append([]string{""}, indented(console.Printable(l.Why), 2, w)...)...)
	case l.Why != "":
		return text(append([]string{""}, indented("Incidents cannot be read: "+console.Printable(l.Why), 2, w)...)...)
	case !l.Read:
		return text("", "  Incidents are being read.")
	case len(l.All) == 0:
		return text("", "  No incident is open or kept.")
	}
	id := 4
	for _, x := range l.All {
		id = min(max(id, len(l.Short[x.ID])), 16)
	}
	told := 0
	if w >= wideIncidents {
		told = 28
	}
	head := fmt.Sprintf("  %s %s %6s %7s %s ", fit("ID", id), fit("SEVERITY", severityWidth), "SINCE", "MEMBERS", fit("STATE", incidentState))
	if told > 0 {
		head += fit("NOTICES", told) + " "
	}
	p := text(st.in(st.Dim, head+"SUMMARY"))
	chosen := max(0, slices.IndexFunc(l.All, func(x *wire.Incident) bool { return x.ID == u.incident(s) }))
	var below []string // the chosen one's summary, whole
	if h >= 10 {
		below = indented(console.SummaryText(l.All[chosen]), 0, w)
		below = below[:min(len(below), 3)]
	}
	first, end := around(chosen, len(l.All), max(1, h-1-len(below)))
	for i := first; i < end; i++ {
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
		line := fmt.Sprintf("%s%s %s %6s %7s %s ", pointer(i == chosen), name, st.in(style, fit(console.Printable(string(x.Severity)), severityWidth)), incidentSince(x, s.At), members, st.in(style, fit(word, incidentState)))
		if told > 0 {
			line += fit(console.NotifiedText(x), told) + " "
		}
		p.addRow(x.ID, line+console.SummaryText(x))
	}
	p.fill(h - len(below))
	style, _ := incidentWord(l.All[chosen], st)
	for _, line := range below {
		p.add(st.in(style, line))
	}
	return p
}

const (
	severityWidth = 11
	incidentState = 12  // the longest word
	wideIncidents = 120 // from which width on it is shown to whom notices went
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

// incidentStory is all that is known here of the chosen incident; it may have to be scrolled.
func incidentStory(s view.Snapshot, u UI, w, h int, st Styles) page {
	x := s.Incidents.Named(u.Incident)
	if x == nil {
		return text("", "  This incident is no longer kept. Esc goes back.")
	}
	lines := storyLines(x, s, w)
	style, _ := incidentWord(x, st)
	for i, l := range lines {
		switch {
		case i == 0:
			lines[i] = st.in(style, l)
		case !strings.HasPrefix(l, " "):
			lines[i] = st.in(st.Head, l)
		}
	}
	return text(scrolled(lines, u.Scroll, h, st)...)
}

// storyLines are its lines, none wider than w.
func storyLines(x *wire.Incident, s view.Snapshot, w int) []string {
	story := console.IncidentStory{Incident: *x, Deliveries: s.Deliveries}
	return wrapped(story.Text(s.At), w)
}

// wrapped breaks the lines that are wider than w; what continues stands deeper.
func wrapped(lines []string, w int) (out []string) {
	for _, l := range lines {
		in := min(len(l)-len(strings.TrimLeft(l, " ")), 16)
		if ansi.StringWidth(l) <= w {
			out = append(out, l)
		} else {
			out = append(out, indented(l, in, w)...)
		}
	}
	return out
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
	case u.Past != nil:
		u.refuse(notInPast)
	case x == nil && u.Tab == Incidents:
		u.refuse("there is no incident")
	case x == nil:
		u.refuse(string(verb) + ": choose an incident in view i, or a monitor that is in one")
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
		return fmt.Sprintf("silence the monitors of incident %s for how long, and why (2h deploy): ", r.Short)
	}
	return fmt.Sprintf("acknowledge incident %s with a note (may be empty): ", r.Short)
}

// length is how many lines are there to scroll through.
func (u *UI) length(s view.Snapshot) int {
	switch x := s.Incidents.Named(u.Incident); {
	case u.Help:
		return len(helpLines(leastWidth, u.Past != nil, Styles{}))
	case u.Output != nil:
		return len(wrapped(u.Output, leastWidth))
	case u.Story && x != nil:
		return len(storyLines(x, s, leastWidth))
	}
	return 0
}

// scroll moves through lines.
func (u *UI) scroll(by int, s view.Snapshot) {
	u.Scroll = max(0, min(u.Scroll+by, u.length(s)))
}
