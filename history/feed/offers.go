package feed

import (
	"slices"
	"sync"
	"time"
)

const (
	// offeredMost is how many results may wait that were offered: a second of a busy
	// mesh, in 10 MB or so. Those that find no room are read from the stream.
	offeredMost = 10_000
	// offeredWithin is for how long nothing is offered before the stream is read: whoever
	// reads for the judge may be stuck.
	offeredWithin = 30 * time.Second
)

// Chunk is a piece of the stream RESULTS that somebody else read, and decoded.
type Chunk struct {
	Created time.Time // of the stream: its life
	After   uint64    // the stream has nothing between this sequence and the first result
	Results []Result  // one or more, in order; not to be changed
}

// behind are those over a sequence.
func (c Chunk) behind(last uint64) []Result {
	i, _ := slices.BinarySearchFunc(c.Results, last+1, func(r Result, seq uint64) int {
		switch {
		case r.Sequence < seq:
			return -1
		case r.Sequence > seq:
			return 1
		}
		return 0
	})
	return c.Results[i:]
}

// Offer gives results that were read and decoded for another purpose, so that the feeder
// need not do it again. It returns at once, whatever the file does: where too many wait
// it drops them, and the feeder reads them itself.
func (f *Feeder) Offer(c Chunk) { f.offers.put(c) }

// offers are chunks that wait.
type offers struct {
	woken chan struct{} // has room for one: there is something to take

	mu     sync.Mutex // guards what follows
	open   bool       // somebody takes them
	list   []Chunk
	queued int  // results
	most   int  // of these
	lost   bool // one found no room behind those that wait
}

func newOffers() *offers { return &offers{woken: make(chan struct{}, 1), most: offeredMost} }

func (o *offers) put(c Chunk) {
	o.mu.Lock()
	switch {
	case !o.open || len(c.Results) == 0:
	case o.lost || o.queued+len(c.Results) > o.most:
		o.lost = true // those behind it are of no use either
	default:
		o.list = append(o.list, c)
		o.queued += len(c.Results)
	}
	o.mu.Unlock()
	select {
	case o.woken <- struct{}{}:
	default:
	}
}

// next takes the oldest. Where there is none, lost says that one is missing next.
func (o *offers) next() (c Chunk, ok, lost bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == 0 {
		lost, o.lost = o.lost, false
		return c, false, lost
	}
	c = o.list[0]
	o.list[0] = Chunk{}
	o.queued -= len(c.Results)
	if o.list = o.list[1:]; len(o.list) == 0 {
		o.list = nil
	}
	return c, true, false
}

// behind takes the oldest that continues after a sequence; others go. Without one the
// stream is to be read on.
func (o *offers) behind(created time.Time, last uint64) (Chunk, bool) {
	for {
		c, ok, _ := o.next()
		if !ok || c.Created.Equal(created) && c.After <= last {
			return c, ok
		}
	}
}

// take says whether somebody takes them from now on.
func (o *offers) take(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open, o.list, o.queued, o.lost = open, nil, 0, false
}
