package view

import (
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Sort is an order of monitors. Those that are equal are in the order of their
// names, so that rows stay where they are.
type Sort uint8

const (
	ByState Sort = iota // the worst first
	ByName
	ByLatency // the slowest first, by p95
	ByLoss    // the most first
	ByUptime  // the least first
	ByCert    // the first to end first
	sorts     = iota
)

// Sorts lists every order.
var Sorts = [sorts]Sort{ByState, ByName, ByLatency, ByLoss, ByUptime, ByCert}

// String is the word for the order.
func (s Sort) String() string {
	return [...]string{"state", "name", "p95", "loss", "uptime", "cert"}[s]
}

// Query asks for a snapshot. The zero value asks for all monitors, the worst first.
type Query struct {
	Names  []string // only these monitors; none is all
	Filter string   // words that must all be in name or target of a row, or be its kind, state, one of its agents or tags (team=shop, tag:team)
	Sort   Sort
	Strip  int // places of the strips
	Spark  int // runs whose latencies are in a row

	Calm bool // figures of rows may be a few seconds old, which costs less

	Limit  int    // rows at most; 0 is all
	First  int    // the first row of the window, moved so that Cursor is in it
	Cursor string // the chosen monitor
	Move   int    // from there so many rows on; what the end stops

	Agents bool   // with the agents
	Cells  bool   // with each monitor's state on each agent
	Detail string // all of one monitor
	On     string // in Detail: the agent whose runs are plotted; the worst one if it is not there
	Plot   int    // in Detail: runs of the plot
	Log    int    // so many of the newest results

	Incident string // what became of its notices, as well

	Find     string // monitors whose names begin with this, by name, whatever the filter leaves
	FindMost int    // so many of them; 0 is none
}

// Snapshot answers a Query. It is not changed after it was made.
type Snapshot struct {
	At       time.Time
	Here     bool                // no controller leads: judged here
	Mesh     wire.MeshVerdict    // whether verdicts are frozen
	Unable   []wire.AgentVerdict // agents without which monitors are judged, by id
	Totals   Totals
	Monitors []Row
	First    int    // place of Monitors[0] among Matching
	Matching int    // monitors that the filter leaves
	Cursor   string // the chosen monitor; "" where there is none
	Place    int    // of Cursor among Matching
	AgentIDs []string
	Agents   []AgentRow
	Detail   *Detail
	Log      []wire.Result // the newest last
	Found    []Row         // by Query.Find

	Uptimes    Uptimes // how current Row.Uptime is
	Incidents  IncidentList
	Deliveries []wire.Delivery // of the notices about Query.Incident, by channel
	Channels   []ChannelSeen   // by name
}

// Totals counts everything, whatever the filter leaves.
type Totals struct {
	Monitors judge.Counts // by State
	All      int
	Online   int // agents
	Agents   int
	Results  uint64  // taken so far
	Rate     float64 // of them, in a second
}

// Row is one monitor.
type Row struct {
	Name, Kind, Target string
	State              judge.State
	Since              time.Time     // when it began; zero where that is not known
	Why                string        // in one sentence
	Verdict            *wire.Verdict // that it is from; nil where none holds
	Up, Of             int           // agents where it is up, of those where it should run
	Every              time.Duration
	Muted              []string // silences and windows that mute its incident
	Manual             bool     // started by hand: not saved
	Problem            string   // why what is saved cannot be read
	Uptime             Figure   // part of the known time of the last 24 h that it was not down, by verdict, 0 to 1
	Figures
	Strip []judge.State
	Spark []Figure // latency of the newest runs, ns, the mean of the agents; the newest last
	Day   *Day     // of the last 24 h by verdict; nil where it is not known
	Cells []Cell   // one for each of Snapshot.AgentIDs
}

// DayPlaces is of how many parts a day is: half hours.
const DayPlaces = 48

// Day is how a monitor was in 24 h, the newest part last. It is not changed: one that is
// another pointer is another day.
type Day [DayPlaces]judge.State

// Cell is a monitor on an agent.
type Cell struct {
	Here  bool // it should run there
	State judge.State
	Share Share  // in the verdict
	Last  Figure // latency of the newest run, ns
}

// AgentRow is one agent.
type AgentRow struct {
	wire.Alive
	ID     string
	State  string // online, offline, left, or unheard: results, but no heartbeat
	Seen   time.Time
	Skew   time.Duration // how far its clock is behind ours, when that is much
	Counts judge.Counts  // of its monitors, by state

	Verdict *wire.AgentVerdict // nil where the judge said nothing of it
}

// Detail is one monitor with all that is kept of it.
type Detail struct {
	Row
	Saved    *wire.Saved // nil when it was started by hand
	Agents   []OnAgent
	On       string // the agent of Plot and Phases
	Plot     []PlotPoint
	Phases   []Phase // of the newest run there
	Failures []Failure
}

// OnAgent is a monitor on one agent.
type OnAgent struct {
	Agent   string
	State   judge.State
	Share   Share  // in the verdict
	Wanted  bool   // it should run there
	Why     string // of an unknown state: offline, no result yet, silent, ...
	At      time.Time
	Summary string // of the newest run, or its error
	Address string
	Figures
	Strip []judge.State
}

// PlotPoint is one place of a plot.
type PlotPoint struct {
	At      time.Time // zero: a run of which nothing is known
	State   judge.State
	Latency Figure
}
