package view

import (
	"cmp"
	"maps"
	"math"
	"netmon/judge"
	"slices"
	"strings"
)

// sorted is the monitors that q leaves, in its order.
func (v *Mesh) sorted(q Query, now uint32) []*monitor {
	list := v.order[:0]
	words := strings.Fields(strings.ToLower(q.Filter))
	for _, m := range v.named() {
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
		key = func(m *monitor) float64 { return absentLast(v.uptimes.of[m.name], 1) }
	case ByCert:
		key = func(m *monitor) float64 { return absentLast(m.cert(v.time(now)), 1) }
	default:
		return v.byState(list)
	}
	if q.Sort != ByCert && q.Sort != ByUptime {
		v.refresh(list, now)
	}
	slices.SortStableFunc(list, func(a, b *monitor) int { return cmp.Compare(key(a), key(b)) })
	return list
}

// named is all monitors by name.
func (v *Mesh) named() []*monitor {
	if v.unsorted {
		v.byName = slices.SortedFunc(maps.Values(v.monitors), func(a, b *monitor) int { return strings.Compare(a.name, b.name) })
		v.unsorted = false
	}
	return v.byName
}

// byState puts the worst first, and those of one state in the order they came in.
func (v *Mesh) byState(list []*monitor) []*monitor {
	out := v.states[:0]
	for _, state := range judge.States {
		for _, m := range list {
			if m.total == state {
				out = append(out, m)
			}
		}
	}
	v.states = out
	return out
}

// absentLast is a key by which what was not measured comes behind all others.
func absentLast(f Figure, sign float64) float64 {
	if !f.OK {
		return math.Inf(1)
	}
	return sign * f.V
}

// refresh makes the figures of some monitors again, of those that have none and
// of the oldest ones.
func (v *Mesh) refresh(list []*monitor, now uint32) {
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
			!slices.ContainsFunc(m.series, func(s *series) bool { return s.wanted && strings.EqualFold(s.a.id, w) }) && !m.tagged(w) {
			return false
		}
	}
	return true
}

// tagged says whether a word of a filter, in small letters, is a tag of the monitor: team=shop,
// the same with tag: before it, or tag:team, which is any value.
func (m *monitor) tagged(word string) bool {
	word, forced := strings.CutPrefix(word, "tag:")
	name, value, valued := strings.Cut(word, "=")
	if m.saved == nil || !valued && !forced {
		return false
	}
	for n, v := range m.saved.Tags {
		if strings.EqualFold(n, name) && (!valued || strings.EqualFold(v, value)) {
			return true
		}
	}
	return false
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
