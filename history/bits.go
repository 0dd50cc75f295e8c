package history

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends bits, the lowest first.
type bitWriter struct {
	data []byte
	acc  uint64
	n    uint // bits in acc, under 8 between calls
}

// put appends the lowest bits of v, at most 56 at once; those above are 0.
func (w *bitWriter) put(v uint64, many uint) {
	w.acc |= v << w.n
	for w.n += many; w.n >= 8; w.n -= 8 {
		w.data = append(w.data, byte(w.acc))
		w.acc >>= 8
	}
}

// done pads the last byte.
func (w *bitWriter) done() []byte {
	if w.n > 0 {
		w.data, w.acc, w.n = append(w.data, byte(w.acc)), 0, 0
	}
	return w.data
}

// bitReader reads what a bitWriter wrote. After the first bit that is not there it is bad,
// and gives 0.
type bitReader struct {
	data []byte
	at   int // in data: moving on changes no pointer
	acc  uint64
	n    uint // bits in acc
	bad  bool
}

// fill brings 56 bits or all that are left.
func (r *bitReader) fill() {
	if r.at+8 <= len(r.data) {
		r.acc |= binary.LittleEndian.Uint64(r.data[r.at:]) << r.n
		bytes := (63 - r.n) / 8
		r.at += int(bytes)
		r.n += 8 * bytes
		r.acc &= 1<<r.n - 1
		return
	}
	for ; r.n <= 56 && r.at < len(r.data); r.at++ {
		r.acc |= uint64(r.data[r.at]) << r.n
		r.n += 8
	}
}

// get reads at most 56 bits.
func (r *bitReader) get(many uint) uint64 {
	if r.n < many {
		if r.fill(); r.n < many {
			r.bad, r.at, r.acc, r.n = true, len(r.data), 0, 0
			return 0
		}
	}
	v := r.acc & (1<<many - 1)
	r.acc >>= many
	r.n -= many
	return v
}

// left says that there is more than the padding of the last byte.
func (r *bitReader) left() bool { return r.at < len(r.data) || r.n >= 8 || r.acc != 0 }

// A number is written as its length in bits, and those after the first; one of over 62
// bits whole.
const (
	lengthBits = 6
	whole      = 1<<lengthBits - 1
)

func (w *bitWriter) number(v uint64) {
	length := uint(bits.Len64(v))
	if length >= whole {
		w.put(whole, lengthBits)
		w.long(v, 64)
		return
	}
	w.put(uint64(length), lengthBits)
	if length > 1 {
		w.long(v&^(1<<(length-1)), length-1)
	}
}

func (r *bitReader) number() uint64 {
	switch length := uint(r.get(lengthBits)); length {
	case 0, 1:
		return uint64(length)
	case whole:
		return r.long(64)
	default:
		return r.long(length-1) | 1<<(length-1)
	}
}

// long writes any number of bits.
func (w *bitWriter) long(v uint64, many uint) {
	if many > 32 {
		w.put(v&(1<<32-1), 32)
		v, many = v>>32, many-32
	}
	w.put(v, many)
}

func (r *bitReader) long(many uint) uint64 {
	if many > 32 {
		low := r.get(32)
		return low | r.get(many-32)<<32
	}
	return r.get(many)
}

// column writes numbers of one meaning by Golomb and Rice: the mean of those before says
// how many bits one is expected to take. The zero value is for the first of them.
type column struct {
	mean uint64 // eight times that
	some bool
}

const (
	unaryMost = 18      // a number that is larger by so much than was expected is written with its length
	meanMost  = 1 << 58 // bounds the mean
)

func (c *column) bits() uint { return bitsOf(c.mean / 8) }

// bitsOf is how many bits are written apart of numbers with a mean.
func bitsOf(mean uint64) uint { return uint(bits.Len64(mean|1)) - 1 }

func (c *column) learn(v uint64) {
	v = min(v, meanMost/8)
	if !c.some {
		c.some, c.mean = true, 8*v
	} else {
		c.mean += v - c.mean/8
	}
}

func (c *column) put(w *bitWriter, v uint64) {
	if !c.some {
		w.number(v)
	} else {
		w.golomb(v, c.bits())
	}
	c.learn(v)
}

func (c *column) get(r *bitReader) (v uint64) {
	if !c.some {
		v = r.number()
	} else {
		v = r.golomb(c.bits())
	}
	c.learn(v)
	return v
}

func (w *bitWriter) golomb(v uint64, k uint) {
	q := v >> k
	if q >= unaryMost {
		w.put(0, unaryMost)
		w.number(v)
		return
	}
	w.put(1<<q, uint(q)+1)
	w.long(v&(1<<k-1), k)
}

// fillUnder is how many bits a number of golomb has at hand, or more are read: most take
// fewer, and reading on for each costs as much as what it reads.
const fillUnder = 32

func (r *bitReader) golomb(k uint) uint64 {
	if r.n < fillUnder {
		r.fill()
	}
	q := uint(bits.TrailingZeros64(r.acc))
	if all := q + 1 + k; q < unaryMost && all <= r.n { // nearly always
		v := r.acc >> (q + 1) & (1<<k - 1)
		r.acc >>= all
		r.n -= all
		return uint64(q)<<k | v
	}
	if q >= unaryMost {
		r.get(unaryMost)
		return r.number()
	}
	r.get(q + 1)
	return uint64(q)<<k | r.long(k)
}

// signed writes what is over or under what was expected: of two that are as far off
// one is even and the other odd. Both wrap.
func (c *column) signed(w *bitWriter, v, expected uint64) {
	d := int64(v - expected)             // #nosec G115 -- it wraps
	c.put(w, uint64(d<<1)^uint64(d>>63)) // #nosec G115 -- it wraps
}

func (c *column) getSigned(r *bitReader, expected uint64) uint64 {
	z := c.get(r)
	return expected + (z>>1 ^ -(z & 1))
}
