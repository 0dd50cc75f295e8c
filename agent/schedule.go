package agent

import (
	"container/heap"
	"hash/fnv"
	"time"
)

// schedule is a heap of what is due when. It keeps no clock and no goroutine;
// its owner calls it under one lock.
//
// Due times never drift: the next one is the last one plus the interval, on
// the monotonic clock. They stand at a phase of the wall clock that is hashed
// from agent and monitor, so that load is spread evenly and falls the same way
// after a restart.
type schedule struct{ heap dueHeap }

// tick is one monitor's place in the schedule.
type tick struct {
	due   time.Time // monotonic
	every time.Duration
	index int // in the heap; -1 when not in it
	task  *task
}

// phase is the offset of a monitor's runs from multiples of its interval.
func phase(agent, monitor string, every time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(agent))
	h.Write([]byte{0})
	h.Write([]byte(monitor))
	// FNV's low bits differ little for names that differ little: fold the high ones in.
	sum := h.Sum64()
	sum ^= sum >> 33
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return time.Duration(sum % uint64(every))
}

// firstDue is the first moment after now at the monitor's phase.
func firstDue(now time.Time, every, phase time.Duration) time.Time {
	into := time.Duration(now.UnixNano()) % every
	wait := phase - into
	if wait <= 0 {
		wait += every
	}
	return now.Add(wait)
}

// ticksBetween is how many ticks lie between two of a schedule, by the wall clock,
// which an earlier process and this one share. Clocks that were set meanwhile may
// say that the later one is the earlier: then there are none.
func ticksBetween(from, to time.Time, every time.Duration) uint64 {
	n := (to.Round(0).Sub(from.Round(0)) + every/2) / every
	return uint64(max(0, n-1)) // #nosec G115 -- not negative
}

func (s *schedule) add(t *tick)    { heap.Push(&s.heap, t) }
func (s *schedule) remove(t *tick) { heap.Remove(&s.heap, t.index) }

// next is the earliest due time; ok is false when nothing is scheduled.
func (s *schedule) next() (due time.Time, ok bool) {
	if len(s.heap) == 0 {
		return time.Time{}, false
	}
	return s.heap[0].due, true
}

// advance takes one tick that is due and schedules the following one. When whole
// intervals have passed meanwhile (the process was stopped, the machine
// overloaded) the ticks between are lost: due is then the last one that has
// passed, and lost counts the others.
func (s *schedule) advance(now time.Time) (t *tick, due time.Time, lost uint64, ok bool) {
	if len(s.heap) == 0 || s.heap[0].due.After(now) {
		return nil, time.Time{}, 0, false
	}
	t = s.heap[0]
	n := now.Sub(t.due) / t.every
	due = t.due.Add(n * t.every)
	t.due = due.Add(t.every)
	heap.Fix(&s.heap, 0)
	return t, due, uint64(n), true
}

// pop removes and returns one tick that is due.
func (s *schedule) pop(now time.Time) (t *tick, ok bool) {
	if len(s.heap) == 0 || s.heap[0].due.After(now) {
		return nil, false
	}
	return heap.Pop(&s.heap).(*tick), true
}

type dueHeap []*tick

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	t := x.(*tick)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *dueHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
