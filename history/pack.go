package history

import (
	"cmp"
	"errors"
	"math/bits"
	"slices"

	"netmon/wire"
)

// Packed rollups are bits: of each figure what it differs from what was to be expected,
// by the minutes before it and by the other figures of its own, in the codes of bits.go.
// A minute of six runs takes 11 to 14 bytes in an hour of them.
//
//	1 bit: flags and runs are those of the minute before; else both
//	failed, broken, slow                                  unless plain
//	covered, of these ok and failed, skipped, missed,
//	  dropped, late, asked                                with ticks
//	count unless it is that of ok; min; max-min; the sum; with latency
//	  diffs unless it is count; their sum; buckets
//	sent, lost                                            with packets
//	1 bit: the phases of the minute before, each with the with phases
//	  count of ok; else how many, and of each its name and count; then the sums
//
// The first bucket is that of min and the last that of max, and has one at least: what is
// between is written as the gaps between the rest or, where there are many, as counts.
const packVersion = 2

const (
	flagPlain     = 1 << iota // every run was ok
	flagTicks                 // one of the counters of ticks is not 0
	flagLatency               //
	flagPackets               //
	flagPhases                //
	flagEach                  // every run that was ok has a latency
	flagNeighbour             // as many differences as latencies
	flagBits      = iota
)

// numbered is a phase by its number.
type numbered struct {
	name uint64
	wire.Phase
}

// columns are what is known of the rollups before, in one blob. The zero value begins.
type columns struct {
	some        bool
	flags, runs uint64

	counts, ticks           column
	count, least, span, sum column
	diffs, diffSum          column
	expected                uint64 // the least latency
	sent, lost              column
	phases                  []numbered // of the previous one; counts only
	phase                   [wire.MaxHistoryPhase]phaseColumn
	list                    []numbered     // scratch
	latency                 wire.Latencies // of the one that is read
}

// phaseColumn expects a sum as it was before by run, or as the latencies are: whichever
// was better.
type phaseColumn struct {
	column
	sum, count     uint64 // of the previous one: µs, runs
	byMean, byLast uint64 // by how much either was off, eight times the mean
}

func (p *phaseColumn) expect(count uint64, l *wire.Latencies) uint64 {
	if l != nil && p.byLast <= p.byMean {
		return l.SumNS / 1000
	}
	return p.before(count)
}

// before is the previous one, for so many runs.
func (p *phaseColumn) before(count uint64) uint64 {
	if p.count == count || p.count == 0 {
		return p.sum
	}
	return p.sum / p.count * count
}

func (p *phaseColumn) learn(sum, count uint64, l *wire.Latencies) {
	off := func(x uint64) uint64 { return min(max(sum, x)-min(sum, x), meanMost/8) }
	p.byMean += off(p.before(count)) - p.byMean/8
	if l != nil {
		p.byLast += off(l.SumNS/1000) - p.byLast/8
	}
	p.sum, p.count = sum, count
}

// expectedSum is what latencies sum up to, by the other figures: those between the least
// and the greatest are in their middle.
func expectedSum(l *wire.Latencies) uint64 {
	return l.Count*l.MinNS + (l.MaxNS - l.MinNS) + (l.Count-2)*((l.MaxNS-l.MinNS)/2)
}

// expectedDiffs is what their differences sum up to.
func expectedDiffs(l *wire.Latencies) uint64 { return l.Diffs * ((l.MaxNS - l.MinNS) / 16 * 7) }

// write appends a rollup. list are its phases, by number.
func (c *columns) write(w *bitWriter, r *wire.Rollup, list []numbered) {
	l := r.Latency
	flags := uint64(0)
	set := func(flag uint64, is bool) {
		if is {
			flags |= flag
		}
	}
	set(flagPlain, r.OK == r.Runs)
	set(flagTicks, r.Covered|r.Skipped|r.Missed|r.Dropped|r.Late|r.Asked != 0)
	set(flagLatency, l != nil && l.Count > 0)
	set(flagPackets, r.Packets != nil)
	set(flagPhases, len(list) > 0)
	set(flagEach, l != nil && l.Count == r.OK)
	set(flagNeighbour, l != nil && l.Diffs == l.Count)
	if c.some && c.flags == flags && c.runs == r.Runs {
		w.put(1, 1)
	} else {
		w.put(0, 1)
		w.put(flags, flagBits)
		w.number(r.Runs)
		c.some, c.flags, c.runs = true, flags, r.Runs
	}
	if flags&flagPlain == 0 {
		for _, v := range [...]uint64{r.Failed, r.Broken, r.Slow} {
			c.counts.put(w, v)
		}
	}
	if flags&flagTicks != 0 {
		for _, v := range [...]uint64{r.Covered, r.CoveredOK, r.CoveredFailed, r.Skipped, r.Missed, r.Dropped, r.Late, r.Asked} {
			c.ticks.put(w, v)
		}
	}
	if flags&flagLatency != 0 {
		c.writeLatencies(w, l, flags)
	} else {
		l = nil
	}
	if flags&flagPackets != 0 {
		c.sent.signed(w, r.Packets.Sent, r.Runs)
		c.lost.put(w, r.Packets.Lost)
	}
	if flags&flagPhases != 0 {
		c.writePhases(w, r.OK, l, list)
	}
}

func (c *columns) writeLatencies(w *bitWriter, l *wire.Latencies, flags uint64) {
	if flags&flagEach == 0 {
		c.count.put(w, l.Count)
	}
	c.least.signed(w, l.MinNS, c.expected)
	c.expect(l.MinNS)
	if l.Count > 1 {
		c.span.put(w, l.MaxNS-l.MinNS)
	}
	if l.Count > 2 {
		c.sum.signed(w, l.SumNS, expectedSum(l))
	}
	if flags&flagNeighbour == 0 {
		c.diffs.put(w, l.Diffs)
	}
	c.diffSum.signed(w, l.DiffNS, expectedDiffs(l))
	if many := len(l.Buckets); many > 1 {
		writeBuckets(w, l.Buckets, l.Count-2)
	}
}

// expect notes a least latency: the next one is expected at the mean of the last ones.
func (c *columns) expect(least uint64) {
	if !c.some || c.expected == 0 {
		c.expected = least
		return
	}
	c.expected += uint64(int64(least-c.expected) >> 2) // #nosec G115 -- it wraps
}

// sparse says that gaps are written and not counts.
func sparse(left uint64, many int) bool { return left < uint64(many)/2 }

// gapBits is how many bits a gap between the rest of some buckets takes.
func gapBits(cells, left uint64) uint {
	return uint(max(0, bits.Len64(cells)-bits.Len64(left+1))) // that of their quotient, or so
}

// writeBuckets writes those but for one in the first and one in the last: left in all.
func writeBuckets(w *bitWriter, buckets []uint64, left uint64) {
	many := len(buckets)
	inner := func(i int) uint64 {
		if i == 0 || i == many-1 {
			return buckets[i] - 1
		}
		return buckets[i]
	}
	if sparse(left, many) {
		at := 0
		for i := range buckets {
			for range inner(i) {
				w.golomb(uint64(i-at), gapBits(uint64(many-at), left))
				at, left = i, left-1
			}
		}
		return
	}
	before := uint64(0)
	for i := 0; i < many-1 && left > 0; i++ {
		n := inner(i)
		w.golomb(n, countBits(before, left, many-i))
		before, left = (before+n+1)/2, left-n
	}
}

// countBits is how many bits a count takes that follows others.
func countBits(before, left uint64, cells int) uint {
	if left < 1<<24 && uint(cells) < uint(len(reciprocals)) { // nearly always, and exact: a division takes longer than all the rest
		return bitsOf((2*before + left*reciprocals[cells]>>40) / 3)
	}
	return bitsOf((2*before + left/uint64(cells)) / 3) // #nosec G115 -- over 0
}

// reciprocals are 1/n in parts of 2^40, rounded up: with them n divides what is under 2^24 exactly.
var reciprocals = func() (out [256]uint64) {
	for n := 1; n < len(out); n++ {
		out[n] = (1<<40 + uint64(n) - 1) / uint64(n)
	}
	return out
}()

func (c *columns) writePhases(w *bitWriter, ok uint64, l *wire.Latencies, list []numbered) {
	same := len(list) == len(c.phases)
	for i := range list {
		same = same && list[i].Count == ok && list[i].name == c.phases[i].name
	}
	if same {
		w.put(1, 1)
	} else {
		w.put(0, 1)
		w.number(uint64(len(list)))
		for _, p := range list {
			w.number(p.name)
			if p.Count == ok {
				w.put(1, 1)
			} else {
				w.put(0, 1)
				w.number(p.Count)
			}
		}
		c.phases = append(c.phases[:0], list...)
	}
	for i, p := range list {
		x := &c.phase[i]
		x.signed(w, p.SumUS, x.expect(p.Count, l))
		x.learn(p.SumUS, p.Count, l)
	}
}

// phasesOf lists the phases of a rollup by number.
func (n *Names) phasesOf(list []numbered, r *wire.Rollup) []numbered {
	for name, p := range r.Phases {
		list = append(list, numbered{n.number(name), p})
	}
	slices.SortFunc(list, func(a, b numbered) int { return cmp.Compare(a.name, b.name) })
	return list
}

// Minutes are those of one hour; nil is one without a result.
type Minutes [60]*wire.Rollup

const allMinutes = 1<<60 - 1

// AppendRollup packs a rollup.
func (n *Names) AppendRollup(b []byte, r *wire.Rollup) []byte {
	var c columns
	w := bitWriter{data: b}
	c.write(&w, r, n.phasesOf(nil, r))
	return w.done()
}

// Pack packs the minutes of an hour: a version, which minutes there are, and those.
func (n *Names) Pack(minutes *Minutes) []byte {
	there := uint64(0)
	for i, m := range minutes {
		if m != nil {
			there |= 1 << i
		}
	}
	w := packHead(there)
	var c columns
	for _, m := range minutes {
		if m != nil {
			c.list = n.phasesOf(c.list[:0], m)
			c.write(w, m, c.list)
		}
	}
	return w.done()
}

func packHead(there uint64) *bitWriter {
	w := &bitWriter{data: make([]byte, 0, 32+16*bits.OnesCount64(there))}
	w.put(packVersion, 8)
	if there == allMinutes {
		w.put(1, 1)
	} else {
		w.put(0, 1)
		w.put(there&(1<<30-1), 30)
		w.put(there>>30, 30)
	}
	return w
}

// Packer adds up pieces. It is for one goroutine, and keeps its memory.
type Packer struct{ sums [60]Sum }

// PackAll adds up packed pieces of an hour, and more, and packs the sum.
func (p *Packer) PackAll(n *Names, pieces [][]byte, more *Minutes) ([]byte, error) {
	if len(pieces) == 0 {
		return n.Pack(more), nil
	}
	sums := &p.sums
	for i := range sums {
		sums[i].Reset()
	}
	there := uint64(0)
	for _, data := range pieces {
		err := n.AddMinutes(data, func(i int) *Sum {
			there |= 1 << i
			return &sums[i]
		})
		if err != nil {
			return nil, err
		}
	}
	for i, m := range more {
		if m != nil {
			there |= 1 << i
			sums[i].merge(m, n)
		}
	}
	return packSums(sums[:], there), nil
}

// packSums packs the sums that there says.
func packSums(sums []Sum, there uint64) []byte {
	w := packHead(there)
	var c columns
	for i := range sums {
		if there&(1<<i) != 0 {
			c.list = sums[i].list(c.list[:0])
			c.write(w, &sums[i].Rollup, c.list)
		}
	}
	return w.done()
}

// ErrPacked says that packed history cannot be read.
var ErrPacked = errors.New("packed history is damaged")

// Whole says that the figures of a rollup fit each other, as those do that this package
// makes: others cannot be packed. Its buckets reach exactly from its least latency to its
// greatest.
func Whole(r *wire.Rollup) bool {
	l := r.Latency
	if l == nil {
		return true
	}
	many := len(l.Buckets)
	if l.Count == 1 && (l.MaxNS != l.MinNS || l.SumNS != l.MinNS) || l.Count == 2 && l.SumNS != l.MinNS+l.MaxNS {
		return false
	}
	return l.Count > 0 && many > 0 && l.Buckets[0] > 0 && l.Buckets[many-1] > 0 && l.Offset == Bucket(l.MinNS) && l.Offset+many-1 == Bucket(l.MaxNS) &&
		l.SumNS >= l.Count*l.MinNS
}

// Clone is a copy that shares nothing.
func Clone(r *wire.Rollup) *wire.Rollup {
	out := new(wire.Rollup)
	Merge(out, r)
	return out
}
