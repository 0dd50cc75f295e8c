package history

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxRanges is how many ranges of numbers are remembered of an epoch.
const MaxRanges = 1024

// Numbers are those of the results of one epoch that were counted, as ranges: an agent
// numbers them without holes, so that there is mostly one.
type Numbers struct {
	ranges []span // ascending, never touching
}

type span struct{ from, to uint64 }

// Take says whether a number is new, and remembers it.
func (n *Numbers) Take(seq uint64) bool {
	last := len(n.ranges) - 1
	if last >= 0 && seq == n.ranges[last].to+1 { // nearly always
		n.ranges[last].to = seq
		return true
	}
	i, found := slices.BinarySearchFunc(n.ranges, seq, func(s span, seq uint64) int {
		switch {
		case s.to < seq:
			return -1
		case s.from > seq:
			return 1
		}
		return 0
	})
	if found {
		return false
	}
	if len(n.ranges) >= MaxRanges && i == 0 {
		return false // older than all that is remembered
	}
	n.ranges = slices.Insert(n.ranges, i, span{seq, seq})
	if i+1 < len(n.ranges) && n.ranges[i+1].from == seq+1 {
		n.ranges[i].to = n.ranges[i+1].to
		n.ranges = slices.Delete(n.ranges, i+1, i+2)
	}
	if i > 0 && n.ranges[i-1].to+1 == seq {
		n.ranges[i-1].to = n.ranges[i].to
		n.ranges = slices.Delete(n.ranges, i, i+1)
	}
	if len(n.ranges) > MaxRanges { // the oldest gap is closed
		n.ranges[1].from = n.ranges[0].from
		n.ranges = slices.Delete(n.ranges, 0, 1)
	}
	return true
}

// String is such as 1-4711,4713-5000.
func (n *Numbers) String() string {
	var b strings.Builder
	for i, r := range n.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(r.from, 10) + "-" + strconv.FormatUint(r.to, 10))
	}
	return b.String()
}

// ParseNumbers reads what String wrote.
func ParseNumbers(text string) (*Numbers, error) {
	n := new(Numbers)
	if text == "" {
		return n, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		a, b, _ := strings.Cut(part, "-")
		from, err := strconv.ParseUint(a, 10, 64)
		to, err2 := strconv.ParseUint(b, 10, 64)
		if err != nil || err2 != nil || to < from || len(n.ranges) > 0 && from <= n.ranges[len(n.ranges)-1].to+1 {
			return nil, fmt.Errorf("%q is no list of ranges such as 1-4711,4713-5000", text)
		}
		n.ranges = append(n.ranges, span{from, to})
	}
	return n, nil
}
