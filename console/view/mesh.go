package view

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"netmon/judge"
	"netmon/wire"
)

const (
	logLength  = 1000                 // results that the log keeps
	heldMost   = 4096                 // results kept for monitors that are not known yet
	knownMost  = 2 * wire.MaxMonitors // monitors; further ones are not learned from results
	forgotten  = 10 * time.Minute     // after which a silent monitor started by hand is gone
	skewLeast  = 2 * time.Second      // clocks that differ by less are taken to agree
	pastOfBase = 30 * 24 * time.Hour
)

// Mesh is the mesh as it is known. Its methods may be called from several
// goroutines; feeding and asking do not wait long for each other.
type Mesh struct {
	phases Phases // nil: nobody knows them

	changes   atomic.Uint64 // see Changes
	saved     atomic.Uint64 // and of these, of saved monitors
	mu        sync.Mutex
	bare      bool                     // states are not asked for
	kept      map[*series]*wire.Result // the newest results; nil where nobody asked to keep them
	base      time.Time
	monitors  map[string]*monitor
	agents    map[string]*agent
	gone      map[string]bool            // agents that are gone for good: what comes of them is not taken
	held      map[string]map[string]held // managed results whose monitor is not known (yet), by it and by agent
	waiting   int                        // how many there are in held
	wheel     map[uint32][]*series       // by the second in which their silence is looked at
	swept     uint32                     // seconds that were looked at
	log       []wire.Result              // a ring
	logged    int
	results   uint64
	rate      rate
	scratch   tally
	counted   counted
	byName    []*monitor
	unsorted  bool // byName is not what monitors holds
	verdicts  verdicts
	placed    map[string]*wire.Placement // by monitor, the newest
	incidents incidents
	uptimes   uptimes
	sums      map[string]map[string]Figures // see SetSums
	order     []*monitor                    // room for the next snapshot's
	states    []*monitor                    // and for its order by state
}

// held is a result that waits for its monitor.
type held struct {
	wire.Result
	measured time.Time
}

// monitor is one name, saved or started by hand.
type monitor struct {
	name          string
	saved         *wire.Saved // nil: started by hand, known by its results
	problem       string      // why what is saved cannot be read
	kind, target  string
	every         uint32 // ticks
	silence       uint32 // ticks without a result after which nothing is known
	silenceBefore uint32 // as silence was before changed
	changed       uint32
	revision      uint64
	measured      uint64        // revision since which it measures what it measures now
	verdict       *wire.Verdict // the newest; nil before the first
	series        []*series     // by agent
	named         []string      // agents that the saved monitor names
	count         judge.Counts
	latest        *series // that had the newest result
	figures       Figures
	figuresAt     uint32
	figured       bool
	sparked       []Figure // as old as the figures; nil: not drawn since
	sparkRuns     int
	total         judge.State // of the last snapshot
}

func (m *monitor) paused() bool { return m.saved != nil && m.saved.Paused }

// readable says that what is saved now can be read; what was saved before is kept.
func (m *monitor) readable() bool { return m.saved != nil && m.problem == "" }

// agent is one agent, known by heartbeats, by results, or both.
type agent struct {
	wire.Alive
	id     string
	seen   time.Time // zero: no heartbeat yet
	skew   time.Duration
	isAway bool
	series map[string]*series
}

func (a *agent) away() bool { return a.isAway }

// New is a mesh of which nothing is known, at this moment.
func New(now time.Time) *Mesh {
	return &Mesh{
		base: now.Add(-pastOfBase), monitors: map[string]*monitor{}, agents: map[string]*agent{}, gone: map[string]bool{},
		held: map[string]map[string]held{}, wheel: map[uint32][]*series{}, swept: second(ticks(pastOfBase)),
		verdicts: newVerdicts(false, now), incidents: newIncidents(), placed: map[string]*wire.Placement{},
	}
}

// NewBare is [New] for whoever asks for monitors and agents alone: no result is taken,
// and nothing is kept for each pair of them.
func NewBare(now time.Time) *Mesh {
	v := New(now)
	v.bare = true
	return v
}

// SetPhases has [Query.Detail] report the phases of a run. It is asked before anything
// is given to it.
func (v *Mesh) SetPhases(p Phases) { v.phases = p }

// KeepResults has [Mesh.Status] report the newest result on each agent as well. It is
// asked before anything is given to it, and costs memory.
func (v *Mesh) KeepResults() { v.kept = map[*series]*wire.Result{} }

// Changes counts what became known of monitors, agents and states. What changes
// all the time is not counted: figures, ages, and results that change no state.
// It costs nothing to ask.
func (v *Mesh) Changes() uint64 { return v.changes.Load() }

// SavedChanges counts what became known of saved monitors, and nothing else.
func (v *Mesh) SavedChanges() uint64 { return v.saved.Load() }

func ticks(d time.Duration) uint32 { return uint32(min(max(d/tick, 0), math.MaxUint32/2)) }

func second(t uint32) uint32 { return t / uint32(time.Second/tick) }

func (v *Mesh) tick(t time.Time) uint32 { return ticks(t.Sub(v.base)) }

func (v *Mesh) time(t uint32) time.Time { return v.base.Add(time.Duration(t) * tick) }

// Saved takes a saved monitor as it is now; nil says that it is deleted.
// problem says why it cannot be read, where it cannot.
func (v *Mesh) Saved(name string, saved *wire.Saved, problem error, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.saved.Add(1)
	m := v.monitors[name]
	if saved == nil && problem == nil {
		if m != nil {
			v.drop(m)
		}
		return
	}
	if m == nil {
		m = v.newMonitor(name)
	}
	m.problem = ""
	if problem != nil {
		m.problem = problem.Error()
	}
	if saved != nil {
		saved = v.withChosen(saved)
		def := saved.Monitor.WithDefaults()
		if m.saved == nil || !m.saved.SameMeasurement(saved.Monitor) {
			m.measured = saved.Revision
		}
		m.saved, m.kind, m.target, m.revision, m.named = saved, def.Kind, def.Target, saved.Revision, saved.Agents.IDs()
		v.schedule(m, def.Every.Std(), def.Timeout.Std(), now)
	}
	v.updatePlacement(m, now)
	waited := v.held[name]
	delete(v.held, name)
	v.waiting -= len(waited)
	for _, r := range waited {
		v.applyResult(&r.Result, r.measured, now)
	}
}

// withChosen is a saved monitor with the agents that were chosen for it, where it runs on
// some of those that match.
func (v *Mesh) withChosen(saved *wire.Saved) *wire.Saved {
	p := v.placed[saved.Name]
	if p == nil || !saved.Agents.IsSome() {
		return saved
	}
	out := *saved
	out.Chosen = p.Agents
	return &out
}

// Placed takes which agents run a monitor that runs on some of those that match.
func (v *Mesh) Placed(p wire.Placement, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.place(p, now)
}

func (v *Mesh) place(p wire.Placement, now time.Time) {
	m := v.monitors[p.Monitor]
	if m == nil && len(v.placed) >= knownMost {
		return
	}
	v.placed[p.Monitor] = &p
	if m == nil || m.saved == nil || !m.saved.Agents.IsSome() {
		return
	}
	v.changes.Add(1)
	v.saved.Add(1)
	m.saved = v.withChosen(m.saved)
	v.updatePlacement(m, now)
}

// Only keeps the saved monitors of these names: the others were deleted while
// nobody reported it.
func (v *Mesh) Only(names map[string]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, m := range v.monitors {
		if (m.saved != nil || m.problem != "") && !names[name] {
			v.drop(m)
		}
	}
}

func (v *Mesh) newMonitor(name string) *monitor {
	m := &monitor{name: name, verdict: v.verdicts.monitors[name]}
	v.schedule(m, wire.DefaultEvery, wire.DefaultTimeout, v.base)
	v.monitors[name], v.unsorted = m, true
	v.changes.Add(1)
	return m
}

// counts is how many of the agents where a monitor should run find it in which
// state. Of those that it names and nobody has heard of, nothing is known.
func (v *Mesh) counts(m *monitor) judge.Counts {
	n := m.count
	n[judge.Unknown] += len(v.unknown(m))
	return n
}

// schedule sets how long a silence says nothing.
func (v *Mesh) schedule(m *monitor, every, timeout time.Duration, now time.Time) {
	silence := ticks(judge.Silence(every, timeout))
	if m.silence != 0 && m.silence != silence {
		m.silenceBefore, m.changed = max(m.silence, silence), v.tick(now)
	}
	m.every, m.silence = max(1, ticks(every)), silence
}

func (v *Mesh) drop(m *monitor) {
	for _, s := range m.series {
		delete(s.a.series, m.name)
		s.m = nil // the wheel lets go of it
		delete(v.kept, s)
	}
	delete(v.monitors, m.name)
	delete(v.verdicts.monitors, m.name)
	v.unsorted = true
	v.changes.Add(1)
	v.saved.Add(1)
}

// updatePlacement makes the series of m those of the agents where it should run.
func (v *Mesh) updatePlacement(m *monitor, now time.Time) {
	for _, a := range v.agents {
		v.placeOn(m, a, now)
	}
}

func (v *Mesh) placeOn(m *monitor, a *agent, now time.Time) {
	if v.bare {
		return
	}
	s := a.series[m.name]
	wanted := s != nil && m.saved == nil
	switch {
	case m.saved != nil:
		of := judge.Agent{ID: a.id, Labels: a.Labels, Left: a.Leaving, Unheard: a.seen.IsZero()}
		if s != nil {
			of.Revision = s.revision
		}
		wanted = judge.Expected(m.saved, of)
		if of.Unheard && (s == nil || len(s.samples) == 0) {
			wanted = wanted && slices.Contains(m.named, a.id) // that it runs others says nothing
		}
	case a.Leaving:
		wanted = false // nothing runs there
	}
	if s == nil {
		if !wanted {
			return
		}
		s = v.newSeries(m, a)
	}
	if s.wanted != wanted {
		if s.wanted {
			m.count[s.state]--
		} else {
			m.count[s.state]++
		}
		s.wanted = wanted
		v.changes.Add(1)
	}
	s.share = v.shareOf(m, a.id)
	v.judge(s, v.tick(now))
}

func (v *Mesh) newSeries(m *monitor, a *agent) *series {
	s := &series{m: m, a: a, state: judge.Unknown}
	i, _ := slices.BinarySearchFunc(m.series, a.id, func(s *series, id string) int { return strings.Compare(s.a.id, id) })
	m.series = slices.Insert(m.series, i, s)
	a.series[m.name] = s
	return s
}

// judge evaluates a series: of a saved monitor by the verdict, else by its last result.
func (v *Mesh) judge(s *series, now uint32) {
	st := s.share.State()
	switch {
	case s.m.paused():
		st = judge.Paused
	case s.m.saved == nil:
		st, _ = s.facts(now).State()
	}
	if st == s.state {
		return
	}
	v.changes.Add(1)
	if s.wanted {
		s.m.count[s.state]--
		s.m.count[st]++
	}
	s.state = st
}

func (v *Mesh) agent(id string) *agent {
	a := v.agents[id]
	if a == nil {
		a = &agent{id: id, series: map[string]*series{}}
		v.agents[id] = a
	}
	return a
}
