package broker

// Compression decides how many results fit into a size on disk, and the server's
// limit counts bytes before it. Here, and nowhere else, one becomes the other.
const (
	// mostSaved is how many bytes of results a byte of disk may be counted for, at
	// most. They compress better than that, but a limit that believes it leaves no
	// time to lower it again when an agent sends what does not compress.
	mostSaved = 4
	// enoughToMeasure is what the stream must hold before its compression is
	// believed, bytes: eight blocks. The one that is written to is not compressed.
	enoughToMeasure = 64 << 20
	// leastResults is what results may always take, bytes.
	leastResults = 16 << 20
)

// capacity is what is known about the stream of results and of its disk, bytes.
type capacity struct {
	asked   int64 // what results should take on disk; 0 where that is not ours to decide
	limit   int64 // of the stream, before compression
	counted int64 // what it holds, before compression
	onDisk  int64 // what its blocks take
	spare   int64 // what is free beyond what must stay free; below 0 it is missing
}

// saved is how many bytes of results a byte of disk holds, 1 to mostSaved.
func (c capacity) saved() float64 {
	if c.counted < enoughToMeasure || c.onDisk <= 0 {
		return 1
	}
	return min(mostSaved, max(1, float64(c.counted)/float64(c.onDisk)))
}

// next is the limit that the stream should have. A disk that is short of room comes
// first. Else the limit rises by what compression saves, as far as the disk has
// room for it, and falls again where less is saved than it was raised for. A limit
// that somebody else set higher stays. Small differences are not worth a change.
func (c capacity) next() int64 {
	switch {
	case c.spare < 0:
		return c.lowered()
	case c.asked <= 0 || c.limit <= 0 || c.limit > mostSaved*c.asked:
		return c.limit
	}
	next := int64(c.saved() * float64(min(c.asked, c.onDisk+c.spare)))
	if next > c.limit+c.limit/8 {
		return next
	}
	// What is on disk is more than was asked for.
	if over := c.onDisk - c.asked; over > c.asked/8 {
		return min(c.limit, max(c.asked, next))
	}
	return c.limit
}

// lowered is the limit with which as much becomes free as is missing. At least a
// twentieth goes, as disk becomes free by whole blocks, and at most half at once.
func (c capacity) lowered() int64 {
	part := 0.5
	if c.onDisk > 0 {
		part = min(part, max(0.05, float64(-c.spare)/float64(c.onDisk)))
	}
	return max(leastResults, c.counted-int64(part*float64(c.counted)))
}
