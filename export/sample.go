package export

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"netmon/probes"
	"netmon/wire"
)

// Sample is one value of one series of a result.
type Sample struct {
	Name         string // of the metric
	Label, Value string // one label beside those of the result: phase="connect"; "" is none
	Number       float64
}

// Label is a name and a value.
type Label struct{ Name, Value string }

// Labels are those that all samples of a monitor on an agent have, sorted by name.
type Labels []Label

// LabelsOf are the labels of a monitor on an agent: who measured what, and the tags of the saved
// monitor as tag_<key>, with an underscore for what no label's name may have. Of two tags
// that become the same, the first by name is kept.
func LabelsOf(agent, monitor, kind, target string, tags map[string]string) Labels {
	l := Labels{{"agent", labelText(agent)}, {"instance", labelText(target)}, {"kind", labelText(kind)}, {"monitor", labelText(monitor)}}
	return append(l, tagLabels(tags)...)
}

func tagLabels(tags map[string]string) Labels {
	var l Labels
	keys := make([]string, 0, len(tags))
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		name := "tag_" + strings.Map(func(r rune) rune {
			if r == '_' || r < utf8.RuneSelf && ('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9') {
				return r
			}
			return '_'
		}, key)
		if !slices.ContainsFunc(l, func(x Label) bool { return x.Name == name }) {
			l = append(l, Label{name, labelText(tags[key])})
		}
	}
	slices.SortFunc(l, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return l
}

// labelText is s as the value of a label: UTF-8.
func labelText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Reader turns results into samples, by what the kinds list in their metrics. It is not safe
// for concurrent use: its buffers are used again.
type Reader struct {
	tables map[string]*table
	none   *table // of a kind that is not known: what all results share
	found  []found
	texts  map[string]string // values of labels, so that a text is kept once
}

// NewReader reads results of these kinds. Of other kinds it reads what all results share.
func NewReader(kinds probes.List) *Reader {
	r := &Reader{tables: map[string]*table{}, none: newTable(probes.Kind{}), texts: map[string]string{}}
	most := 1
	for i, k := range kinds {
		t := newTable(k)
		t.number = i + 1
		r.tables[k.Name] = t
		most = max(most, len(t.figures))
	}
	r.found = make([]found, most)
	return r
}

// mostTexts bounds the texts that a reader keeps; details come from agents.
const mostTexts, mostText = 1000, 200

// text is b as the value of a label, without an allocation where it was met before.
func (r *Reader) text(b []byte) string {
	if s, ok := r.texts[string(b)]; ok {
		return s
	}
	s := labelText(wire.Clip(string(b), mostText))
	if len(r.texts) >= mostTexts {
		clear(r.texts)
	}
	if len(b) <= mostText {
		r.texts[string(b)] = s
	}
	return s
}

func (r *Reader) table(kind string) *table {
	if t := r.tables[kind]; t != nil {
		return t
	}
	return r.none
}

// Samples appends the samples of one result: those that all kinds share, then the kind's
// gauges. Counters and histograms are no property of one result: see [Series]. A run that
// could not measure has netmon_run_broken and its time, and no more.
func (r *Reader) Samples(into []Sample, res *wire.Result) []Sample {
	var shared [sharedCount]float64
	sharedNumbers(res, &shared)
	for i, number := range shared {
		if !math.IsNaN(number) {
			into = append(into, Sample{Name: sharedFamilies[i].name, Number: sharedFamilies[i].scale.float(number)})
		}
	}
	if math.IsNaN(shared[sharedSuccess]) {
		return into
	}
	t := r.table(res.Kind)
	there := r.read(t, res)
	for i := range t.gauges {
		g := &t.gauges[i]
		number, text, ok := g.evaluate(there, res)
		if !ok {
			continue
		}
		s := Sample{g.name, g.label, g.value, g.scale.float(number)}
		if text != nil {
			s.Value = r.text(text)
		}
		into = append(into, s)
	}
	for _, x := range t.items(there) {
		e := &t.each[x.each]
		into = append(into, Sample{e.name, e.label, x.label, x.number})
	}
	return into
}

// read reads the figures that t wants of a result.
func (r *Reader) read(t *table, res *wire.Result) []found {
	there := r.found[:len(t.figures)]
	t.readDetails(res.Details, there)
	return there
}

// evaluate is what figures make of a gauge: its number, and the text that is the value of its
// label where it has one. False is none.
func (g *gauge) evaluate(there []found, res *wire.Result) (number float64, text []byte, ok bool) {
	if g.unmet != nil {
		return truth(slices.ContainsFunc(res.Unmet, func(u wire.Unmet) bool { return g.unmet.IsUnmet(u.Expect) })), nil, true
	}
	for i := range g.sources {
		s := &g.sources[i]
		n, is := s.evaluate(there)
		if !is {
			continue
		}
		if s.text {
			return 1, there[s.figure].text, len(there[s.figure].text) > 0
		}
		number, ok = number+n, true
	}
	return number, nil, ok
}

// evaluate is the number of a source, and whether there is one.
func (s *source) evaluate(there []found) (float64, bool) {
	f := &there[s.figure]
	switch {
	case s.unless > 0 && there[s.unless].there && there[s.unless].number != 0:
		return 0, false
	case !f.there:
		return 0, s.orZero || s.zero > 0 && there[s.zero].there
	case s.present:
		return 1, true
	case f.text != nil && !s.text:
		return trailingNumber(f.text)
	}
	return f.number, true
}
