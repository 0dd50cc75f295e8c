package history

import (
	"fmt"
	"math/bits"
	"slices"

	"netmon/wire"
)

// Sum adds up rollups, packed ones without unpacking them first. The zero value is
// nothing; Phases of its Rollup are there only after [Sum.Take].
type Sum struct {
	wire.Rollup
	Brief bool // without buckets and phases

	phases []wire.Phase // by number

	latency wire.Latencies // memory, for Reset
	packets wire.Packets
}

// usualBuckets is how many a sum has room for at first: those of two doublings.
const usualBuckets = 2 * Base

// Reset makes it nothing, and uses its memory again: what Take returned is overwritten.
func (s *Sum) Reset() {
	if s.Latency != nil {
		s.latency.Buckets = s.Latency.Buckets[:0]
	}
	clear(s.phases)
	s.Rollup = wire.Rollup{}
}

// Add adds a rollup.
func (s *Sum) Add(r *wire.Rollup) {
	if s.Brief {
		brief := *r
		brief.Phases = nil
		if r.Latency != nil {
			latency := *r.Latency
			latency.Buckets, latency.Offset = nil, 0
			brief.Latency = &latency
		}
		r = &brief
	}
	Merge(&s.Rollup, r)
}

// merge adds a rollup with its phases by number.
func (s *Sum) merge(r *wire.Rollup, n *Names) {
	for name, p := range r.Phases {
		sum := s.phase(n.number(name))
		sum.Count += p.Count
		sum.SumUS += p.SumUS
	}
	plain := *r
	plain.Phases = nil
	s.latencies()
	Merge(&s.Rollup, &plain)
	if s.Latency.Count == 0 {
		s.Latency = nil
	}
}

// Take is what was added up.
func (s *Sum) Take(n *Names) *wire.Rollup {
	names := n.All()
	for i, p := range s.phases {
		if p.Count == 0 {
			continue
		}
		if s.Phases == nil {
			s.Phases = make(map[string]wire.Phase, 4)
		}
		sum := s.Phases[names[i]]
		s.Phases[names[i]] = wire.Phase{Count: sum.Count + p.Count, SumUS: sum.SumUS + p.SumUS}
		s.phases[i] = wire.Phase{}
	}
	return &s.Rollup
}

func (s *Sum) phase(name uint64) *wire.Phase {
	if name >= uint64(len(s.phases)) {
		s.phases = append(s.phases, make([]wire.Phase, int(name)+1-len(s.phases))...) // #nosec G115 -- a number of a name
	}
	return &s.phases[name]
}

func (s *Sum) list(out []numbered) []numbered {
	for i, p := range s.phases {
		if p.Count > 0 {
			out = append(out, numbered{uint64(i), p}) // #nosec G115 -- not below 0
		}
	}
	return out
}

func (s *Sum) latencies() *wire.Latencies {
	if s.Latency == nil {
		if s.latency.Buckets == nil && !s.Brief {
			s.latency.Buckets = make([]uint64, 0, usualBuckets)
		}
		s.latency = wire.Latencies{Buckets: s.latency.Buckets[:0]}
		s.Latency = &s.latency
	}
	return s.Latency
}

// read adds the next rollup to into.
func (c *columns) read(r *bitReader, into *Sum, names *Names) error {
	if r.get(1) == 0 {
		c.some, c.flags, c.runs = true, r.get(flagBits), r.number()
	} else if !c.some {
		return fmt.Errorf("%w: the first is like one before", ErrPacked)
	}
	flags := c.flags
	var failed, broken, slow uint64
	if flags&flagPlain == 0 {
		failed, broken, slow = c.counts.get(r), c.counts.get(r), c.counts.get(r)
	}
	if failed > c.runs || broken > c.runs-failed || slow > failed {
		return fmt.Errorf("%w: %d runs, %d failed, %d slow, %d broken", ErrPacked, c.runs, failed, slow, broken)
	}
	ok := c.runs - failed - broken
	into.Runs += c.runs
	into.OK += ok
	into.Failed += failed
	into.Broken += broken
	into.Slow += slow
	if flags&flagTicks != 0 {
		for _, v := range [...]*uint64{&into.Covered, &into.CoveredOK, &into.CoveredFailed, &into.Skipped, &into.Missed, &into.Dropped, &into.Late, &into.Asked} {
			*v += c.ticks.get(r)
		}
	}
	var l *wire.Latencies
	if flags&flagLatency != 0 {
		c.latency = wire.Latencies{}
		l = &c.latency
		if !c.readLatencies(r, l, into, ok) {
			return fmt.Errorf("%w: latencies", ErrPacked)
		}
	}
	if flags&flagPackets != 0 {
		if into.Packets == nil {
			into.packets = wire.Packets{}
			into.Packets = &into.packets
		}
		into.Packets.Sent += c.sent.getSigned(r, c.runs)
		into.Packets.Lost += c.lost.get(r)
	}
	if flags&flagPhases != 0 {
		if err := c.readPhases(r, ok, l, into, names); err != nil {
			return err
		}
	}
	if r.bad {
		return fmt.Errorf("%w: it ends too soon", ErrPacked)
	}
	return nil
}

// readLatencies reads the figures over l and adds them to into. False says that they are damaged.
func (c *columns) readLatencies(r *bitReader, l *wire.Latencies, into *Sum, ok uint64) bool {
	if l.Count = ok; c.flags&flagEach == 0 {
		l.Count = c.count.get(r)
	}
	l.MinNS = c.least.getSigned(r, c.expected)
	c.expect(l.MinNS)
	l.MaxNS, l.SumNS = l.MinNS, l.MinNS
	if l.Count > 1 {
		l.MaxNS += c.span.get(r)
		l.SumNS += l.MaxNS
	}
	if l.Count > 2 {
		l.SumNS = c.sum.getSigned(r, expectedSum(l))
	}
	if l.Diffs = l.Count; c.flags&flagNeighbour == 0 {
		l.Diffs = c.diffs.get(r)
	}
	l.DiffNS = c.diffSum.getSigned(r, expectedDiffs(l))
	if l.Count == 0 || l.MaxNS < l.MinNS || r.bad {
		return false
	}
	first, last := Bucket(l.MinNS), Bucket(l.MaxNS)
	if first != last && l.Count < 2 {
		return false
	}
	sum := into.latencies()
	if sum.Count == 0 || l.MinNS < sum.MinNS {
		sum.MinNS = l.MinNS
	}
	sum.MaxNS = max(sum.MaxNS, l.MaxNS)
	sum.Count += l.Count
	sum.SumNS += l.SumNS
	sum.Diffs += l.Diffs
	sum.DiffNS += l.DiffNS
	var buckets []uint64
	if !into.Brief {
		if first < sum.Offset || last >= sum.Offset+len(sum.Buckets) {
			room(sum, last)
			room(sum, first)
		}
		buckets = sum.Buckets[first-sum.Offset:]
		if first == last {
			buckets[0] += l.Count
		} else {
			buckets[0]++
			buckets[last-first]++
		}
	}
	if first == last {
		return true
	}
	left, many := l.Count-2, last-first+1
	if sparse(left, many) {
		return r.gaps(buckets, left, many)
	}
	return r.counts(buckets, left, many)
}

func (c *columns) readPhases(r *bitReader, ok uint64, l *wire.Latencies, into *Sum, names *Names) error {
	same := r.get(1) != 0
	if !same {
		many := r.number()
		if many > wire.MaxHistoryPhase {
			return fmt.Errorf("%w: %d phases", ErrPacked, many)
		}
		c.phases = c.phases[:0]
		for range many {
			p := numbered{name: r.number()}
			if p.Count = ok; r.get(1) == 0 {
				p.Count = r.number()
			}
			if known := len(names.All()); p.name >= uint64(known) || slices.ContainsFunc(c.phases, func(o numbered) bool { return o.name >= p.name }) || p.Count == 0 {
				return fmt.Errorf("%w: phase %d of %d", ErrPacked, p.name, known)
			}
			c.phases = append(c.phases, p)
		}
	}
	if len(c.phases) == 0 || same && ok == 0 {
		return fmt.Errorf("%w: no phases", ErrPacked)
	}
	for i := range c.phases {
		p := &c.phases[i]
		count := p.Count
		if same {
			count = ok
		}
		x := &c.phase[i]
		us := x.getSigned(r, x.expect(count, l))
		x.learn(us, count, l)
		if !into.Brief {
			sum := into.phase(p.name)
			sum.Count += count
			sum.SumUS += us
		}
	}
	return nil
}

// unpackHead reads which minutes there are.
func unpackHead(data []byte) (bitReader, uint64, error) {
	r := bitReader{data: data}
	if version := r.get(8); version != packVersion {
		return r, 0, fmt.Errorf("%w: version %d of %d bytes, want %d", ErrPacked, version, len(data), packVersion)
	}
	there := uint64(allMinutes)
	if r.get(1) == 0 {
		there = r.get(30)
		there |= r.get(30) << 30
	}
	if r.bad {
		return r, 0, fmt.Errorf("%w: %d bytes", ErrPacked, len(data))
	}
	return r, there, nil
}

// AddMinutes adds each minute of a packed hour to the sum that of gives for it, in order.
// It gives nil for one that is in none.
func (n *Names) AddMinutes(data []byte, of func(minute int) *Sum) error {
	g, err := ungroup(data)
	if err != nil {
		return err
	}
	r, there, err := unpackHead(g.minutes)
	if err != nil {
		return err
	}
	var into targets
	for left := there; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		into[i] = of(i)
	}
	if g.size > 0 {
		if sums, groups, ok := into.whole(there, g.size); ok {
			if r, there, err = unpackHead(g.sums); err != nil {
				return err
			}
			if there != groups {
				return fmt.Errorf("%w: it has other sums than minutes", ErrPacked)
			}
			into = sums
		}
	}
	return n.addTo(&into, &r, there)
}

// addTo reads what there is, up to the last that somebody wants.
func (n *Names) addTo(into *targets, r *bitReader, there uint64) error {
	var c columns
	var none *Sum
	for ; there != 0; there &= there - 1 {
		sum := into[bits.TrailingZeros64(there)]
		if sum == nil {
			if !into.any(there) {
				return nil
			}
			if none == nil {
				none = new(Sum)
			}
			none.Reset()
			sum = none
		}
		if err := c.read(r, sum, n); err != nil {
			return err
		}
	}
	if r.left() {
		return fmt.Errorf("%w: there is something behind its end", ErrPacked)
	}
	return nil
}

// AddRollup adds a packed rollup to a sum.
func (n *Names) AddRollup(data []byte, into *Sum) error {
	var c columns
	r := bitReader{data: data}
	if err := c.read(&r, into, n); err != nil {
		return err
	}
	if r.left() {
		return fmt.Errorf("%w: there is something behind its end", ErrPacked)
	}
	return nil
}
