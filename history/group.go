package history

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// What is packed may have sums in front, each of so many minutes: whoever adds up longer
// times than that reads the sums alone.
//
//	1 byte:  groupVersion
//	1 byte:  how many minutes a sum has; sum 0 is of the first ones
//	uvarint: bytes of the packed sums
//	the packed sums, and then the packed minutes
//
// Where minutes of one group go into several sums, the minutes are read.
const groupVersion = 3

// GroupMinutes is how many minutes a sum has that stands in front of packed minutes: most
// steps of less than an hour that people choose are multiples of it. With ten of them a
// sixth is added to what an hour takes.
const GroupMinutes = 10

// grouped is packed minutes, with their sums where size is not 0.
type grouped struct {
	size          int
	sums, minutes []byte
}

func ungroup(data []byte) (grouped, error) {
	if len(data) == 0 || data[0] != groupVersion {
		return grouped{minutes: data}, nil
	}
	if len(data) > 2 {
		length, n := binary.Uvarint(data[2:])
		if rest := data[2+max(n, 0):]; n > 0 && length < uint64(len(rest)) && data[1] > 0 {
			return grouped{int(data[1]), rest[:length:length], rest[length:]}, nil
		}
	}
	return grouped{}, fmt.Errorf("%w: its sums reach beyond its end", ErrPacked)
}

// group puts sums of so many minutes each in front of packed minutes, which may have
// others. sums are memory for them, as many as there may be.
func (n *Names) group(packed []byte, size int, sums []Sum) ([]byte, error) {
	g, err := ungroup(packed)
	if err != nil {
		return nil, err
	}
	for i := range sums {
		sums[i].Reset()
	}
	there := uint64(0)
	err = n.AddMinutes(g.minutes, func(i int) *Sum {
		i /= size
		there |= 1 << i
		return &sums[i]
	})
	if err != nil {
		return nil, err
	}
	front := packSums(sums, there)
	out := make([]byte, 0, 2+binary.MaxVarintLen16+len(front)+len(g.minutes))
	out = append(out, groupVersion, byte(size)) // #nosec G115 -- under 60
	out = binary.AppendUvarint(out, uint64(len(front)))
	return append(append(out, front...), g.minutes...), nil
}

// Group puts sums of [GroupMinutes] each in front of packed minutes.
func (p *Packer) Group(n *Names, packed []byte) ([]byte, error) {
	return n.group(packed, GroupMinutes, p.sums[:60/GroupMinutes])
}

// targets are the sums that packed minutes go into.
type targets [60]*Sum

// whole says of the minutes that there are whether all of each group go into one sum, and
// into which, by group.
func (t *targets) whole(there uint64, size int) (of targets, groups uint64, ok bool) {
	for ; there != 0; there &= there - 1 {
		i := bits.TrailingZeros64(there)
		g := i / size
		if groups&(1<<g) != 0 && of[g] != t[i] {
			return of, 0, false
		}
		groups |= 1 << g
		of[g] = t[i]
	}
	return of, groups, true
}

// any says that somebody wants one of those that there are.
func (t *targets) any(there uint64) bool {
	for ; there != 0; there &= there - 1 {
		if t[bits.TrailingZeros64(there)] != nil {
			return true
		}
	}
	return false
}
