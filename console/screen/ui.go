package screen

import (
	"netmon/console"
	"netmon/console/view"
)

// Tab is one of the views.
type Tab uint8

// The views, in the order of their keys.
const (
	Monitors Tab = iota
	Matrix
	Agents
	Detail
	Log
	Incidents
	tabs = iota
)

func (t Tab) String() string {
	return [...]string{"monitors", "matrix", "agents", "detail", "log", "incidents"}[t]
}

// UI is what a person has chosen, and what is being typed.
type UI struct {
	Tab      Tab
	Back     Tab // where esc leads from the detail
	Names    []string
	Filter   string
	Sort     view.Sort
	Columns  columns
	Cursor   string // the chosen monitor
	Chosen   bool   // a person chose it: it stays chosen wherever it is sorted to
	First    int    // the first row in sight
	Move     int    // how many rows the cursor is to go, at the next snapshot
	Agent    string // the chosen agent, in the agents and in the detail
	Shift    int    // the first agent in sight in the matrix
	Span     Span   // of the plot in the detail
	Graph    graphed
	Past     *console.PlayState // what is shown is past; nil: it is now
	Incident string             // the chosen incident
	Story    bool               // all of it is shown
	Scroll   int                // the first line in sight of what is scrolled
	notices  int                // lines above the table
	Frozen   bool
	Help     bool
	Output   []string // what a command printed; nil where it is not shown
	Mouse    bool
	Mode     mode
	Typed    string   // of the filter, the command or the words for an incident
	Asked    *Request // waits for yes or no, or for words
	Question string   // that waits for yes or no
	Message  string
	Bad      bool
	Broker   string
	Loading  bool         // what is stored is still being read
	Link     console.Link // to the broker
	Trouble  string       // what cannot be read although the broker is there; "" is nothing
}

// mode is what keys mean.
type mode uint8

const (
	normal     mode = iota
	typing          // a filter
	choosing        // columns
	commanding      // after a colon
	asking          // yes or no
	answering       // words for an incident
)

// New is the UI at the beginning.
func New(broker string, names []string) UI {
	return UI{Names: names, Columns: standard, Broker: broker, Mouse: true}
}

func (u *UI) say(text string)    { u.Message, u.Bad = text, false }
func (u *UI) refuse(text string) { u.Message, u.Bad = text, true }

// Query is what the UI needs to be drawn in this size.
func (u *UI) Query(w, h int) view.Query {
	q := view.Query{Names: u.Names, Filter: u.Filter, Sort: u.Sort, Limit: max(1, body(h)-1-u.notices-previewLines(h)), First: u.First, Cursor: u.Cursor, Move: u.Move}
	if u.Mode == typing {
		q.Filter = u.Typed
	}
	if !u.Chosen {
		q.Cursor = "" // the first one, whichever that is now
	}
	if u.Mode == commanding {
		q.Agents, q.Find, q.FindMost = true, u.named(), findMost
	}
	switch u.Tab {
	case Monitors:
		q.Strip = max(8, w-40)
	case Matrix:
		q.Cells = true
	case Agents:
		q.Agents = true
	case Detail:
		q.Detail, q.On, q.Strip, q.Plot = u.Cursor, u.Agent, w, max(1, w-plotAxis-1)
		q.Filter = "" // the one that was chosen stays, whatever the filter says of it now
		q.Limit = 1
	case Log:
		q.Log = body(h)
	case Incidents:
		q.Limit = 1
		if u.Story {
			q.Incident = u.Incident
		}
	}
	return q
}

// Took adopts where the snapshot, made for a screen of height h, put the cursor.
func (u *UI) Took(s view.Snapshot, h int) {
	u.Move = 0
	if u.Tab == Detail || u.Tab == Incidents {
		return
	}
	u.First, u.Cursor = s.First, s.Cursor
	u.notices = min(len(console.Notices(s)), noticeMost(h))
}

// Hear asks a model how the broker is, and tells what has changed.
func (u *UI) Hear(m Model) {
	was, trouble := *u, ""
	u.Link = m.Link()
	select {
	case <-m.Ready():
		u.Loading = false
	default:
		u.Loading = true
	}
	for i, t := range m.Troubles() {
		if i > 0 {
			trouble += "; "
		}
		trouble += t.String()
	}
	u.Trouble = trouble
	switch lost := !u.Link.Lost.IsZero(); {
	case lost && was.Link.Lost.IsZero():
		u.refuse("the broker is away (" + u.Link.Why + "): states become unknown until it is back")
	case !lost && !was.Link.Lost.IsZero():
		u.say("the broker is back; agents now send what they measured meanwhile")
	}
	switch {
	case trouble != was.Trouble && trouble != "":
		u.refuse(trouble)
	case trouble != was.Trouble:
		u.say("everything can be read again")
	}
}
