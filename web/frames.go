package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/judge"
)

// frame is the page of a key as things are now; errAbsent where there is none.
func frameOf(m Model, key string) (frame, error) {
	what, name, _ := strings.Cut(key, " ")
	switch what {
	case "monitors":
		return monitorsOf(m, ""), nil
	case "matrix":
		return matrixOf(m), nil
	case "agents":
		return agentsOf(m), nil
	case "incidents":
		if name != showLate && name != showOpen {
			return frame{}, errAbsent
		}
		return incidentsOf(m, name), nil
	case "monitor":
		return monitorOf(m, name)
	case "incident":
		return incidentOf(m, name)
	}
	return frame{}, errAbsent
}

// summaryBody is how many monitors are in which state, and what is odd about the mesh.
type summaryBody struct {
	Counts string // one line for each state, see countLines
	Notes  string // a line each
	Empty  bool
}

// Split are the lines of a text: a body has to be comparable.
func (summaryBody) lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// StateCounts are the counts, the worst first.
func (b summaryBody) StateCounts() (list []stateCount) {
	for _, l := range b.lines(b.Counts) {
		word, text, _ := strings.Cut(l, "\t")
		var st judge.State
		if st.UnmarshalText([]byte(word)) == nil {
			list = append(list, stateCount{State: stateOf(st), Text: text})
		}
	}
	return list
}

// NoteLines are the notes.
func (b summaryBody) NoteLines() []string { return b.lines(b.Notes) }

type stateCount struct {
	State stateView
	Text  string
}

// stateView is a state as it is shown: by mark, word and class, so by colour alone nowhere.
type stateView struct{ Mark, Word, Class string }

func stateOf(s judge.State) stateView {
	return stateView{s.Mark(), s.String(), [...]string{"down", "deg", "unk", "up", "off"}[s]}
}

func summaryOf(m Model, sn view.Snapshot) part {
	b := summaryBody{Empty: sn.Totals.All == 0}
	var counts []string
	for _, st := range judge.States {
		if n := sn.Totals.Monitors[st]; n > 0 {
			counts = append(counts, fmt.Sprintf("%s\t%d %s", st, n, st))
		}
	}
	b.Counts = strings.Join(counts, "\n")
	notes := console.MeshNotices(sn)
	for _, t := range m.Troubles() {
		notes = append(notes, console.Printable(t.String()))
	}
	b.Notes = strings.Join(append([]string{agentsText(sn.Totals)}, notes...), "\n")
	return part{ID: "sum", Shape: "summary", Body: b}
}

func agentsText(t view.Totals) string {
	if t.Agents == 0 {
		return "No agent is known yet."
	}
	return fmt.Sprintf("%d of %s online.", t.Online, plural.Count(t.Agents, "agent is", "agents are"))
}

// linkBody is whether the broker is there.
type linkBody struct {
	Up   bool
	Text string
	Open int // incidents
}

// link is the part of every page that says whether it is live.
func linkOf(m Model, sn view.Snapshot) part {
	l := m.Link()
	b := linkBody{Up: l.Lost.IsZero() && !l.Never, Text: "live", Open: sn.Incidents.Open}
	switch {
	case l.Never:
		b.Text = "the broker cannot be reached yet" + why(l.Why)
	case !b.Up:
		b.Text = "the broker is away: what is shown is from " + sinceText(l.Lost, sn.At) + " ago" + why(l.Why)
	}
	return part{ID: "link", Shape: "link", Body: b}
}

func why(text string) string {
	if text == "" {
		return ""
	}
	return " (" + console.Printable(text) + ")"
}

// sinceText is how long ago something began, coarsely: a page that counts seconds has no
// rest. It is "" where that is not known.
func sinceText(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	switch d := now.Sub(since); {
	case d < time.Minute:
		return "< 1 min"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
}

// latencyText is a latency; "–" where none was measured.
func latencyText(f view.Figure) string {
	if !f.OK {
		return none
	}
	return console.Short(f.Duration())
}

// none stands for a figure that was not measured.
const none = "–"

func percentText(f view.Figure) string {
	if !f.OK {
		return none
	}
	return console.PercentText(&f.V)
}

// kindText is what a monitor measures, in one line.
func kindText(kind, target string) string {
	return console.Printable(strings.ToUpper(cmp.Or(kind, "?")) + " · " + target)
}
