package store

import (
	"time"

	"netmon/history"
	"netmon/wire"
)

const hourSeconds = 3600

// Add adds a result, in memory. seq is its sequence in RESULTS, and stored when the broker
// stored it: one whose seq is not over the position is ignored. [history.When] says at
// which time it counts. One from longer than [history.Backlog] before it was stored is counted
// as too old, and changes no hour.
//
// Where commits fail, stop adding until one succeeds: memory would grow, and RESULTS
// keeps what comes meanwhile.
func (s *Store) Add(r *wire.Result, seq uint64, stored time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reach(seq, stored) {
		return
	}
	if r.Seq > 0 && !s.isNew(r, stored) {
		s.stats.Twice++
		return
	}
	at, moved := history.When(r, stored)
	if at.Before(stored.Add(-history.Backlog)) {
		s.tooOld(r, at, stored)
		return
	}
	if s.series[seriesKey{r.Monitor, r.Agent}] == nil && !s.room(r, stored) {
		s.stats.Unsaved++
		return
	}
	x := s.of(r)
	second := at.Unix()
	hour := second / hourSeconds
	if len(s.skips) > 0 && seq <= s.skips[hourKey{x.id, hour}] {
		s.skipped() // it is in the hour that was imported
		return
	}
	s.stats.Results++
	if moved {
		s.stats.Moved++
	}
	if stored.Unix()/hourSeconds > hour {
		s.stats.Late++
	}
	d := s.delta(x, hour, seq)
	d.last = seq
	m := &d.minutes[second%hourSeconds/60]
	if *m == nil {
		*m = new(wire.Rollup)
		s.stats.Pending++
	}
	x.adder.Add(*m, r, &x.tail)
}

// tooOld counts a result that is older than what is taken, and says so once of an agent.
func (s *Store) tooOld(r *wire.Result, at, stored time.Time) {
	s.stats.TooOld++
	if a := s.agent(r.Agent); !a.old {
		a.old = true
		s.log.Warn("an agent sent results that are older than history takes: look at its clock. Such results count in no hour", "agent", r.Agent, "monitor", r.Monitor,
			"due", at.UTC().Format(time.RFC3339), "stored", stored.UTC().Format(time.RFC3339), "at_most", history.Backlog)
	}
}

// Unreadable passes over a message of RESULTS that is no result: nothing is missing there.
func (s *Store) Unreadable(seq uint64, stored time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach(seq, stored)
}

// reach moves the position, and notes what is missing before it. False where it is beyond.
func (s *Store) reach(seq uint64, stored time.Time) bool {
	if seq <= s.at.Results {
		return false
	}
	if missing := seq - s.at.Results - 1; missing > 0 {
		s.at.from = seq - 1 // the stream has let go of those between
		if s.at.Results > 0 {
			s.missed(gap{millis(s.at.Stored), millis(stored), missing})
		}
	}
	s.at.Results, s.at.Stored = seq, stored
	return true
}

// fullFor is for how long an agent is taken to have UnsavedMost before that is counted again.
const fullFor = time.Minute

// room says whether there may be a series more for the monitor of a result.
func (s *Store) room(r *wire.Result, stored time.Time) bool {
	if s.options.Saved == nil || s.options.Saved(r.Monitor) {
		return true
	}
	a := s.agent(r.Agent)
	if stored.Sub(a.full).Abs() < fullFor {
		return false
	}
	unsaved := 0
	for k := range s.series {
		if k.agent == r.Agent && !s.options.Saved(k.monitor) {
			unsaved++
		}
	}
	if unsaved < UnsavedMost {
		return true
	}
	if a.full.IsZero() {
		s.log.Warn("an agent has results of too many monitors that are not saved: history takes no further ones of these", "agent", r.Agent, "at_most", UnsavedMost)
	}
	a.full = stored
	return false
}

// of finds the series of a result.
func (s *Store) of(r *wire.Result) *series {
	x := s.series[seriesKey{r.Monitor, r.Agent}]
	if x == nil {
		x = &series{seriesKey: seriesKey{r.Monitor, r.Agent}}
		s.series[x.seriesKey] = x
	}
	if x.adder == nil || x.kind != r.Kind && x.kind != wire.Clip(r.Kind, wire.MaxKind) {
		kind := wire.Clip(r.Kind, wire.MaxKind)
		x.renamed = x.renamed || x.kind != kind
		x.kind = kind
		x.adder = s.adder(x.kind)
	}
	return x
}

// delta finds what was added to an hour.
func (s *Store) delta(x *series, hour int64, seq uint64) *delta {
	if x.last != nil && x.last.hour == hour {
		return x.last
	}
	d := x.hours[hour]
	if d == nil {
		d = &delta{hour: hour, first: seq}
		if x.hours == nil {
			x.hours = map[int64]*delta{}
			s.dirty[x] = struct{}{}
		}
		x.hours[hour] = d
	}
	x.last = d
	return d
}

// isNew says whether a result was not there before, by its number.
func (s *Store) isNew(r *wire.Result, stored time.Time) bool {
	a := s.agent(r.Agent)
	e := a.epochs[r.Epoch]
	if e == nil {
		e = &epoch{numbers: &history.Numbers{}}
		a.epochs[r.Epoch] = e
		if len(a.epochs) > maxEpochs {
			a.evict(r.Epoch)
		}
	}
	e.used, e.changed = stored.UnixMilli(), true
	return e.numbers.Take(r.Seq)
}

// evict forgets the epoch that was not heard of for the longest time.
func (a *agent) evict(except string) {
	oldest := ""
	for name, e := range a.epochs {
		if name != except && (oldest == "" || e.used < a.epochs[oldest].used) {
			oldest = name
		}
	}
	delete(a.epochs, oldest)
}
