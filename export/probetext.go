package export

import (
	"net/http"
	"time"

	"netmon/wire"
)

// bare are no labels: whoever scrapes one result says what it asked for.
var bare = &rendered{}

// rowOf are the numbers of a result that belongs to no series.
func (s *Series) rowOf(r *wire.Result, at time.Time) row {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := newState(s.reader.table(r.Kind))
	st.take(s.reader, r, at, true, false)
	return (&snapshot{}).row(st)
}

// writeRow writes the gauges of one result, without the labels of its series.
func (s *Series) writeRow(w *Writer, r row) {
	r.labels = bare
	for i := range s.plan.families {
		f := &s.plan.families[i]
		w.begin(f.family)
		for _, p := range f.parts {
			for k := range p.places {
				if at := &p.places[k]; p.table == r.table && !at.counts && !at.times {
					w.place(&r, at)
				}
			}
		}
	}
	if r.failure != "" {
		w.begin(failureFamily)
		w.labelled(bare, failureLabel, r.failure, 1)
	}
}

// writeProbe answers with the samples of a result.
func (s *Server) writeProbe(w http.ResponseWriter, r *http.Request, a answer) {
	s.answers.respond(w, r, func(out *Writer) { s.samples(out, a) })
}

// probeText is what a scraper would get, as text.
func (s *Server) probeText(a answer) []byte {
	out := NewWriter(Text, nil)
	s.samples(out, a)
	return out.Bytes()
}

// samples writes the samples of a result, and who measured.
func (s *Server) samples(w *Writer, a answer) {
	s.o.Mesh.series.writeRow(w, a.row)
	w.Family("netmon_probe_info", "1: the agent that measured, and the saved monitor whose last result this is; without one it was measured now.", Gauge)
	w.Sample(Labels{{"agent", a.result.Agent}, {"monitor", a.from}}, 1)
}
