package history

import (
	"math"
	"math/bits"
	"slices"

	"netmon/wire"
)

// Base is how many buckets a doubling has.
const Base = wire.HistoryBase

// ErrorBound is by how much, at most, a quantile can be off from the value that stands
// at its rank: half a bucket, ±1.1 %.
var ErrorBound = math.Exp2(1.0/(2*Base)) - 1

// bounds are the upper ends of the buckets of a doubling, 2^((i+1)/32) of 1<<63 cut to
// whole numbers; the last one, which would be 2, is as large as can be.
var bounds = func() (out [Base]uint64) {
	for i := range out {
		out[i] = math.MaxUint64
		if i < Base-1 {
			out[i] = uint64(math.Exp2(float64(i+1)/Base) * (1 << 63))
		}
	}
	return out
}()

// begins are the buckets in which each 128th of a doubling begins.
var begins = func() (out [128]uint64) {
	for i := range out {
		for bounds[out[i]] < 1<<63+uint64(i)<<56 {
			out[i]++
		}
	}
	return out
}()

// Bucket is the index of the bucket that holds a latency: i holds what is over 2^(i/32)
// and at most 2^((i+1)/32) ns. Nothing is under -1, which holds 1 ns and less.
func Bucket(ns uint64) int {
	if ns <= 1 {
		return -1
	}
	zeros := bits.LeadingZeros64(ns)
	doubling, mantissa := 63-zeros, ns<<zeros
	if mantissa == 1<<63 { // a power of two is the upper end of the doubling before
		return doubling*Base - 1
	}
	// No search: it is half of what adding costs. In a 128th of a doubling one bucket ends
	// at most.
	i := begins[mantissa>>56&127]
	_, over := bits.Sub64(bounds[i], mantissa, 0)
	return doubling*Base + int(i+over) // #nosec G115 -- under Base
}

// upper is the upper end of a bucket, in ns.
func upper(bucket int) float64 { return math.Exp2(float64(bucket+1) / Base) }

// AddLatency counts one latency.
func AddLatency(l *wire.Latencies, ns uint64) {
	if l.Count == 0 || ns < l.MinNS {
		l.MinNS = ns
	}
	l.MaxNS = max(l.MaxNS, ns)
	l.Count++
	l.SumNS += ns
	*room(l, Bucket(ns))++
}

// room makes room for a bucket.
func room(l *wire.Latencies, bucket int) *uint64 {
	switch {
	case len(l.Buckets) == 0:
		l.Offset, l.Buckets = bucket, append(l.Buckets[:0], 0)
	case bucket < l.Offset:
		more, had := l.Offset-bucket, len(l.Buckets)
		l.Buckets = slices.Grow(l.Buckets, more)[:had+more]
		copy(l.Buckets[more:], l.Buckets[:had])
		clear(l.Buckets[:more])
		l.Offset = bucket
	case bucket >= l.Offset+len(l.Buckets):
		had := len(l.Buckets)
		more := bucket - l.Offset - had + 1
		l.Buckets = slices.Grow(l.Buckets, more)[:had+more]
		clear(l.Buckets[had:])
	}
	return &l.Buckets[bucket-l.Offset]
}

// mergeLatencies adds what from counted.
func mergeLatencies(into, from *wire.Latencies) {
	if from.Count == 0 {
		return
	}
	if into.Count == 0 || from.MinNS < into.MinNS {
		into.MinNS = from.MinNS
	}
	into.MaxNS = max(into.MaxNS, from.MaxNS)
	into.Count += from.Count
	into.SumNS += from.SumNS
	into.Diffs += from.Diffs
	into.DiffNS += from.DiffNS
	if len(from.Buckets) == 0 {
		return
	}
	room(into, from.Offset)
	room(into, from.Offset+len(from.Buckets)-1)
	shift := from.Offset - into.Offset
	for i, n := range from.Buckets {
		into.Buckets[shift+i] += n
	}
}

// Quantile is the latency that a part q of the runs took at most, by nearest rank:
// within [ErrorBound] of the exact one. False where nothing was measured.
func Quantile(l *wire.Latencies, q float64) (ns float64, ok bool) {
	if l == nil || l.Count == 0 || len(l.Buckets) == 0 {
		return 0, false
	}
	rank := uint64(max(1, math.Ceil(q*float64(l.Count))))
	if rank >= l.Count {
		return float64(l.MaxNS), true // known exactly
	}
	if rank == 1 {
		return float64(l.MinNS), true
	}
	for i, n := range l.Buckets {
		if rank <= n {
			mid := upper(l.Offset+i) / math.Exp2(1.0/(2*Base))
			return min(max(mid, float64(l.MinNS)), float64(l.MaxNS)), true
		}
		rank -= n
	}
	return float64(l.MaxNS), true
}

// Mean is the mean latency, exactly; false where nothing was measured.
func Mean(l *wire.Latencies) (ns float64, ok bool) {
	if l == nil || l.Count == 0 {
		return 0, false
	}
	return float64(l.SumNS) / float64(l.Count), true
}

// Jitter is the mean of the absolute differences between the latencies of runs that
// follow each other; false where no two do.
func Jitter(l *wire.Latencies) (ns float64, ok bool) {
	if l == nil || l.Diffs == 0 {
		return 0, false
	}
	return float64(l.DiffNS) / float64(l.Diffs), true
}
