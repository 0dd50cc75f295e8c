package judge_test

import "time"

// event is something to be done at a time. What is due at the same time is done in
// the order in which it was planned, checks last.
type event struct {
	at    time.Duration
	check bool
	n     int
	do    func()
}

// queue is a heap of events, the next one first.
type queue []event

func (e *event) before(o *event) bool {
	switch {
	case e.at != o.at:
		return e.at < o.at
	case e.check != o.check:
		return o.check
	default:
		return e.n < o.n
	}
}

func (q *queue) push(e event) {
	*q = append(*q, e)
	h := *q
	for i := len(h) - 1; i > 0 && h[i].before(&h[(i-1)/2]); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (q *queue) pop() event {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], event{}
	h = h[:last]
	for i := 0; ; {
		next := 2*i + 1
		if next+1 < last && h[next+1].before(&h[next]) {
			next++
		}
		if next >= last || !h[next].before(&h[i]) {
			*q = h
			return first
		}
		h[i], h[next] = h[next], h[i]
		i = next
	}
}
