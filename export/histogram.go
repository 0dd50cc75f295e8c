package export

import (
	"math"
	"slices"
	"strconv"
	"time"

	"netmon/wire"
)

const (
	finest      = 5   // schema that a native histogram begins with: 32 buckets a doubling, ±1.1 %
	mostBuckets = 160 // of a native histogram; beyond it two become one
	classics    = 12  // buckets of a classic one, without +Inf
	// zeroThreshold is up to what a native histogram counts a time as zero, in seconds: as
	// other programs have it, so that theirs and ours can be added.
	zeroThreshold = 1.0 / (1 << 64) / (1 << 64)
)

// classicBounds are the upper ends of the classic buckets, in seconds.
// They are among those of smokeping_prober, so that its queries find them.
var classicBounds = [classics]float64{5e-5, 2e-4, 8e-4, .0032, .0064, .0128, .0256, .0512, .1024, .2048, .8192, 3.2768}

// classicNanos are these in nanoseconds.
var classicNanos = [classics]int64{5e4, 2e5, 8e5, 3_200_000, 6_400_000, 12_800_000, 25_600_000, 51_200_000, 102_400_000, 204_800_000, 819_200_000, 3_276_800_000}

// bucketBounds are the upper ends of the native buckets of a doubling, from one half to one.
var bucketBounds = func() (out [1 << finest]float64) {
	for i := range out {
		out[i] = math.Exp2(float64(i)/float64(len(out)) - 1)
	}
	return out
}()

// histogram counts durations since it began: classic buckets, and native ones as Prometheus and
// OpenTelemetry have them.
type histogram struct {
	count, zero uint64
	sum         float64 // ns
	classic     [classics + 1]uint64
	schema      int8
	offset      int32 // index of the first native bucket
	native      []uint64
	exemplars   []exemplar // one for each classic bucket that was met, by bucket
}

// exemplar is the newest run in a bucket.
type exemplar struct {
	bucket int
	epoch  string
	seq    uint64
	ns     int64
	at     time.Time
}

// observe counts n durations of so many nanoseconds. What is negative is none: a clock was set.
func (h *histogram) observe(ns int64, n uint64) {
	if ns < 0 || n == 0 {
		return
	}
	h.count += n
	h.sum += float64(ns) * float64(n)
	h.classic[classicBucket(ns)] += n
	if ns == 0 {
		h.zero += n
		return
	}
	if len(h.native) == 0 {
		h.schema = finest
	}
	*h.room(nativeBucket(float64(ns) / 1e9)) += n
}

// classicBucket is the classic bucket that holds a duration.
func classicBucket(ns int64) int {
	for i, bound := range classicNanos {
		if ns <= bound {
			return i
		}
	}
	return classics
}

// nativeBucket is the index of the bucket of the finest schema that holds v seconds: i holds what is over
// 2^((i-1)/32) and at most 2^(i/32).
func nativeBucket(v float64) int32 {
	part, doubling := math.Frexp(v)
	i, _ := slices.BinarySearch(bucketBounds[:], part)
	return int32(i + (doubling-1)*len(bucketBounds))
}

// coarser is the index, in a schema coarser by one, of the bucket that holds bucket i.
func coarser(i int32) int32 { return (i + 1) >> 1 }

// room is the count of a bucket of the finest schema. Where there would be too many buckets,
// two of them become one.
func (h *histogram) room(i int32) *uint64 {
	for range finest - h.schema {
		i = coarser(i)
	}
	if len(h.native) == 0 {
		h.offset, h.native = i, append(h.native[:0], 0)
	}
	for {
		low, high := min(i, h.offset), max(i, h.offset+int32(len(h.native))-1)
		if high-low < mostBuckets {
			break
		}
		h.coarsen()
		i = coarser(i)
	}
	if i < h.offset {
		h.native = slices.Insert(h.native, 0, make([]uint64, h.offset-i)...)
		h.offset = i
	}
	if more := int(i-h.offset) - len(h.native) + 1; more > 0 {
		h.native = append(h.native, make([]uint64, more)...)
	}
	return &h.native[i-h.offset]
}

// coarsen makes one bucket of two.
func (h *histogram) coarsen() {
	first := coarser(h.offset)
	for k, n := range h.native {
		to := coarser(h.offset+int32(k)) - first
		h.native[k] = 0
		h.native[to] += n
	}
	last := coarser(h.offset + int32(len(h.native)) - 1)
	h.native = h.native[:last-first+1]
	h.offset = first
	h.schema--
}

// meet has the newest run in a bucket for its exemplar. An epoch that no agent draws is of none:
// what it holds may be no text of a format.
func (h *histogram) meet(ns int64, r *wire.Result, at time.Time) {
	if ns < 0 || r.Seq == 0 || wire.CheckToken(r.Epoch) != nil {
		return
	}
	e := exemplar{classicBucket(ns), r.Epoch, r.Seq, ns, at}
	i, there := slices.BinarySearchFunc(h.exemplars, e.bucket, func(x exemplar, bucket int) int { return x.bucket - bucket })
	if !there {
		h.exemplars = slices.Insert(h.exemplars, i, e)
		return
	}
	h.exemplars[i] = e
}

// id is the result's, as [wire.Result.ID] writes it.
func (e *exemplar) appendID(b []byte, agent string) []byte {
	b = append(append(append(append(b, agent...), '-'), e.epoch...), '-')
	return strconv.AppendUint(b, e.seq, 10)
}

// observe adds the round trips of a run: exactly those of up to three, and of more the shortest, the longest, and the others at
// their mean.
func (t *times) observe(h *histogram, there []found, r *wire.Result, at time.Time) {
	n, least, mean, most := there[t.count].number, int64(there[t.min].number), there[t.mean].number, int64(there[t.max].number)
	if !there[t.count].there || !there[t.min].there || !there[t.mean].there || !there[t.max].there || n < 1 || n > 1e6 {
		return
	}
	h.observe(least, 1)
	if n >= 2 {
		h.observe(most, 1)
	}
	if n >= 3 {
		others := (mean*n - float64(least) - float64(most)) / (n - 2)
		h.observe(int64(min(max(others, float64(least)), float64(most))), uint64(n)-2)
	}
	h.meet(most, r, at)
}
