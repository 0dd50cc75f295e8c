package history

import (
	"encoding/binary"
	"math/bits"
)

// Most of the time of who adds up history is spent on buckets. So these two have the bits
// at hand in variables of their own, and leave the rare cases to bitReader.golomb.

// gaps adds what writeBuckets wrote as gaps, to nothing where buckets is nil. False says that
// it is damaged.
func (r *bitReader) gaps(buckets []uint64, left uint64, many int) bool {
	acc, n := r.acc, r.n
	for at := uint64(0); left > 0; left-- {
		k := gapBits(uint64(many)-at, left)
		if n < fillUnder {
			r.acc, r.n = acc, n
			r.fill()
			acc, n = r.acc, r.n
		}
		q := uint(bits.TrailingZeros64(acc))
		if all := q + 1 + k; q < unaryMost && all <= n {
			at += uint64(q)<<(k&63) | acc>>((q+1)&63)&(1<<(k&63)-1)
			acc >>= all & 63
			n -= all
		} else {
			r.acc, r.n = acc, n
			at += r.golomb(k)
			acc, n = r.acc, r.n
		}
		if at >= uint64(many) || r.bad {
			return false
		}
		if buckets != nil {
			buckets[at]++
		}
	}
	r.acc, r.n = acc, n
	return true
}

// counts adds what writeBuckets wrote as counts, to nothing where buckets is nil. False says
// that it is damaged.
func (r *bitReader) counts(buckets []uint64, left uint64, many int) bool {
	acc, n, before := r.acc, r.n, uint64(0)
	for i := 0; i < many-1 && left > 0; i++ {
		k := countBits(before, left, many-i)
		if n < fillUnder {
			if r.at+8 <= len(r.data) { // as fill does
				acc |= binary.LittleEndian.Uint64(r.data[r.at:]) << n
				more := (63 - n) / 8
				r.at += int(more) // #nosec G115 -- under 8
				n += 8 * more
				acc &= 1<<(n&63) - 1
			} else {
				r.acc, r.n = acc, n
				r.fill()
				acc, n = r.acc, r.n
			}
		}
		q := uint(bits.TrailingZeros64(acc))
		var count uint64
		if all := q + 1 + k; q < unaryMost && all <= n {
			count = uint64(q)<<(k&63) | acc>>((q+1)&63)&(1<<(k&63)-1)
			acc >>= all & 63
			n -= all
		} else {
			r.acc, r.n = acc, n
			count = r.golomb(k)
			acc, n = r.acc, r.n
		}
		if count > left || r.bad {
			return false
		}
		if buckets != nil {
			buckets[i] += count
		}
		before, left = (before+count+1)/2, left-count
	}
	r.acc, r.n = acc, n
	if buckets != nil {
		buckets[many-1] += left
	}
	return true
}
