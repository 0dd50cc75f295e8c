package view

import (
	"maps"
	"math"
	"netmon/judge"
	"slices"
	"strings"
	"time"
)

// stale is after how many ticks the figures that an order needs are recreated;
// fresh, how many monitors at most in one snapshot. Rows in sight are always exact.
const (
	stale = uint32(5 * time.Second / tick)
	fresh = 200
)

// rate is how many results come in a second.
type rate struct {
	at      time.Time
	results uint64
	v       float64
}

// Snapshot answers q as things are at now.
func (v *Mesh) Snapshot(q Query, now time.Time) Snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.tick(now)
	v.advance(now)
	s := Snapshot{At: now, Here: v.verdicts.here, Mesh: v.verdicts.mesh, Unable: v.unable(), Uptimes: v.uptimes.Uptimes}
	s.Totals = v.totals(now)
	s.Incidents, s.Channels = v.incidentList(), v.channels()
	if q.Incident != "" {
		s.Deliveries = v.deliveriesOf(q.Incident)
	}
	ids := slices.Sorted(maps.Keys(v.agents))
	if q.Agents || q.Cells {
		s.AgentIDs = ids
	}
	list := v.sorted(q, t)
	s.Matching = len(list)
	s.window(&q, list)
	in := list[s.First:min(len(list), s.First+q.Limit)]
	s.Monitors = slices.Grow(s.Monitors, len(in))
	for _, m := range in {
		s.Monitors = append(s.Monitors, v.row(m, q, s.AgentIDs, t))
	}
	if q.Agents {
		for _, id := range ids {
			s.Agents = append(s.Agents, v.agentRow(v.agents[id]))
		}
	}
	for _, m := range v.named() {
		if len(s.Found) == q.FindMost {
			break
		}
		if strings.HasPrefix(m.name, q.Find) {
			s.Found = append(s.Found, v.row(m, Query{}, nil, t))
		}
	}
	if m := v.monitors[q.Detail]; m != nil {
		s.Detail = v.detail(m, q, t)
	}
	if q.Log > 0 {
		s.Log = v.newest(q)
	}
	return s
}

func (v *Mesh) totals(now time.Time) Totals {
	v.countStates(now)
	n := Totals{Monitors: v.counted.states, All: len(v.monitors), Agents: len(v.agents), Results: v.results}
	for _, a := range v.agents {
		if !a.away() {
			n.Online++
		}
	}
	switch d := now.Sub(v.rate.at); {
	case v.rate.at.IsZero():
		v.rate = rate{now, v.results, 0}
	case d >= time.Second:
		v.rate = rate{now, v.results, float64(v.results-v.rate.results) / d.Seconds()}
	}
	n.Rate = v.rate.v
	return n
}

// counted is how many monitors are in which state, as of some changes.
type counted struct {
	states  judge.Counts
	at      time.Time
	changes uint64
}

// countStates brings counted and the total of each monitor up to now, and drops what was
// stopped. States are other ones only after a change, and many ask after each.
func (v *Mesh) countStates(now time.Time) {
	if since := now.Sub(v.counted.at); v.counted.changes == v.changes.Load() && since >= 0 && since < time.Second {
		return
	}
	var n judge.Counts
	for _, m := range v.monitors {
		if m.saved == nil && m.problem == "" && v.stopped(m, now) {
			v.drop(m)
			continue
		}
		m.total, _ = v.state(m)
		n[m.total]++
	}
	v.counted = counted{n, now, v.changes.Load()}
}

// stopped says that a monitor started by hand has been silent so long that it was
// stopped by hand, too.
func (v *Mesh) stopped(m *monitor, now time.Time) bool {
	t := v.tick(now.Add(-forgotten))
	for _, s := range m.series {
		if len(s.samples) > 0 && s.deadline() > t {
			return false
		}
	}
	return true
}

// significant is the series that a monitor's figures are made of: where it should
// run, or, where it runs nowhere any more, where it did.
func (m *monitor) significant() []*series {
	of := 0
	for _, n := range m.count {
		of += n
	}
	if of == 0 || of == len(m.series) {
		return m.series
	}
	return slices.DeleteFunc(slices.Clone(m.series), func(s *series) bool { return !s.wanted })
}

// figure makes the figures of a monitor of those of its agents.
func (v *Mesh) figure(m *monitor, now uint32) {
	v.scratch = tally{lats: v.scratch.lats[:0]}
	for _, s := range m.significant() {
		v.scratch.count(s, now)
	}
	m.figures = v.summed(v.scratch.figures(), m.name, "")
	m.figures.CertDays = m.cert(v.time(now))
	if s := m.latest; s != nil && len(s.samples) > 0 {
		m.figures.Last = latency(s.samples[len(s.samples)-1])
	}
	m.figuresAt, m.figured, m.sparked = now, true, nil
}

func latency(x sample) Figure {
	if x.lat < 0 {
		return Figure{}
	}
	return measured(float64(x.lat))
}

// cert is the time left of the certificate that ends first.
func (m *monitor) cert(now time.Time) Figure {
	var f Figure
	for _, s := range m.significant() {
		if c := s.cert(now); c.OK && (!f.OK || c.V < f.V) {
			f = c
		}
	}
	return f
}

func (s *series) cert(now time.Time) Figure {
	if s.last.certExpires.IsZero() {
		return Figure{}
	}
	return measured(math.Floor(s.last.certExpires.Sub(now).Hours() / 24))
}

func (v *Mesh) row(m *monitor, q Query, ids []string, now uint32) Row {
	if !q.Calm || !m.figured || now-m.figuresAt >= stale {
		v.figure(m, now)
	}
	r := Row{Name: m.name, Kind: m.kind, Target: m.target, State: m.total, Up: m.count[judge.Up] + m.count[judge.Degraded],
		Every: time.Duration(m.every) * tick, Manual: m.saved == nil && m.problem == "", Problem: m.problem, Uptime: v.uptimes.of[m.name], Figures: m.figures}
	if m.saved != nil {
		_, r.Why = v.state(m)
	}
	_, r.Muted = v.inIncident(m.name)
	x, _ := v.holding(m)
	switch {
	case m.paused():
	case x != nil && m.saved != nil:
		r.Verdict, r.Since = x, x.Since
		r.Up = len(x.Quorum.Up) + len(x.Quorum.Slow)
		r.Of = Placed(&x.Quorum)
	default:
		for _, n := range v.counts(m) {
			r.Of += n
		}
	}
	if q.Strip > 0 {
		r.Strip = m.strip(q.Strip, now)
	}
	if q.Spark > 0 {
		if m.sparked == nil || m.sparkRuns != q.Spark {
			m.sparked, m.sparkRuns = m.spark(q.Spark), q.Spark
		}
		r.Spark = m.sparked
	}
	r.Day = v.uptimes.days[m.name]
	if !q.Cells {
		return r
	}
	r.Cells = make([]Cell, len(ids))
	for _, s := range m.series {
		if i, ok := slices.BinarySearch(ids, s.a.id); ok && s.wanted {
			r.Cells[i] = Cell{Here: true, State: s.state, Share: s.share}
			if n := len(s.samples); n > 0 && s.state != judge.Unknown && s.state != judge.Paused {
				r.Cells[i].Last = latency(s.samples[n-1])
			}
		}
	}
	return r
}

// strip lays the strips of the agents over each other, the newest places together.
func (m *monitor) strip(n int, now uint32) []judge.State {
	var places []judge.Counts
	for _, s := range m.significant() {
		one := s.strip(n, now)
		for i := range one {
			if i == len(places) {
				places = append(places, judge.Counts{})
			}
			places[i][one[len(one)-1-i]]++
		}
	}
	out := make([]judge.State, len(places))
	for i, p := range places {
		out[len(out)-1-i] = together(p)
	}
	return out
}

// spark is the latencies of the newest n runs: the mean of the agents, their newest runs
// together.
func (m *monitor) spark(n int) []Figure {
	var sum, of [maxSpark]float64
	n, longest := min(n, maxSpark), 0
	for _, s := range m.significant() {
		w := s.window()
		for i := range min(n, len(w)) {
			longest = max(longest, i+1)
			if x := w[len(w)-1-i]; x.lat >= 0 {
				sum[i] += float64(x.lat)
				of[i]++
			}
		}
	}
	out := make([]Figure, longest)
	for i := range out {
		if of[i] > 0 {
			out[longest-1-i] = measured(sum[i] / of[i])
		}
	}
	return out
}

const maxSpark = 60

func (v *Mesh) agentRow(a *agent) AgentRow {
	r := AgentRow{Alive: a.Alive, ID: a.id, Seen: a.seen, Skew: a.skew, State: "online"}
	switch {
	case a.seen.IsZero():
		r.State = "unheard"
	case a.Leaving:
		r.State = "left"
	case a.away():
		r.State = "offline"
	}
	r.Verdict = v.verdicts.agents[a.id]
	for _, s := range a.series {
		if s.wanted {
			r.Counts[s.state]++
		}
	}
	return r
}
