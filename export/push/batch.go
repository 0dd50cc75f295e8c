package push

import (
	"context"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Result is one message of the stream RESULTS. Destinations share it, and change nothing.
// Started is the agent's, unless its clock is wrong: see [correctTime].
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

	tags *savedTags // when it was made, so that each try has the same labels; nil: those of now
}

// Len is how much is in it.
func (b *Batch) Len() int { return len(b.Results) + len(b.Verdicts) }

// item is one result or verdict of a batch.
type item struct {
	at             time.Time
	agent, monitor string // the series; the agent is "" for a verdict
	result         *Result
	verdict        Verdict
}

func (b *Batch) items() []item {
	out := make([]item, 0, b.Len())
	for _, r := range b.Results {
		out = append(out, item{at: r.Started, agent: r.Agent, monitor: r.Monitor, result: r})
	}
	for _, v := range b.Verdicts {
		out = append(out, item{at: v.At, monitor: v.Monitor, verdict: v})
	}
	return out
}

// of is a batch with a part of the items.
func (b *Batch) of(items ...item) *Batch {
	out := &Batch{Again: b.Again, tags: b.tags}
	for i := range items {
		if items[i].result != nil {
			out.Results = append(out.Results, items[i].result)
		} else {
			out.Verdicts = append(out.Verdicts, items[i].verdict)
		}
	}
	return out
}

func (i *item) key() seriesKey { return seriesKey{i.agent, i.monitor} }

// sortBySeries orders items by agent, monitor and time.
func sortBySeries(items []item) {
	slices.SortStableFunc(items, func(a, b item) int {
		if n := strings.Compare(a.agent, b.agent); n != 0 {
			return n
		}
		if n := strings.Compare(a.monitor, b.monitor); n != 0 {
			return n
		}
		return a.at.Compare(b.at)
	})
}

// middle is where sorted items are cut in two: between two agents, else between two
// monitors, else anywhere.
func middle(items []item) int {
	same := func(a, b item) bool { return a.key() == b.key() }
	switch first, last := items[0], items[len(items)-1]; {
	case first.agent != last.agent:
		same = func(a, b item) bool { return a.agent == b.agent }
	case first.monitor == last.monitor:
		return len(items) / 2
	}
	for off := 0; ; off++ { // one of both ends is another series, so that it ends
		for _, at := range []int{len(items)/2 - off, len(items)/2 + off} {
			if at > 0 && at < len(items) && !same(items[at-1], items[at]) {
				return at
			}
		}
	}
}

// Sink sends to one receiver. It is used by one goroutine.
type Sink interface {
	// Send returns once the receiver acknowledged all of it. A [*Refusal] is for good,
	// [*Broken] ends the destination, and anything else is tried again.
	Send(ctx context.Context, b *Batch) error
}

// pinger is a sink that can send a request with nothing in it.
type pinger interface {
	ping(ctx context.Context) error
}
