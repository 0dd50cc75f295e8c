package push

import (
	"maps"

	"netmon/export"
)

// seriesMost bounds the series that a destination keeps something of.
const seriesMost = 200_000

type seriesKey struct{ agent, monitor string }

// cache keeps what a sink made of the labels of each series: a monitor on an agent.
type cache[T any] struct {
	tags *Tags
	is   *savedTags // those of the batch
	all  map[seriesKey]*entry[T]
	make func(export.Labels) T
}

type entry[T any] struct {
	kind, target string
	tags         map[string]string
	edition      uint64
	own          T
}

func newCache[T any](tags *Tags, make func(export.Labels) T) *cache[T] {
	return &cache[T]{tags: tags, all: map[seriesKey]*entry[T]{}, make: make}
}

// begin is called before each batch.
func (c *cache[T]) begin(b *Batch) {
	if c.is = b.tags; c.is == nil {
		c.is = c.tags.current()
	}
	if len(c.all) > seriesMost {
		clear(c.all)
	}
}

// of is what there is of a result's series, made again when its labels changed.
func (c *cache[T]) of(r *Result) *T {
	key := seriesKey{r.Agent, r.Monitor}
	e := c.all[key]
	if e != nil && e.kind == r.Kind && e.target == r.Target && e.edition == c.is.edition {
		return &e.own
	}
	tags := c.is.of[r.Monitor]
	if e == nil || e.kind != r.Kind || e.target != r.Target || !maps.Equal(e.tags, tags) {
		e = &entry[T]{kind: r.Kind, target: r.Target, tags: tags, own: c.make(export.LabelsOf(r.Agent, r.Monitor, r.Kind, r.Target, tags))}
		c.all[key] = e
	}
	e.edition = c.is.edition
	return &e.own
}

// slots are what a sink keeps of each sample of a series. A series has the same samples in
// the same order nearly always, so that they are found by their place.
type slots[S any] struct{ list []slot[S] }

type slot[S any] struct {
	name, label, value string
	own                *S
}

// of is the slot of the sample at a place, made where it is new.
func (l *slots[S]) of(place int, s *export.Sample, make func(*export.Sample) *S) *S {
	if place < len(l.list) && l.list[place].is(s) {
		return l.list[place].own
	}
	for i := range l.list {
		if l.list[i].is(s) {
			own := l.list[i].own
			if place < len(l.list) {
				l.list[i], l.list[place] = l.list[place], l.list[i]
			}
			return own
		}
	}
	if len(l.list) >= slotsMost {
		l.list = l.list[:0]
	}
	l.list = append(l.list, slot[S]{s.Name, s.Label, s.Value, make(s)})
	return l.list[len(l.list)-1].own
}

// slotsMost bounds the samples of one series: values of labels come from agents.
const slotsMost = 1000

func (l *slot[S]) is(s *export.Sample) bool {
	return l.name == s.Name && l.value == s.Value && l.label == s.Label
}
