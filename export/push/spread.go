package push

import (
	"encoding/binary"
	"math"
	"time"
)

const (
	spreadScale = 5   // 32 buckets each time the latency doubles: within 2.2 %
	spreadMost  = 160 // buckets in one point
)

// spread is how the latencies of a series in one batch are spread: a delta, whose time
// begins with the first run and ends with the last.
type spread struct {
	count       uint64
	zero        uint64
	sum         float64 // seconds
	least, most float64
	from, to    time.Time
	indexes     []int32
	counts      []uint64
}

func (s *spread) reset() { *s = spread{indexes: s.indexes[:0], counts: s.counts[:0]} }

func (s *spread) add(latency time.Duration, started time.Time, elapsed time.Duration) {
	v := latency.Seconds()
	if s.count == 0 || v < s.least {
		s.least = v
	}
	if s.count == 0 || v > s.most {
		s.most = v
	}
	if s.count == 0 || started.Before(s.from) {
		s.from = started
	}
	if end := started.Add(elapsed); s.count == 0 || end.After(s.to) {
		s.to = end
	}
	s.count++
	s.sum += v
	if v <= 0 {
		s.zero++
		return
	}
	s.indexes = append(s.indexes, int32(math.Ceil(math.Log2(v)*(1<<spreadScale)))-1)
}

// appendTo appends what an ExponentialHistogramDataPoint has beside its attributes.
func (s *spread) appendTo(b []byte) []byte {
	b = appendFixed(b, 2, uint64(s.from.UnixNano()))
	b = appendFixed(b, 3, uint64(s.to.UnixNano()))
	b = appendFixed(b, 4, s.count)
	b = appendDouble(b, 5, s.sum)
	scale, low := s.bucket()
	b = appendVarint(b, 6, zigzag(scale))
	b = appendFixed(b, 7, s.zero)
	if len(s.counts) > 0 {
		size := 0
		for _, n := range s.counts {
			size += uvarintLen(n)
		}
		offset := zigzag(low)
		b = appendTag(b, 8, wireBytes)
		b = binary.AppendUvarint(b, uint64(1+uvarintLen(offset)+fieldLen(size)))
		b = appendVarint(b, 1, offset)
		b = binary.AppendUvarint(appendTag(b, 2, wireBytes), uint64(size))
		for _, n := range s.counts {
			b = binary.AppendUvarint(b, n)
		}
	}
	return appendDouble(appendDouble(b, 12, s.least), 13, s.most)
}

// bucket counts what is in each bucket, from low on, at the finest scale at which they are
// not too many.
func (s *spread) bucket() (scale, low int32) {
	s.counts = s.counts[:0]
	if len(s.indexes) == 0 {
		return spreadScale, 0
	}
	low, high := s.indexes[0], s.indexes[0]
	for _, i := range s.indexes {
		low, high = min(low, i), max(high, i)
	}
	shift := int32(0)
	for high>>shift-low>>shift >= spreadMost {
		shift++
	}
	low >>= shift
	for range high>>shift - low + 1 {
		s.counts = append(s.counts, 0)
	}
	for _, i := range s.indexes {
		s.counts[i>>shift-low]++
	}
	return spreadScale - shift, low
}
