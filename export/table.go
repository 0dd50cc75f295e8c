package export

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/probes"
)

// table is what is read of the details of one kind.
type table struct {
	number  int      // among those of a reader
	root    node     // its names
	figures []figure // what is read
	gauges  []gauge  // by family, each family together
	counts  []count
	times   []times
	each    []each
	texts   int // gauges with a text
}

// node is an object in details: the names in it that matter.
type node struct {
	kids    []kid
	lengths uint64 // of the names, a bit for each: most names do not matter, and few of those have the length of one that does
}

type kid struct {
	name   string
	figure int   // -1 is none of it by itself
	sub    *node // nil where nothing in it matters
}

// figure says how a value of details becomes a number.
type figure struct {
	nanos bool // a number is nanoseconds
	time  bool // a text is a time, in microseconds
	raw   bool // a list is kept as it is
}

// gauge is one sample of a kind's results.
type gauge struct {
	family
	label, value string
	text         bool           // the label's value is that of the figure
	sources      []source       // their sum
	unmet        *probes.Metric // whose expectations it is about; nil: it is of figures
}

// source is a figure, under conditions. 0 is none: see figureOf.
type source struct {
	figure, zero, unless  int
	present, text, orZero bool
}

// count is a counter: the family, and what a run adds to it.
type count struct {
	family
	source source
}

// times is a histogram: what a run adds to it.
type times struct {
	family
	count, min, mean, max int
}

// newTable compiles the metrics of a kind.
func newTable(k probes.Kind) *table {
	t := &table{figures: make([]figure, 1)} // 0 is none
	for _, f := range k.Figures {           // in their order, which is that of the details
		if slices.ContainsFunc(k.Metrics, func(m probes.Metric) bool { return slices.Contains(m.Figures(), f.Path) }) {
			t.figureOf(k, f.Path)
		}
	}
	order := map[string]int{}
	for _, m := range k.Metrics {
		switch {
		case m.Times != nil:
			t.times = append(t.times, times{family{m.Name, m.Help, Histogram, nanos}, t.figureOf(k, m.Times.Count), t.figureOf(k, m.Times.Min), t.figureOf(k, m.Times.Mean), t.figureOf(k, m.Times.Max)})
			continue
		case m.Each != nil:
			n := t.figureOf(k, m.Each.List)
			t.figures[n].raw = true
			t.each = append(t.each, each{family{m.Name, m.Help, Gauge, ones}, m.Label, n, *m.Each})
			continue
		case strings.HasSuffix(m.Name, "_total"):
			t.counts = append(t.counts, count{t.familyOf(k, m, Counter), t.sourceOf(k, m)})
			continue
		}
		key := m.Name + "\xff" + m.Label + "\xff" + m.Value
		i, ok := order[key]
		if !ok {
			i = len(t.gauges)
			order[key] = i
			g := gauge{family: t.familyOf(k, m, Gauge), label: m.Label, value: m.Value, text: m.Label != "" && m.Value == ""}
			if len(m.Unmet) > 0 {
				g.unmet = &m
			}
			if g.text {
				t.texts++
			}
			t.gauges = append(t.gauges, g)
		}
		if len(m.Unmet) == 0 {
			t.gauges[i].sources = append(t.gauges[i].sources, t.sourceOf(k, m))
		}
	}
	return t
}

// familyOf is the family of a metric, in the scale of its figure.
func (t *table) familyOf(k probes.Kind, m probes.Metric, kind Type) family {
	f := family{m.Name, m.Help, kind, ones}
	if m.Figure != "" && !m.Present {
		switch like := t.figures[t.figureOf(k, m.Figure)]; {
		case like.nanos:
			f.scale = nanos
		case like.time:
			f.scale = micros
		}
	}
	return f
}

func (t *table) sourceOf(k probes.Kind, m probes.Metric) source {
	return source{figure: t.figureOf(k, m.Figure), zero: t.figureOf(k, m.Zero), unless: t.figureOf(k, m.Unless), present: m.Present, orZero: m.OrZero, text: m.Label != "" && m.Value == ""}
}

// figureOf is the number of the figure of this path, which is read from now on; 0 for none.
func (t *table) figureOf(k probes.Kind, path string) int {
	if path == "" {
		return 0
	}
	at := &t.root
	names := strings.Split(path, ".")
	for i, name := range names {
		child := at.find(name)
		if i == len(names)-1 {
			if child.figure < 0 {
				child.figure = len(t.figures)
				t.figures = append(t.figures, figureLike(k, path))
			}
			return child.figure
		}
		if child.sub == nil {
			child.sub = &node{}
		}
		at = child.sub
	}
	return 0
}

// find is the child of this name, made where there is none.
func (n *node) find(name string) *kid {
	for i := range n.kids {
		if n.kids[i].name == name {
			return &n.kids[i]
		}
	}
	n.lengths |= 1 << (len(name) & 63)
	n.kids = append(n.kids, kid{name: name, figure: -1})
	return &n.kids[len(n.kids)-1]
}

// figureLike is how a figure of this path is read.
func figureLike(k probes.Kind, path string) figure {
	f := figure{nanos: strings.HasSuffix(path, "_ns")}
	for _, documented := range k.Figures {
		if documented.Path == path {
			f.time = documented.Type == "time"
		}
	}
	return f
}

// trailingNumber is the number that a text ends with: 1.1 of HTTP/1.1.
func trailingNumber(text []byte) (float64, bool) {
	i := len(text)
	for i > 0 && (text[i-1] == '.' || '0' <= text[i-1] && text[i-1] <= '9') {
		i--
	}
	f, err := strconv.ParseFloat(string(text[i:]), 64)
	return f, err == nil
}

// timeNumber is a time of JSON in microseconds since 1970.
func timeNumber(text []byte) (float64, bool) {
	var at time.Time
	if at.UnmarshalText(text) != nil {
		return 0, false
	}
	return float64(at.UnixMicro()), true
}
