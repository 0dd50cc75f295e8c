package export

import (
	"slices"

	"netmon/probes"
)

// plan is which families there are, and where their samples are found.
type plan struct {
	tables   []*table // by number
	families []planned
}

// planned is a family, and the places of its samples in the numbers of each table.
type planned struct {
	family
	parts []part
}

type part struct {
	table  int
	places []place
}

// place is where one sample of a series is, and its label beside the others.
type place struct {
	at         int    // in numbers, in counts or in times
	text       int    // in texts: the value of the label; -1 is none
	label      string // of text
	extra      []byte // the label for text formats; nil is none
	extraProto []byte
	counts     bool // at is in counts
	times      bool // at is in times
	each       bool // at is the each of items; label is their label's name
}

// newPlan is the plan of the tables of a reader.
func newPlan(kinds probes.List, r *Reader) plan {
	p := plan{tables: []*table{r.none}}
	for _, k := range kinds {
		p.tables = append(p.tables, r.tables[k.Name])
	}
	for i, f := range sharedFamilies {
		for n := range p.tables {
			p.add(f, n, place{at: i, text: -1})
		}
	}
	for n, t := range p.tables {
		texts := 0
		for i := range t.gauges {
			g := &t.gauges[i]
			at := place{at: sharedCount + i, text: -1}
			switch {
			case g.text:
				at.text, at.label = texts, g.label
				texts++
			case g.label != "":
				at.extra = appendTextLabel(nil, g.label, g.value)
				at.extraProto = appendProtoLabel(nil, metricLabel, g.label, g.value)
			}
			p.add(g.family, n, at)
		}
		for i := range t.each {
			p.add(t.each[i].family, n, place{at: i, text: -1, label: t.each[i].label, each: true})
		}
		for i := range t.counts {
			p.add(t.counts[i].family, n, place{at: i, text: -1, counts: true})
		}
		for i := range t.times {
			p.add(t.times[i].family, n, place{at: i, text: -1, times: true})
		}
	}
	return p
}

func (p *plan) add(f family, table int, at place) {
	i := slices.IndexFunc(p.families, func(x planned) bool { return x.name == f.name })
	if i < 0 {
		i = len(p.families)
		p.families = append(p.families, planned{family: f})
	}
	of := &p.families[i]
	if n := len(of.parts); n == 0 || of.parts[n-1].table != table {
		of.parts = append(of.parts, part{table: table})
	}
	last := &of.parts[len(of.parts)-1]
	last.places = append(last.places, at)
}
