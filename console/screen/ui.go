package screen

import (
	"time"

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
	tabs = iota
)

func (t Tab) String() string {
	return [...]string{"monitors", "matrix", "agents", "detail", "log"}[t]
}

// Link is the connection to the broker.
type Link struct {
	Broker string
	Lost   bool
	Since  time.Time // of the loss, or of the return
	Why    string
}

// Trouble says why no result can be read although the broker is there; "" says
// that they can be again.
type Trouble string

// UI is what a person has chosen, and what is being typed.
type UI struct {
	Tab     Tab
	Back    Tab // where esc leads from the detail
	Names   []string
	Filter  string
	Sort    view.Sort
	Columns columns
	Cursor  string // the chosen monitor
	Chosen  bool   // a person chose it: it stays chosen wherever it is sorted to
	First   int    // the first row in sight
	Move    int    // rows that the cursor is to go; done by the next snapshot
	Agent   string // the chosen agent, in the agents and in the detail
	Shift   int    // the first agent in sight in the matrix
	Frozen  bool
	Help    bool
	Mode    mode
	Typed   string   // of the filter
	Asked   *Request // waits for yes or no
	Message string
	Bad     bool
	Link    Link
}

// mode is what keys mean.
type mode uint8

const (
	normal   mode = iota
	typing        // a filter
	choosing      // columns
	asking        // yes or no
)

// New is the UI at the beginning.
func New(broker string, names []string) UI {
	return UI{Names: names, Columns: standard, Link: Link{Broker: broker}}
}

func (u *UI) say(text string)    { u.Message, u.Bad = text, false }
func (u *UI) refuse(text string) { u.Message, u.Bad = text, true }

// Query is what the UI needs to be drawn in this size.
func (u *UI) Query(w, h int) view.Query {
	q := view.Query{Names: u.Names, Filter: u.Filter, Sort: u.Sort, Limit: max(1, body(h)-1), First: u.First, Cursor: u.Cursor, Move: u.Move}
	if u.Mode == typing {
		q.Filter = u.Typed
	}
	if !u.Chosen {
		q.Cursor = "" // the first one, whichever that is now
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
	}
	return q
}

// Took adopts where the snapshot put the cursor.
func (u *UI) Took(s view.Snapshot) {
	u.Move = 0
	if u.Tab == Detail {
		return
	}
	u.First, u.Cursor = s.First, s.Cursor
}
