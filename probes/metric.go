package probes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"netmon/wire"
)

// Metric says under which name a figure of the details is known to Prometheus and
// its like. A kind lists its own in [Kind.Metrics].
//
// A figure whose name ends in _ns is exported in seconds, a time in seconds since
// 1970, yes/no as 1 and 0, a list as the number of its items, a text as the number that
// it ends with ("HTTP/1.1" is 1.1). What was not measured is no sample.
type Metric struct {
	Name string // of the family, such as probe_http_duration_seconds; one that ends in _total is a counter
	Help string // what it is, with its source; the same wherever the name is used

	// Label and Value are a label beside those that every sample has, such as phase
	// and connect. A Label without Value has the figure, a text, for its value, and
	// the sample is 1.
	Label, Value string

	// Figure is the path of the figure, such as tls.expires. Where several metrics of
	// a kind have the same name, label and value, the sum of those that are there is
	// the sample.
	Figure string

	Present bool   // 1 where Figure is there, whatever it is
	Zero    string // the path of a figure: where that is there and Figure is not, the sample is 0
	Unless  string // the path of a figure: where that is there and not 0, there is no sample
	OrZero  bool   // where Figure is not there, the sample is 0: for rules that people have

	// Unmet, instead of Figure, makes the sample 1 when an expectation was not met whose
	// option is one of these, in which a * stands for anything, and 0 when none was.
	Unmet []string

	// Times, instead of Figure, makes a histogram.
	Times *Times

	// Each, instead of Figure, makes a sample of each item of a list. Label is the name of
	// the label that tells them apart; of two items with the same one the first counts.
	Each *Each
}

// Each are the items of a list of objects, at most 100 of them.
type Each struct {
	List      string // the path of the list, which lies in no other object
	Label     string // the text of an item that is the value of the label
	Number    string // the number of an item, in the unit of the metric
	Where, Is string // only items whose text Where is Is
}

// Times are the figures of the round trips of one run: their number, and of their
// times the shortest, the mean and the longest. A histogram that these are added
// to is exact for runs of at most three, and otherwise in its count and its sum:
// of more, all but the shortest and the longest are counted at their mean.
type Times struct{ Count, Min, Mean, Max string }

// Figures are the paths of the figures that m needs.
func (m Metric) Figures() []string {
	paths := []string{m.Figure, m.Zero, m.Unless}
	if m.Times != nil {
		paths = append(paths, m.Times.Count, m.Times.Min, m.Times.Mean, m.Times.Max)
	}
	if m.Each != nil {
		paths = append(paths, m.Each.List)
	}
	return slices.DeleteFunc(paths, func(p string) bool { return p == "" })
}

// LookupMetric is how long the lookup of the target's name took, by the name that it has for
// every kind.
func LookupMetric() Metric {
	return Metric{Name: "probe_dns_lookup_time_seconds", Help: "Time of the lookup of the target's name, in seconds; absent for an address, and for a name from the agent's cache.", Figure: "resolve_ns"}
}

// MetricsBy are metrics of one family, one for each pair of a label's value and a figure.
func MetricsBy(name, help, label string, figures ...[2]string) []Metric {
	out := make([]Metric, len(figures))
	for i, f := range figures {
		out[i] = Metric{Name: name, Help: help, Label: label, Value: f[0], Figure: f[1]}
	}
	return out
}

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// CheckMetrics reports every mistake in the metrics of the kinds: figures that a kind
// does not have, names that Prometheus does not take, a name with two helps.
func (l List) CheckMetrics() error {
	var p wire.Problems
	helps, units := map[string]string{}, map[string]string{}
	for _, k := range l {
		for i, m := range k.Metrics {
			at := fmt.Sprintf("%s: metrics[%d]", k.Name, i)
			if !metricName.MatchString(m.Name) {
				p.Addf(at, "want a name of lower-case letters, digits and underscores, got %q", m.Name)
			}
			if was, ok := helps[m.Name]; ok && was != m.Help || m.Help == "" {
				p.Addf(at, "want one help for all metrics called %q, got %q and %q", m.Name, was, m.Help)
			}
			helps[m.Name] = m.Help
			unit := k.unitOf(m)
			if was, ok := units[m.Name]; ok && was != unit {
				p.Addf(at, "want one unit for all metrics called %q, got %s and %s", m.Name, was, unit)
			}
			units[m.Name] = unit
			if m.Label != "" && !metricName.MatchString(m.Label) || m.Label == "" && m.Value != "" {
				p.Addf(at, "want the name of a label, got %q", m.Label)
			}
			for _, path := range m.Figures() {
				if !k.hasFigure(path) {
					p.Addf(at, "kind %s has no figure %q", k.Name, path)
				}
			}
			if e := m.Each; e != nil {
				for _, path := range []string{e.Label, e.Number, e.Where} {
					if path != "" && !k.hasFigure(e.List+"[]."+path) {
						p.Addf(at, "kind %s has no figure %q", k.Name, e.List+"[]."+path)
					}
				}
				if m.Label == "" || m.Value != "" || e.Label == "" || e.Number == "" || strings.Contains(e.List, ".") || strings.HasSuffix(m.Name, "_total") {
					p.Addf(at, "%s: want a list, a label without a value, and an item's label and number", m.Name)
				}
			}
			sources := 0
			for _, there := range []bool{m.Figure != "", len(m.Unmet) > 0, m.Times != nil, m.Each != nil} {
				if there {
					sources++
				}
			}
			if sources != 1 {
				p.Addf(at, "%s: want a figure, or unmet expectations, or times, or items, got %d of them", m.Name, sources)
			}
		}
	}
	return p.Err()
}

// unitOf is what a metric's figure is read as.
func (k Kind) unitOf(m Metric) string {
	i := slices.IndexFunc(k.Figures, func(f Field) bool { return f.Path == m.Figure })
	switch {
	case m.Present || i < 0:
		return "numbers"
	case k.Figures[i].Type == "time":
		return "times"
	case strings.HasSuffix(m.Figure, "_ns"):
		return "nanoseconds"
	}
	return "numbers"
}

// hasFigure says whether a path is that of a figure, or of an object that holds some.
func (k Kind) hasFigure(path string) bool {
	return slices.ContainsFunc(k.Figures, func(f Field) bool {
		return f.Path == path || strings.HasPrefix(f.Path, path+".")
	})
}

// IsUnmet says whether option is one of those of m.Unmet.
func (m Metric) IsUnmet(option string) bool {
	return slices.ContainsFunc(m.Unmet, func(pattern string) bool {
		before, after, any := strings.Cut(pattern, "*")
		if !any {
			return option == pattern
		}
		return len(option) >= len(before)+len(after) && strings.HasPrefix(option, before) && strings.HasSuffix(option, after)
	})
}
