package incident

import (
	"container/heap"
	"time"
)

// timerHeap orders incidents by when they have something to do.
type timerHeap []*incident

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].ID < h[j].ID
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i+1, j+1
}

// Push implements [heap.Interface].
func (h *timerHeap) Push(x any) {
	inc := x.(*incident)
	*h = append(*h, inc)
	inc.slot = len(*h)
}

// Pop implements [heap.Interface].
func (h *timerHeap) Pop() any {
	old := *h
	inc := old[len(old)-1]
	old[len(old)-1] = nil
	*h, inc.slot = old[:len(old)-1], 0
	return inc
}

func (h *timerHeap) pop() *incident { return heap.Pop(h).(*incident) }

// arm wakes an incident then; zero is never.
func (h *timerHeap) arm(inc *incident, due time.Time) {
	if inc.slot > 0 {
		heap.Remove(h, inc.slot-1)
	}
	if inc.due = due; !due.IsZero() {
		heap.Push(h, inc)
	}
}
