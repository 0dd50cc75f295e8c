package judge

import (
	"cmp"
	"container/heap"
	"strings"
)

// timer is a moment at which something is due: of a series, of a monitor, of an agent,
// or, with neither, of the mesh. It says only when to look: what is then found has to
// hold without it, so one that comes too early does no harm.
type timer struct {
	at moment
	m  *monitor
	a  *agent
}

// order is that in which timers of the same moment fire: the mesh, agents, series, monitors.
func (t timer) order() int {
	switch {
	case t.m == nil && t.a == nil:
		return 0
	case t.m == nil:
		return 1
	case t.a != nil:
		return 2
	}
	return 3
}

func (t timer) compare(o timer) int {
	if c := cmp.Compare(t.at, o.at); c != 0 {
		return c
	}
	if c := cmp.Compare(t.order(), o.order()); c != 0 {
		return c
	}
	if t.m != nil {
		if c := strings.Compare(t.m.Name, o.m.Name); c != 0 {
			return c
		}
	}
	if t.a != nil {
		return strings.Compare(t.a.id, o.a.id)
	}
	return 0
}

// timers is a heap, the next one first.
type timers []timer

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }
func (h timers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are for container/heap.
func (h *timers) Push(t any) { *h = append(*h, t.(timer)) }

// Pop takes the last one.
func (h *timers) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return t
}

// arm makes sure that a timer fires at the time, or earlier. armed is the owner's
// note of the earliest one.
func (j *Judge) arm(armed *moment, t timer) {
	if t.at == 0 || *armed != 0 && *armed <= t.at {
		return
	}
	*armed = t.at
	heap.Push(&j.timers, t)
}

// advance fires what is due until then, each at its own time.
func (j *Judge) advance(until moment) {
	for len(j.timers) > 0 && j.timers[0].at <= max(until, j.now) {
		at := j.timers[0].at
		j.now = max(j.now, at)
		for len(j.timers) > 0 && j.timers[0].at == at {
			j.fire(heap.Pop(&j.timers).(timer))
		}
		j.flush()
	}
	j.now = max(j.now, until)
}

// fire looks at what a timer is about. A timer that was replaced by an earlier one is
// not the one noted, and means nothing.
func (j *Judge) fire(t timer) {
	j.touchMesh()
	if t.m != nil {
		j.touch(t.m)
	}
	switch t.order() {
	case 0:
		if claim(&j.mesh.Armed, t.at) {
			j.checkMesh()
		}
	case 1:
		if claim(&t.a.Armed, t.at) && j.agents[t.a.id] == t.a {
			j.checkAgent(t.a)
		}
	case 2:
		if s := t.m.of(t.a.id); s != nil && claim(&s.Armed, t.at) {
			j.checkSilence(s)
		}
	case 3:
		if claim(&t.m.Armed, t.at) && j.monitors[t.m.Name] == t.m {
			j.recheck(t.m)
		}
	}
}

func claim(armed *moment, at moment) bool {
	if *armed != at {
		return false
	}
	*armed = 0
	return true
}
