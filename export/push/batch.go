package push

import (
	"context"
	"time"

	"netmon/wire"
)

// Result is one message of the stream RESULTS. Destinations share it, and change nothing.
type Result struct {
	wire.Result
	Sequence uint64    // in the stream
	Data     []byte    // the message as it is stored
	life     time.Time // of the stream: when it was created
}

// size is about how much memory it takes, bytes.
func (r *Result) size() int { return len(r.Data) + 512 }

// Verdict is the state of a monitor at a moment: a change, or that it still is so.
type Verdict struct {
	Monitor  string
	State    wire.VerdictState
	At       time.Time
	Change   *wire.Verdict // nil where the state is only repeated
	Sequence uint64        // of the change, in the stream
	Data     []byte        // of the change, as it is stored
}

// Batch is what is sent at once, in the order of the streams.
type Batch struct {
	Results  []*Result
	Verdicts []Verdict
	Again    bool // an earlier try may have been taken
}

// Len is how much is in it.
func (b *Batch) Len() int { return len(b.Results) + len(b.Verdicts) }

// halves cuts it in two that are in order, one after the other.
func (b *Batch) halves() [2]*Batch {
	r, v := len(b.Results)/2, len(b.Verdicts)/2
	if len(b.Results) == 1 {
		r, v = 1, 0
	}
	if len(b.Verdicts) == 1 && r == 0 {
		r = len(b.Results)
	}
	return [2]*Batch{
		{Results: b.Results[:r], Verdicts: b.Verdicts[:v], Again: b.Again},
		{Results: b.Results[r:], Verdicts: b.Verdicts[v:], Again: b.Again},
	}
}

// Sink sends to one receiver. It is used by one goroutine.
type Sink interface {
	// Send returns once the receiver acknowledged all of it. A [*Refusal] is for good,
	// [*Broken] ends the destination, and anything else is tried again.
	Send(ctx context.Context, b *Batch) error
}
