package push

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"netmon/export"
	"netmon/internal/plural"
)

// WriteMetrics writes what became of each destination.
func (p *Pusher) WriteMetrics(w *export.Writer) {
	all := p.Stats()
	label := func(s *Stats, more ...export.Label) export.Labels {
		return append(export.Labels{{Name: "destination", Value: s.Destination}}, more...)
	}
	for _, f := range []struct {
		name, help string
		kind       export.Type
		of         func(*Stats) uint64
	}{
		{"netmon_push_results_total", "Results that were sent, or refused for good.", export.Counter, func(s *Stats) uint64 { return s.Results }},
		{"netmon_push_verdicts_total", "Verdicts that were sent, or refused for good: changes, and states that hold.", export.Counter, func(s *Stats) uint64 { return s.Verdicts }},
		{"netmon_push_repeated_total", "Results and verdicts that were refused when they were sent again, since the receiver has them.", export.Counter, func(s *Stats) uint64 { return s.Repeated }},
		{"netmon_push_missing_total", "Results that were removed from the stream before they were sent.", export.Counter, func(s *Stats) uint64 { return s.Missing }},
		{"netmon_push_retries_total", "Requests that were tried again.", export.Counter, func(s *Stats) uint64 { return s.Retries }},
		{"netmon_push_behind", "Results in the stream that are still to be sent.", export.Gauge, func(s *Stats) uint64 { return s.Behind }},
		{"netmon_push_failing", "1 where the last try failed.", export.Gauge, func(s *Stats) uint64 {
			if s.Failing {
				return 1
			}
			return 0
		}},
	} {
		w.Family(f.name, f.help, f.kind)
		for i := range all {
			w.Sample(label(&all[i]), float64(f.of(&all[i])))
		}
	}
	w.Family("netmon_push_refused_total", "Results and verdicts that the receiver will never take, by reason.", export.Counter)
	for i := range all {
		for _, reason := range slices.Sorted(maps.Keys(all[i].Refused)) {
			w.Sample(label(&all[i], export.Label{Name: "reason", Value: reason}), float64(all[i].Refused[reason]))
		}
	}
}

// summary says what was sent in all.
func (s *Stats) summary() string {
	out := []string{plural.Count(s.Results, "result", "results") + " and " + plural.Count(s.Verdicts, "verdict", "verdicts") + " sent"}
	for _, reason := range slices.Sorted(maps.Keys(s.Refused)) {
		out = append(out, strconv.FormatUint(s.Refused[reason], 10)+" of them refused as "+reason)
	}
	if s.Missing > 0 {
		out = append(out, plural.Count(s.Missing, "result was", "results were")+" removed before that")
	}
	if s.Behind > 0 {
		out = append(out, plural.Count(s.Behind, "result is", "results are")+" left for the next start")
	}
	return strings.Join(out, ", ")
}
