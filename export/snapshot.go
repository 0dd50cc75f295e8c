package export

import "time"

// row is a series as it was at one moment.
type row struct {
	table   int
	labels  *rendered
	agent   string
	failure string
	numbers []float64
	texts   []string
	counts  []float64
	runs    [3]uint64
	latency histogram
	times   []histogram
	items   []item
}

// snapshot is all series that count, at one moment, by table. Its lists are used again.
type snapshot struct {
	format    Format
	rows      []row
	begins    []int // of the rows of each table; one more is their end
	numbers   []float64
	texts     []string
	times     []histogram
	buckets   []uint64
	exemplars []exemplar
	infos     []*rendered
}

func (x *snapshot) reset(f Format) {
	clear(x.rows)
	clear(x.exemplars)
	x.format, x.rows, x.begins, x.numbers, x.texts, x.times = f, x.rows[:0], x.begins[:0], x.numbers[:0], x.texts[:0], x.times[:0]
	x.buckets, x.exemplars, x.infos = x.buckets[:0], x.exemplars[:0], x.infos[:0]
}

// atOnce is how many series are copied while results wait.
const atOnce = 256

// take copies what counts now.
func (s *Series) take(x *snapshot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evict(now)
	for _, m := range s.monitors {
		x.infos = append(x.infos, m.labels)
	}
	for i, st := range s.sorted() {
		if i%atOnce == atOnce-1 {
			s.mu.Unlock()
			s.mu.Lock()
		}
		for len(x.begins) <= st.table.number {
			x.begins = append(x.begins, len(x.rows))
		}
		if s.validity(st, now) == counts {
			x.rows = append(x.rows, x.row(st))
		}
	}
	for len(x.begins) <= len(s.plan.tables) {
		x.begins = append(x.begins, len(x.rows))
	}
}

func (x *snapshot) row(st *state) row {
	r := row{table: st.table.number, labels: st.labels, agent: st.key.agent, failure: st.failure, runs: st.runs, items: st.items, latency: x.histogram(&st.latency)}
	n := len(x.numbers)
	x.numbers = append(append(x.numbers, st.numbers...), st.counts...)
	r.numbers, r.counts = x.numbers[n:n+len(st.numbers)], x.numbers[n+len(st.numbers):]
	n = len(x.texts)
	x.texts = append(x.texts, st.texts...)
	r.texts = x.texts[n:]
	n = len(x.times)
	for i := range st.times {
		x.times = append(x.times, x.histogram(&st.times[i]))
	}
	r.times = x.times[n:]
	return r
}

// histogram copies one, with what the format has of it.
func (x *snapshot) histogram(h *histogram) histogram {
	out := *h
	out.native, out.exemplars = nil, nil
	if x.format == Protobuf {
		n := len(x.buckets)
		x.buckets = append(x.buckets, h.native...)
		out.native = x.buckets[n:]
	}
	if x.format != Text {
		n := len(x.exemplars)
		x.exemplars = append(x.exemplars, h.exemplars...)
		out.exemplars = x.exemplars[n:]
	}
	return out
}
