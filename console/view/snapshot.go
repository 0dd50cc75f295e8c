package view

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// stale is after how many ticks the figures that an order needs are made anew;
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
func (v *Model) Snapshot(q Query, now time.Time) Snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.tick(now)
	for _, a := range v.agents {
		v.look(a, now)
	}
	v.sweep(t)
	s := Snapshot{At: now}
	s.Totals = v.totals(now)
	ids := slices.Sorted(maps.Keys(v.agents))
	if q.Agents || q.Cells {
		s.AgentIDs = ids
	}
	list := v.sorted(q, t)
	s.Matching = len(list)
	s.window(&q, list)
	for _, m := range list[s.First:min(len(list), s.First+q.Limit)] {
		s.Monitors = append(s.Monitors, v.row(m, q, s.AgentIDs, t))
	}
	if q.Agents {
		for _, id := range ids {
			s.Agents = append(s.Agents, v.agentRow(v.agents[id]))
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

func (v *Model) totals(now time.Time) Totals {
	n := Totals{All: len(v.monitors), Agents: len(v.agents), Results: v.results}
	for _, m := range v.monitors {
		if m.saved == nil && m.problem == "" && v.gone(m, now) {
			v.drop(m)
			n.All--
			continue
		}
		m.total = overall(m.paused(), m.count)
		n.Monitors[m.total]++
	}
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

// gone says that a monitor started by hand has been silent so long that it was
// stopped by hand, too.
func (v *Model) gone(m *monitor, now time.Time) bool {
	t := v.tick(now.Add(-forgotten))
	for _, s := range m.series {
		if len(s.samples) > 0 && s.deadline() > t {
			return false
		}
	}
	return true
}

// sorted is the monitors that q leaves, in its order.
func (v *Model) sorted(q Query, now uint32) []*monitor {
	if v.unsorted {
		v.byName = slices.SortedFunc(maps.Values(v.monitors), func(a, b *monitor) int { return strings.Compare(a.name, b.name) })
		v.unsorted = false
	}
	list := v.order[:0]
	words := strings.Fields(strings.ToLower(q.Filter))
	for _, m := range v.byName {
		if (len(q.Names) == 0 || slices.Contains(q.Names, m.name)) && m.matches(words) {
			list = append(list, m)
		}
	}
	v.order = list
	var key func(*monitor) float64
	switch q.Sort {
	case ByName:
		return list
	case ByLatency:
		key = func(m *monitor) float64 { return absentLast(m.figures.P95, -1) }
	case ByLoss:
		key = func(m *monitor) float64 { return absentLast(m.figures.Loss, -1) }
	case ByUptime:
		key = func(m *monitor) float64 { return absentLast(m.figures.Uptime, 1) }
	case ByCert:
		key = func(m *monitor) float64 { return absentLast(m.cert(v.time(now)), 1) }
	default:
		return v.byState(list)
	}
	if q.Sort != ByCert {
		v.refresh(list, now)
	}
	slices.SortStableFunc(list, func(a, b *monitor) int { return cmp.Compare(key(a), key(b)) })
	return list
}

// byState puts the worst first, and those of one state in the order they came in.
func (v *Model) byState(list []*monitor) []*monitor {
	out := v.states[:0]
	for _, state := range States {
		for _, m := range list {
			if m.total == state {
				out = append(out, m)
			}
		}
	}
	v.states = out
	return out
}

// absentLast is a key by which what was not measured stands behind all others.
func absentLast(f Figure, sign float64) float64 {
	if !f.OK {
		return math.Inf(1)
	}
	return sign * f.V
}

// refresh makes the figures of some monitors anew, of those that have none and
// of the oldest ones.
func (v *Model) refresh(list []*monitor, now uint32) {
	left := fresh
	for _, m := range list {
		if left == 0 {
			return
		}
		if !m.figured || now-m.figuresAt > stale {
			v.figure(m, now)
			left--
		}
	}
}

func (m *monitor) matches(words []string) bool {
	for _, w := range words {
		if !strings.Contains(strings.ToLower(m.name), w) && !strings.Contains(strings.ToLower(m.target), w) && m.kind != w && m.total.String() != w &&
			!slices.ContainsFunc(m.series, func(s *series) bool { return s.wanted && strings.EqualFold(s.a.id, w) }) {
			return false
		}
	}
	return true
}

// window moves the cursor and chooses the rows around it.
func (s *Snapshot) window(q *Query, list []*monitor) {
	n := len(list)
	if q.Limit <= 0 {
		q.Limit = n
	}
	if n == 0 {
		return
	}
	place := slices.IndexFunc(list, func(m *monitor) bool { return m.name == q.Cursor })
	s.First = q.First
	if place < 0 {
		place = min(max(0, q.First), n-1)
	}
	place = min(max(place+q.Move, 0), n-1)
	s.Place, s.Cursor = place, list[place].name
	s.First = min(max(s.First, place-q.Limit+1), place)
	s.First = max(0, min(s.First, n-q.Limit))
}

// telling is the series that a monitor's figures are made of: where it should
// run, or, where it runs nowhere any more, where it did.
func (m *monitor) telling() []*series {
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
func (v *Model) figure(m *monitor, now uint32) {
	v.scratch = tally{lats: v.scratch.lats[:0]}
	for _, s := range m.telling() {
		v.scratch.count(s, now)
	}
	m.figures = v.scratch.figures()
	m.figures.CertDays = m.cert(v.time(now))
	if s := m.latest; s != nil && len(s.samples) > 0 {
		m.figures.Last = latency(s.samples[len(s.samples)-1])
	}
	m.figuresAt, m.figured = now, true
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
	for _, s := range m.telling() {
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

func (v *Model) row(m *monitor, q Query, ids []string, now uint32) Row {
	v.figure(m, now)
	r := Row{Name: m.name, Kind: m.kind, Target: m.target, State: m.total, Up: m.count[Up] + m.count[Degraded],
		Every: time.Duration(m.every) * tick, Manual: m.saved == nil && m.problem == "", Problem: m.problem, Figures: m.figures}
	for _, n := range m.count {
		r.Of += n
	}
	if m.paused() {
		r.Of = 0
	}
	if q.Strip > 0 {
		r.Strip = m.strip(q.Strip, now)
	}
	if !q.Cells {
		return r
	}
	r.Cells = make([]Cell, len(ids))
	for _, s := range m.series {
		if i, ok := slices.BinarySearch(ids, s.a.id); ok && s.wanted {
			r.Cells[i] = Cell{Here: true, State: s.state}
			if n := len(s.samples); n > 0 && s.state != Unknown && s.state != Paused {
				r.Cells[i].Last = latency(s.samples[n-1])
			}
		}
	}
	return r
}

// strip lays the strips of the agents over each other, the newest places together.
func (m *monitor) strip(n int, now uint32) []State {
	var places [][states]int
	for _, s := range m.telling() {
		one := s.strip(n, now)
		for i := range one {
			if i == len(places) {
				places = append(places, [states]int{})
			}
			places[i][one[len(one)-1-i]]++
		}
	}
	out := make([]State, len(places))
	for i, p := range places {
		out[len(out)-1-i] = together(p)
	}
	return out
}

func (v *Model) agentRow(a *agent) AgentRow {
	r := AgentRow{Alive: a.Alive, ID: a.id, Seen: a.seen, Skew: a.skew, State: "online"}
	switch {
	case a.seen.IsZero():
		r.State = "unheard"
	case a.Leaving:
		r.State = "left"
	case a.away():
		r.State = "offline"
	}
	for _, s := range a.series {
		if s.wanted {
			r.Counts[s.state]++
		}
	}
	return r
}

func (v *Model) detail(m *monitor, q Query, now uint32) *Detail {
	d := &Detail{Row: v.row(m, q, nil, now), Saved: m.saved}
	var on *series
	for _, s := range m.series {
		d.Agents = append(d.Agents, v.onAgent(s, q, now))
		d.Failures = append(d.Failures, s.fails...)
		if s.wanted && (on == nil || s.state < on.state) {
			on = s // the worst one
		}
	}
	if a := v.agents[q.On]; a != nil && a.series[m.name] != nil {
		on = a.series[m.name]
	}
	slices.SortStableFunc(d.Failures, func(a, b Failure) int { return b.At.Compare(a.At) })
	if on != nil {
		d.On = on.a.id
		d.Plot = on.plot(v, q.Plot, now)
		d.Phases = phasesOf(on.last.details)
	}
	return d
}

func (v *Model) onAgent(s *series, q Query, now uint32) OnAgent {
	v.scratch = tally{lats: v.scratch.lats[:0]}
	v.scratch.count(s, now)
	o := OnAgent{Agent: s.a.id, State: s.state, Wanted: s.wanted, Address: s.last.address, Figures: v.scratch.figures(), Strip: s.strip(q.Strip, now)}
	o.CertDays = s.cert(v.time(now))
	n := len(s.samples)
	if n > 0 {
		x := s.samples[n-1]
		o.At, o.Last, o.Summary = v.time(x.at), latency(x), s.last.summary
		if x.state() != Up {
			o.Summary = string(s.last.failure) + ": " + firstLine(s.last.err)
		}
	}
	switch {
	case !s.wanted && s.a.Leaving:
		o.Why = "the agent left"
	case !s.wanted:
		o.Why = "not to run there"
	case s.state != Unknown:
	case s.a.away():
		o.Why = "the agent is offline"
	case n == 0:
		if o.Why = "no result yet"; s.a.Refused[s.m.name] != "" {
			o.Why = "refused: " + s.a.Refused[s.m.name]
		}
	case now > s.deadline():
		o.Why = "silent"
	default:
		o.Why = "could not measure"
	}
	return o
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// plot is the last n runs with a place for each that is not known.
func (s *series) plot(v *Model, n int, now uint32) []Run {
	strip := s.strip(n, now)
	out := make([]Run, len(strip))
	w := s.window()
	// Known runs and unknown places stand in the strip in the order of time.
	i, place := len(w)-1, len(out)-1
	if i >= 0 && now > s.deadline() && !s.m.paused() {
		place -= max(1, int((now-w[i].at)/max(1, s.m.every)))
	}
	for k := range out {
		out[k].State = Unknown
	}
	for ; i >= 0 && place >= 0; i-- {
		out[place] = Run{At: v.time(w[i].at), State: w[i].state(), Latency: latency(w[i])}
		place--
		if i > 0 {
			place -= s.missing(w[i-1], w[i])
		}
	}
	return out
}

// newest is the last results of the log that the filter leaves.
func (v *Model) newest(q Query) []wire.Result {
	var out []wire.Result
	words := strings.Fields(strings.ToLower(q.Filter))
	for i := v.logged - 1; i >= max(0, v.logged-logLength) && len(out) < q.Log; i-- {
		r := v.log[i%logLength]
		if len(q.Names) > 0 && !slices.Contains(q.Names, r.Monitor) {
			continue
		}
		text := strings.ToLower(r.Monitor + " " + r.Agent + " " + r.Kind + " " + r.Target + " " + string(r.Outcome) + " " + string(r.Failure))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			out = append(out, r)
		}
	}
	slices.Reverse(out)
	return out
}
