package export

import (
	"math"
	"slices"
	"sync"
	"time"

	"netmon/judge"
	"netmon/probes"
	"netmon/wire"
)

const (
	leastFresh  = 15 * time.Second // for which a result counts at least
	remembered  = 25 * time.Hour   // after which a series without results is forgotten
	unsavedKept = 10 * time.Minute // the same where its monitor is not saved
	mostUnsaved = 10_000           // series whose monitor is not saved: a result may come before it
	mostOfAgent = 1_000            // of these, of one agent
	mostSeries  = 500_000
	mostName    = 200       // bytes of a kind, and of a target, that nobody saved
	mostAdded   = 1_000_000 // what one run adds to a counter; more is nonsense
)

// Series is what is known of each monitor on each agent: its last result, counts and histograms
// since it was first heard here. Its methods may be called from several goroutines: results do not
// wait for who reads.
type Series struct {
	plan      plan
	began     time.Time
	snapshots sync.Pool
	most      int  // series of one agent whose monitor is not saved; set before the first result
	words     bool // those of the last results are kept; set before the first result

	mu        sync.Mutex // guards what follows
	reader    *Reader
	states    map[seriesKey]*state
	order     []*state // by table, monitor and agent
	unsorted  bool
	list      []wire.Saved        // as it was given
	monitors  map[string]*monitor // nil: none is saved, and each that is heard counts
	agents    map[string]Present  // nil: it is not known who is there, and each counts
	changes   uint64              // of monitors and agents
	evicted   time.Time
	unsaved   int            // series whose monitor is not saved
	unsavedOf map[string]int // these by agent
}

type seriesKey struct{ agent, monitor string }

// monitor is a saved one.
type monitor struct {
	saved    *wire.Saved
	labels   *rendered // of its info
	tags     Labels
	lifetime time.Duration // of a result
	measures uint64        // the revision since which it measures what it does
}

// Present is an agent that was heard.
type Present struct {
	ID     string
	Labels map[string]string
	Online bool
}

// state is one monitor on one agent. Numbers are in the scale of their family, NaN where
// there are none.
type state struct {
	key    seriesKey
	kind   string
	target string
	table  *table
	labels *rendered
	of     *monitor // whose tags are in labels

	seen     judge.Numbers // of the results that were taken
	at       time.Time     // when the last run began, by our clock
	revision uint64        // of the monitor in the last result; 0 was started by hand
	checked  uint64        // changes when placed was found
	placed   validity      // without the age of the result

	due      time.Time     // when the last run was, by the schedule
	covers   uint64        // ticks that it covered
	lifetime time.Duration // of a result, as far as due says, where no monitor does

	outcome wire.Outcome
	numbers []float64 // shared ones, then the table's gauges
	failure string    // "" is none
	words   words
	texts   []string  // of the gauges whose label's value is a text, in their order
	runs    [3]uint64 // by outcome: ok, failed, broken
	counts  []float64 // the table's
	latency histogram
	times   []histogram // the table's
	items   []item      // of the table's lists; it is replaced as a whole
}

// words are those of a last result, for people.
type words struct{ summary, text, address string }

// NewSeries knows nothing yet. The kinds say what is read of results.
func NewSeries(kinds probes.List, now time.Time) *Series {
	r := NewReader(kinds)
	return &Series{plan: newPlan(kinds, r), began: now, reader: r, states: map[seriesKey]*state{}, most: mostOfAgent, changes: 1, unsavedOf: map[string]int{}}
}

// Result takes a result whose run began at this time by our clock. One that came before is not
// counted again; one from before the series began is shown, and not counted.
func (s *Series) Result(r *wire.Result, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stateOf(r)
	if st == nil {
		return
	}
	id := wire.Result{Epoch: r.Epoch, Seq: r.Seq, Run: r.Run}
	if wire.CheckToken(r.Epoch) != nil {
		id = wire.Result{} // no agent draws such a one
	}
	newest, next := at.After(st.at), id.Run == st.seen.Run+1
	if id.Seq > 0 && id.Epoch == st.seen.Epoch {
		newest = id.Seq > st.seen.Seq // whatever clocks say
	} else {
		next = false
	}
	if !st.seen.Accept(&id, newest) {
		return
	}
	if newest {
		if st.revision != r.Revision {
			st.revision, st.checked = r.Revision, 0
		}
		st.at = at
		st.learn(r, next)
		if s.words {
			st.words = words{wire.Clip(r.Summary, mostText), wire.Clip(r.Error, mostText), wire.Clip(r.Address, mostText)}
		}
	}
	if counts := !at.Before(s.began); newest || counts {
		st.take(s.reader, r, at, newest, counts)
	}
}

// stateOf is the series of a result, made where there is none, or where the monitor measures something
// else now. It is nil where there are too many, and of what was measured before.
func (s *Series) stateOf(r *wire.Result) *state {
	key, kind, target := seriesKey{r.Agent, r.Monitor}, r.Kind, r.Target
	saved := s.monitors[r.Monitor] != nil
	if !saved {
		kind, target = wire.Clip(kind, mostName), wire.Clip(target, mostName)
	}
	st := s.states[key]
	switch {
	case st != nil && st.kind == kind && st.target == target:
		return st
	case st != nil && r.Revision < st.revision:
		return nil
	case st == nil && len(s.states) >= mostSeries:
		return nil
	case st == nil && !saved:
		if s.unsaved >= mostUnsaved || s.unsavedOf[r.Agent] >= s.most {
			return nil
		}
		s.unsaved++
		s.unsavedOf[r.Agent]++
	}
	st = newState(s.reader.table(r.Kind))
	st.key, st.kind, st.target = key, kind, target
	s.states[key], s.unsorted = st, true
	return st
}

func newState(t *table) *state {
	st := &state{table: t, lifetime: lifetimeOf(wire.Monitor{}), numbers: make([]float64, sharedCount+len(t.gauges)), counts: make([]float64, len(t.counts)), times: make([]histogram, len(t.times))}
	if t.texts > 0 {
		st.texts = make([]string, t.texts)
	}
	return st
}

// learn takes from two runs in a row how often they are due, for a monitor that nobody saved.
func (st *state) learn(r *wire.Result, next bool) {
	if r.Asked != "" {
		st.due = time.Time{} // it was due at no tick
		return
	}
	if next && !st.due.IsZero() && r.Due.After(st.due) {
		between := min(st.covers+r.Skipped-r.Covers+r.Missed, math.MaxInt32)                                                         // it may be any number
		st.lifetime = lifetimeOf(wire.Monitor{Every: wire.Duration(min(r.Due.Sub(st.due)/time.Duration(between+1), wire.MaxEvery))}) // #nosec G115 -- bounded
	}
	st.due, st.covers = r.Due, r.Covers
}

// take takes what a result says: its numbers where it is the newest, and what it adds where it counts.
func (st *state) take(reader *Reader, r *wire.Result, at time.Time, newest, counts bool) {
	var shared [sharedCount]float64
	sharedNumbers(r, &shared)
	shared[sharedTime] = float64(at.UnixMicro())
	measured := !math.IsNaN(shared[sharedSuccess])
	var there []found
	if measured {
		there = reader.read(st.table, r)
	}
	if newest {
		copy(st.numbers, shared[:])
		st.outcome, st.failure = r.Outcome, failureText(r)
		texts := 0
		for i := range st.table.gauges {
			g := &st.table.gauges[i]
			number, text, ok := absent, []byte(nil), false
			if measured {
				number, text, ok = g.evaluate(there, r)
			}
			if !ok {
				number = absent
			}
			if g.text {
				st.texts[texts] = ""
				if ok {
					st.texts[texts] = reader.text(text)
				}
				texts++
			}
			st.numbers[sharedCount+i] = number
		}
		st.items = nil
		if measured {
			st.items = st.table.items(there)
		}
	}
	if !counts {
		return
	}
	if i := slices.Index(outcomes[:], r.Outcome); i >= 0 {
		st.runs[i]++
	}
	if !measured {
		return
	}
	if r.LatencyNS != nil {
		st.latency.observe(*r.LatencyNS, 1)
		st.latency.meet(*r.LatencyNS, r, at)
	}
	for i := range st.table.counts {
		if n, ok := st.table.counts[i].source.evaluate(there); ok && n > 0 && n <= mostAdded && n == math.Trunc(n) {
			st.counts[i] += n
		}
	}
	for i := range st.table.times {
		st.table.times[i].observe(&st.times[i], there, r, at)
	}
}

// outcomes are those that runs are counted by.
var outcomes = [3]wire.Outcome{wire.OK, wire.Failed, wire.Broken}

// outcomeLabels are these as a label.
var outcomeLabels = func() (out [3]struct{ text, protobuf []byte }) {
	for i, o := range outcomes {
		out[i].text, out[i].protobuf = appendTextLabel(nil, "outcome", string(o)), appendProtoLabel(nil, metricLabel, "outcome", string(o))
	}
	return out
}()
