package view

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/wire"
)

const (
	logLength  = 1000             // results that the log keeps
	heldMost   = 4096             // results kept for monitors that are not known yet
	forgotten  = 10 * time.Minute // after which a silent monitor started by hand is gone
	skewLeast  = 2 * time.Second  // clocks that differ by less are taken to agree
	pastOfBase = 30 * 24 * time.Hour
)

// Model is the mesh as it is known. Its methods may be called from several
// goroutines; feeding and asking do not wait long for each other.
type Model struct {
	mu       sync.Mutex
	base     time.Time
	monitors map[string]*monitor
	agents   map[string]*agent
	held     map[[2]string]wire.Result // managed results whose monitor is not known (yet)
	wheel    map[uint32][]*series      // by the second in which their silence is looked at
	swept    uint32                    // seconds that were looked at
	log      []wire.Result             // a ring
	logged   int
	results  uint64
	rate     rate
	scratch  tally
	byName   []*monitor
	unsorted bool       // byName is not what monitors holds
	order    []*monitor // room for the next snapshot's
	states   []*monitor // and for its order by state
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
	series        []*series // by agent
	count         [states]int
	latest        *series // that had the newest result
	figures       Figures
	figuresAt     uint32
	figured       bool
	total         State // of the last snapshot
}

func (m *monitor) paused() bool { return m.saved != nil && m.saved.Paused }

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

// New is a model that knows nothing, at this moment.
func New(now time.Time) *Model {
	return &Model{
		base: now.Add(-pastOfBase), monitors: map[string]*monitor{}, agents: map[string]*agent{},
		held: map[[2]string]wire.Result{}, wheel: map[uint32][]*series{}, swept: second(ticks(pastOfBase)),
	}
}

func ticks(d time.Duration) uint32 { return uint32(min(max(d/tick, 0), math.MaxUint32/2)) }

func second(t uint32) uint32 { return t / uint32(time.Second/tick) }

func (v *Model) tick(t time.Time) uint32 { return ticks(t.Sub(v.base)) }

func (v *Model) time(t uint32) time.Time { return v.base.Add(time.Duration(t) * tick) }

// Saved takes a saved monitor as it is now; nil says that it is deleted.
// problem says why it cannot be read, where it cannot.
func (v *Model) Saved(name string, saved *wire.Saved, problem error, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
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
		def := saved.Monitor.WithDefaults()
		m.saved, m.kind, m.target, m.revision = saved, def.Kind, def.Target, saved.Revision
		v.schedule(m, def.Every.Std(), def.Timeout.Std(), now)
	}
	v.place(m, now)
	for _, a := range v.agents {
		key := [2]string{name, a.id}
		if r, ok := v.held[key]; ok {
			delete(v.held, key)
			v.take(&r, now)
		}
	}
}

// Only keeps the saved monitors of these names: the others were deleted while
// nobody told.
func (v *Model) Only(names map[string]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, m := range v.monitors {
		if (m.saved != nil || m.problem != "") && !names[name] {
			v.drop(m)
		}
	}
}

func (v *Model) newMonitor(name string) *monitor {
	m := &monitor{name: name}
	v.schedule(m, wire.DefaultEvery, wire.DefaultTimeout, v.base)
	v.monitors[name], v.unsorted = m, true
	return m
}

// schedule sets how long a silence says nothing: two and a half intervals, and
// the time that a run may take.
func (v *Model) schedule(m *monitor, every, timeout time.Duration, now time.Time) {
	silence := ticks(every*5/2 + timeout)
	if m.silence != 0 && m.silence != silence {
		m.silenceBefore, m.changed = max(m.silence, silence), v.tick(now)
	}
	m.every, m.silence = max(1, ticks(every)), silence
}

func (v *Model) drop(m *monitor) {
	for _, s := range m.series {
		delete(s.a.series, m.name)
		s.m = nil // the wheel lets go of it
	}
	delete(v.monitors, m.name)
	v.unsorted = true
}

// place makes the series of m those of the agents where it should run.
func (v *Model) place(m *monitor, now time.Time) {
	for _, a := range v.agents {
		v.placeOn(m, a, now)
	}
}

func (v *Model) placeOn(m *monitor, a *agent, now time.Time) {
	s := a.series[m.name]
	wanted := s != nil && m.saved == nil
	if m.saved != nil {
		wanted = m.saved.Places(a.id, a.Labels)
	}
	if a.Leaving {
		wanted = false // it said good-bye: nothing runs there
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
	}
	v.judge(s, v.tick(now))
}

func (v *Model) newSeries(m *monitor, a *agent) *series {
	s := &series{m: m, a: a, state: Unknown}
	i, _ := slices.BinarySearchFunc(m.series, a.id, func(s *series, id string) int { return strings.Compare(s.a.id, id) })
	m.series = slices.Insert(m.series, i, s)
	a.series[m.name] = s
	return s
}

func (v *Model) judge(s *series, now uint32) {
	st := s.judge(now)
	if st == s.state {
		return
	}
	if s.wanted {
		s.m.count[s.state]--
		s.m.count[st]++
	}
	s.state = st
}

// Heartbeat takes an agent's heartbeat. seen is when it came, by the clock that
// the model is told the time of: the difference to the agent's own clock is
// what its results are corrected by.
func (v *Model) Heartbeat(b wire.Alive, seen, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.agent(b.Agent)
	if seen.After(now) {
		seen = now // the broker's clock is ahead of ours
	}
	if seen.Before(a.seen) {
		return
	}
	if d := seen.Sub(b.At) - a.skew; !b.At.IsZero() && d.Abs() > skewLeast {
		a.skew += d
		if a.skew.Abs() <= skewLeast {
			a.skew = 0
		}
	}
	placed := !a.seen.IsZero() && sameLabels(a.Labels, b.Labels) && a.Leaving == b.Leaving
	a.Alive, a.seen = b, seen
	v.look(a, now)
	if !placed {
		for _, m := range v.monitors {
			v.placeOn(m, a, now)
		}
	}
}

func (v *Model) agent(id string) *agent {
	a := v.agents[id]
	if a == nil {
		a = &agent{id: id, series: map[string]*series{}}
		v.agents[id] = a
	}
	return a
}

// look says whether the agent is away, and judges its series when that changed.
func (v *Model) look(a *agent, now time.Time) {
	away := !a.seen.IsZero() && (a.Leaving || now.Sub(a.seen) > wire.OfflineAfter)
	if away == a.isAway {
		return
	}
	a.isAway = away
	for _, s := range a.series {
		v.judge(s, v.tick(now))
	}
}

func sameLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, x := range a {
		if y, ok := b[k]; !ok || x != y {
			return false
		}
	}
	return true
}

// Result takes one result, new or late.
func (v *Model) Result(r wire.Result, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.take(&r, now)
}

func (v *Model) take(r *wire.Result, now time.Time) {
	a := v.agent(r.Agent)
	s := a.series[r.Monitor]
	if s == nil {
		if s = v.meet(r, a, now); s == nil {
			return
		}
	}
	m, at, present := s.m, v.tick(r.Started.Add(a.skew)), v.tick(now)
	newest, added := s.add(r, at)
	if !added {
		return
	}
	v.results++
	v.keepLog(r)
	if r.Outcome != wire.OK {
		s.fail(r, v.time(at))
	}
	if !newest {
		return
	}
	if m.saved == nil {
		v.learn(s, r, now)
	}
	s.keepLast(r)
	if m.latest == nil || m.latest == s || at >= m.latest.samples[len(m.latest.samples)-1].at {
		m.latest = s
	}
	v.judge(s, present)
	if !s.inWheel {
		v.watch(s)
	}
}

// meet makes the series of a result that is the first of its kind, where there
// should be one.
func (v *Model) meet(r *wire.Result, a *agent, now time.Time) *series {
	m := v.monitors[r.Monitor]
	if m == nil && r.Revision != 0 {
		// Of a monitor that was deleted, or that we are told of in a moment.
		if len(v.held) < heldMost {
			v.held[[2]string{r.Monitor, r.Agent}] = *r
		}
		return nil
	}
	if m == nil {
		if now.Sub(r.Started) > forgotten {
			return nil
		}
		m = v.newMonitor(r.Monitor)
	}
	if m.kind == "" {
		m.kind, m.target = r.Kind, r.Target
	}
	s := v.newSeries(m, a)
	v.placeOn(m, a, now)
	return s
}

// learn takes the interval of a monitor that nobody saved from when its runs were due.
func (v *Model) learn(s *series, r *wire.Result, now time.Time) {
	prev := s.last.due
	if !prev.IsZero() && r.Due.After(prev) && len(s.samples) > 1 {
		if w := s.samples[len(s.samples)-2:]; w[1].run == w[0].run+1 {
			every := r.Due.Sub(prev) / time.Duration(r.Skipped+1)
			if ticks(every) != s.m.every {
				timeout := min(wire.DefaultTimeout, max(every, time.Second))
				v.schedule(s.m, every, timeout, now)
			}
		}
	}
}

func (s *series) keepLast(r *wire.Result) {
	s.last = last{summary: r.Summary, address: r.Address, failure: r.Failure, err: r.Error, due: r.Due, certExpires: s.last.certExpires}
	if r.CertExpires != nil {
		s.last.certExpires = *r.CertExpires
	}
	if len(r.Details) <= keptDetails {
		s.last.details = r.Details
	}
}

func (s *series) fail(r *wire.Result, at time.Time) {
	f := Failure{At: at, Agent: r.Agent, State: stateOf(r), Reason: r.Failure, Error: r.Error}
	i := len(s.fails)
	for i > 0 && s.fails[i-1].At.After(at) {
		i--
	}
	if i == 0 && len(s.fails) == keptFails {
		return
	}
	s.fails = slices.Insert(s.fails, i, f)
	if len(s.fails) > keptFails {
		s.fails = slices.Delete(s.fails, 0, 1)
	}
}

func (v *Model) keepLog(r *wire.Result) {
	if v.log == nil {
		v.log = make([]wire.Result, logLength)
	}
	x := &v.log[v.logged%logLength]
	*x = *r
	x.Details = nil
	v.logged++
}

// watch puts s into the wheel, to be looked at when it has been silent too long.
func (v *Model) watch(s *series) {
	at := max(v.swept, second(s.deadline())) + 1
	s.inWheel = true
	v.wheel[at] = append(v.wheel[at], s)
}

// sweep finds what has become unknown by silence. A series that has had results
// goes back into the wheel: each is looked at once in the time of its silence.
func (v *Model) sweep(now uint32) {
	due := func(list []*series) {
		for _, s := range list {
			s.inWheel = false
			if s.m == nil {
				continue
			}
			if now > s.deadline() {
				v.judge(s, now)
				continue
			}
			v.watch(s)
		}
	}
	until := second(now)
	if until > v.swept+uint32(24*3600) { // the machine slept: everything is late
		for at, list := range v.wheel {
			delete(v.wheel, at)
			v.swept = until
			due(list)
		}
		return
	}
	for v.swept < until {
		v.swept++
		list := v.wheel[v.swept]
		delete(v.wheel, v.swept)
		due(list)
	}
}
