package export

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// rendered are labels in the form of each format, made once.
type rendered struct {
	labels Labels
	text   []byte
	once   sync.Once
	proto  []byte
}

func render(l Labels) *rendered {
	return &rendered{labels: l, text: slices.Clip(appendTextLabels(nil, l))}
}

// protobuf is made when it is first asked for: most are scraped in one format.
func (r *rendered) protobuf() []byte {
	r.once.Do(func() { r.proto = slices.Clip(appendProtoLabels(nil, r.labels)) })
	return r.proto
}

// Write writes all families of results and saved monitors.
func (s *Series) Write(w *Writer, now time.Time) {
	x, _ := s.snapshots.Get().(*snapshot)
	if x == nil {
		x = &snapshot{}
	}
	defer s.snapshots.Put(x)
	x.reset(w.format)
	s.take(x, now)
	for i := range s.plan.families {
		f := &s.plan.families[i]
		w.begin(f.family)
		for _, p := range f.parts {
			rows := x.rows[x.begins[p.table]:x.begins[p.table+1]]
			for i := range rows {
				for k := range p.places {
					w.place(&rows[i], &p.places[k])
				}
			}
		}
	}
	w.begin(failureFamily)
	for i := range x.rows {
		if r := &x.rows[i]; r.failure != "" {
			w.labelled(r.labels, failureLabel, r.failure, 1)
		}
	}
	w.begin(runsFamily)
	for i := range x.rows {
		for k, n := range x.rows[i].runs {
			w.sample(x.rows[i].labels, outcomeLabels[k].text, outcomeLabels[k].protobuf, float64(n))
		}
	}
	w.begin(latencyFamily)
	for i := range x.rows {
		w.histogram(x.rows[i].labels, &x.rows[i].latency, x.rows[i].agent)
	}
	w.begin(infoFamily)
	slices.SortFunc(x.infos, func(a, b *rendered) int { return bytes.Compare(a.text, b.text) })
	for _, l := range x.infos {
		w.sample(l, nil, nil, 1)
	}
	w.end()
}

// The families beside those of the plan.
var (
	runsFamily    = family{"netmon_runs_total", "Runs that were heard, by their outcome, since this exporter began.", Counter, ones}
	latencyFamily = family{"netmon_latency_histogram_seconds", "Latencies of the runs, by the kind's headline figure, in seconds, since this exporter began.", Histogram, nanos}
	infoFamily    = family{"netmon_monitor_info", "A saved monitor, with its kind, its target and its tags.", Gauge, ones}
)

// place writes one sample of a series, where it has it.
func (w *Writer) place(r *row, p *place) {
	switch {
	case p.times:
		w.histogram(r.labels, &r.times[p.at], r.agent)
		return
	case p.each:
		for i := range r.items {
			if x := &r.items[i]; x.each == p.at {
				w.labelled(r.labels, p.label, x.label, x.number)
			}
		}
		return
	case p.counts:
		w.sample(r.labels, p.extra, p.extraProto, r.counts[p.at])
		return
	}
	number := r.numbers[p.at]
	if number != number { // NaN: none
		return
	}
	if p.text < 0 {
		w.sample(r.labels, p.extra, p.extraProto, number)
		return
	}
	w.labelled(r.labels, p.label, r.texts[p.text], number)
}

// labelled writes one sample with labels that are rendered, and one behind them that is not.
func (w *Writer) labelled(l *rendered, name, value string, number float64) {
	if w.format == Protobuf {
		w.extra = appendProtoLabel(w.extra[:0], metricLabel, name, value)
		w.protoSample(l.protobuf(), w.extra, number)
		return
	}
	w.extra = appendTextLabel(w.extra[:0], name, value)
	w.textSample(l.text, w.extra, number)
}

// sample writes one sample with labels that are rendered, and another behind them.
func (w *Writer) sample(l *rendered, extra, extraProto []byte, number float64) {
	if w.format == Protobuf {
		w.protoSample(l.protobuf(), extraProto, number)
		return
	}
	w.textSample(l.text, extra, number)
}
