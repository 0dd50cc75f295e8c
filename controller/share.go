package controller

import (
	"time"

	"netmon/wire"
)

// Reading is what the judge's reader has read of the stream RESULTS at once, decoded: all
// that the stream has behind one message up to another.
type Reading struct {
	Created time.Time // of the stream: its life
	After   uint64    // sequence of the message that was read before
	Results []Read    // one or more, in order
}

// Read is one message of the stream.
type Read struct {
	*wire.Result           // nil where it cannot be read; not to be changed
	Sequence     uint64    // in the stream
	Stored       time.Time // when it was stored
	Pending      uint64    // results that were stored behind it when it was read
}

// Share has take called with all that the judge's reader reads while this controller leads,
// so that nobody has to read and decode it again. It is called before the judge has it,
// and must return at once. Call it before [Controller.Run].
func (c *Controller) Share(take func(Reading)) { c.share = take }

// shareRead hands on a chunk that was read.
func (f *feed) shareRead(created time.Time, chunk []fact) {
	if f.share == nil {
		return
	}
	if !created.Equal(f.created) || f.last == 0 {
		f.created, f.last = created, chunk[0].number-1
	}
	r := Reading{Created: created, After: f.last, Results: make([]Read, len(chunk))}
	for i := range chunk {
		x := &chunk[i]
		r.Results[i] = Read{Result: x.result, Sequence: x.number, Stored: x.at, Pending: x.pending}
	}
	f.last = chunk[len(chunk)-1].number
	f.share(r)
}
