package view

import (
	"slices"
	"strings"

	"netmon/judge"
	"netmon/wire"
)

func (v *Mesh) detail(m *monitor, q Query, now uint32) *Detail {
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
		d.Phases = v.phasesOf(m.kind, on.last.details)
	}
	return d
}

func (v *Mesh) onAgent(s *series, q Query, now uint32) OnAgent {
	v.scratch = tally{lats: v.scratch.lats[:0]}
	v.scratch.count(s, now)
	o := OnAgent{Agent: s.a.id, State: s.state, Share: s.share, Wanted: s.wanted, Address: s.last.address, Figures: v.summed(v.scratch.figures(), s.m.name, s.a.id), Strip: s.strip(q.Strip, now)}
	o.CertDays = s.cert(v.time(now))
	n := len(s.samples)
	if n > 0 {
		x := s.samples[n-1]
		o.At, o.Last, o.Summary = v.time(x.at), latency(x), s.last.summary
		if x.state() != judge.Up {
			o.Summary = string(s.last.failure) + ": " + firstLine(s.last.err)
		}
	}
	switch {
	case !s.wanted && s.a.Leaving:
		o.Why = "the agent left"
	case !s.wanted:
		o.Why = "not placed there"
	case s.state == judge.Unknown:
		st := s.status(now)
		if s.m.saved != nil {
			st = v.shareStatus(s.m, s.a.id, s, s.share, now)
		}
		if o.Why = st.Why; st.Reason == judge.NotMeasured {
			o.Why = "could not measure" // Summary says the rest
		}
	}
	return o
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// plot is the last n runs with a place for each that is not known.
func (s *series) plot(v *Mesh, n int, now uint32) []PlotPoint {
	strip := s.strip(n, now)
	out := make([]PlotPoint, len(strip))
	w := s.window()
	// Known runs and unknown places are in the strip in the order of time.
	i, place := len(w)-1, len(out)-1
	if i >= 0 && now > s.deadline() && !s.m.paused() {
		place -= max(1, int((now-w[i].at)/max(1, s.m.every)))
	}
	for k := range out {
		out[k].State = judge.Unknown
	}
	for ; i >= 0; i-- {
		for n := s.covered(w, i); n > 0 && place >= 0; n-- {
			out[place].State = w[i].state()
			place--
		}
		if place < 0 {
			break
		}
		out[place] = PlotPoint{At: v.time(w[i].at), State: w[i].state(), Latency: latency(w[i])}
		place--
		if i > 0 {
			place -= s.missing(w, i)
		}
	}
	return out
}

// newest is the last results of the log that the filter leaves.
func (v *Mesh) newest(q Query) []wire.Result {
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
