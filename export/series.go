package export

import (
	"math"
	"slices"
	"sync"
	"time"

	"netmon/probes"
	"netmon/wire"
)

const (
	leastFresh  = 15 * time.Second // for which a result counts at least
	remembered  = 25 * time.Hour   // after which a series without results is forgotten
	unsavedKept = 10 * time.Minute // the same where its monitor is not saved
	mostUnsaved = 10_000           // series whose monitor is not saved: a result may come before it
	mostSeries  = 500_000
)

// Series is what is known of each monitor on each agent: its last result, counts and histograms
// since it was first heard here. Its methods may be called from several goroutines: results do not
// wait for who reads.
type Series struct {
	plan  plan
	began time.Time
	pools

	mu       sync.Mutex // guards what follows
	reader   *Reader
	states   map[seriesKey]*state
	order    []*state // by table, monitor and agent
	unsorted bool
	list     []wire.Saved        // as it was given
	monitors map[string]*monitor // nil: none is saved, and each that is heard counts
	agents   map[string]Present  // nil: it is not known who is there, and each counts
	changes  uint64              // of monitors and agents
	evicted  time.Time
	unsaved  int
}

type seriesKey struct{ agent, monitor string }

// monitor is a saved one.
type monitor struct {
	saved    *wire.Saved
	labels   *rendered // of its info
	tags     Labels
	lifetime time.Duration // of a result
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
	key     seriesKey
	kind    string
	target  string
	table   *table
	labels  *rendered
	of      *monitor // whose tags are in labels
	managed bool     // by a saved monitor

	at      time.Time // of the last result, by our clock
	epoch   string
	run     uint64
	checked uint64 // changes when placed was found
	placed  bool

	numbers []float64 // shared ones, then the table's gauges
	failure string    // "" is none
	texts   []string  // of the gauges whose label's value is a text, in their order
	runs    [3]uint64 // by outcome: ok, failed, broken
	counts  []float64 // the table's
	latency histogram
	times   []histogram // the table's
}

// NewSeries knows nothing yet. The kinds say what is read of results.
func NewSeries(kinds probes.List, now time.Time) *Series {
	r := NewReader(kinds)
	return &Series{plan: newPlan(kinds, r), began: now, reader: r, states: map[seriesKey]*state{}}
}

// Result takes a result that was measured at this time by our clock. One that came before is not
// counted again; one from before the series began is shown, and not counted.
func (s *Series) Result(r *wire.Result, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stateOf(r)
	if st == nil {
		return
	}
	if !st.at.IsZero() && r.Epoch == st.epoch && r.Run <= st.run && r.Epoch != "" {
		return
	}
	newest := !at.Before(st.at)
	counts := !at.Before(s.began)
	if newest {
		st.at, st.epoch, st.run, st.managed = at, r.Epoch, r.Run, r.Revision > 0
	}
	if newest || counts {
		st.take(s.reader, r, at, newest, counts)
	}
}

// stateOf is the series of a result, made where there is none, or where the monitor measures something
// else now. It is nil where there are too many.
func (s *Series) stateOf(r *wire.Result) *state {
	key := seriesKey{r.Agent, r.Monitor}
	st := s.states[key]
	if st != nil && st.kind == r.Kind && st.target == r.Target {
		return st
	}
	if st == nil {
		if len(s.states) >= mostSeries {
			return nil
		}
		if s.monitors != nil && s.monitors[r.Monitor] == nil {
			if s.unsaved >= mostUnsaved {
				return nil
			}
			s.unsaved++
		}
	}
	t := s.reader.table(r.Kind)
	st = &state{key: key, kind: r.Kind, target: r.Target, table: t, numbers: make([]float64, sharedCount+len(t.gauges)), counts: make([]float64, len(t.counts)), times: make([]histogram, len(t.times))}
	if t.texts > 0 {
		st.texts = make([]string, t.texts)
	}
	s.states[key], s.unsorted = st, true
	return st
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
		st.failure = failureText(r)
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
		if n, ok := st.table.counts[i].source.evaluate(there); ok && n > 0 {
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
