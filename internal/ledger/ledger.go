// Package ledger proves from the stream alone that nothing is missing: every
// result that an agent numbered is stored once, those of each monitor in order,
// and what is not there is stated in the result after it.
package ledger

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// Ledger is what a stream holds. The zero value is empty.
type Ledger struct {
	Stored  int
	Dropped uint64   // results that others state as lost
	Late    int      // results that say that they waited
	Faults  []string // what breaks the promise, at most 20

	seen  map[numbering]map[uint64]bool
	runs  map[monitor]uint64
	epoch map[string]string // by agent: of its last result
	lost  map[numbering]uint64
}

type (
	numbering struct{ agent, epoch string }
	monitor   struct {
		numbering
		name string
	}
)

// Read reads the stream of results from its beginning to what is there now.
// Deleted says that somebody emptied it: then a monitor may begin anywhere.
func Read(ctx context.Context, nc *nats.Conn, deleted bool) (*Ledger, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	t, err := tail.Open(ctx, js, wire.ResultsStream, tail.From{})
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	state := t.Stream().State
	l := &Ledger{}
	for more := state.Msgs > 0; more; {
		m, meta, err := t.Next()
		if err != nil {
			return nil, fmt.Errorf("read the stream after %d of %d: %w", l.Stored, state.Msgs, err)
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			return nil, err
		}
		l.add(r, deleted)
		more = meta.Sequence.Stream < state.LastSeq
	}
	return l, nil
}

func (l *Ledger) add(r wire.Result, anywhere bool) {
	if l.seen == nil {
		l.seen, l.runs = map[numbering]map[uint64]bool{}, map[monitor]uint64{}
		l.epoch, l.lost = map[string]string{}, map[numbering]uint64{}
	}
	l.Stored++
	l.Dropped += r.Dropped
	if r.LateNS > 0 {
		l.Late++
	}
	n := numbering{r.Agent, r.Epoch}
	if l.seen[n] == nil {
		l.seen[n] = map[uint64]bool{}
	}
	if l.seen[n][r.Seq] {
		l.fault("%s is stored twice", r.ID())
	}
	l.seen[n][r.Seq] = true
	l.lost[n] += r.Dropped
	l.epoch[r.Agent] = r.Epoch
	m := monitor{n, r.Monitor}
	before, known := l.runs[m]
	if want := before + r.Dropped + 1; r.Run != want && (known || !anywhere) {
		l.fault("%s: run %d of %s comes after run %d and states %d dropped", r.ID(), r.Run, r.Monitor, before, r.Dropped)
	}
	l.runs[m] = r.Run
}

func (l *Ledger) fault(format string, args ...any) {
	if len(l.Faults) < 20 {
		l.Faults = append(l.Faults, fmt.Sprintf(format, args...))
	}
}

// Epochs says how many numberings an agent used.
func (l *Ledger) Epochs(agent string) (n int) {
	for k := range l.seen {
		if k.agent == agent {
			n++
		}
	}
	return n
}

// Sent compares what the agent numbered in all, up to seq, with what is stored
// and stated as dropped. Unstated counts what the agent knows as dropped and
// could not yet state, because no result of that monitor came after it.
func (l *Ledger) Sent(agent, epoch string, seq, unstated uint64) {
	n := numbering{agent, epoch}
	have := uint64(len(l.seen[n]))
	if have+l.lost[n]+unstated != seq {
		l.fault("agent %s numbered %d results: %d are stored and %d are stated as dropped", agent, seq, have, l.lost[n]+unstated)
	}
}
