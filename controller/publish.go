package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// published is the last message of a subject of verdicts.
type published struct {
	sequence uint64
	verdict  verdict
}

// publisher writes verdicts down, each behind the previous one on its subject: who
// no longer leads cannot write. It continues while JetStream is unreachable, for as long as it
// takes.
type publisher struct {
	js  jetstream.JetStream
	log *slog.Logger

	last  map[string]published // by subject
	known map[string]time.Time // when what was there at the beginning was decided; it does not change

	mu     sync.Mutex // guards what follows
	queue  []verdict
	after  func()        // called when all of the queue is written
	wakeup chan struct{} // has room for one
}

// judged are the subjects of what the judge decides.
var judged = []string{"verdicts.*", wire.AllAgentVerdicts, wire.MeshVerdictSubject}

const (
	publishAtOnce = 500             // verdicts whose acknowledgements are waited for together
	publishWithin = 2 * time.Second // an acknowledgement, before it is looked what is there
)

// errFenced is the end of leading: somebody else judges, and wrote another verdict.
var errFenced = errors.New("another controller also judges, and was first")

func newPublisher(nc *nats.Conn, log *slog.Logger) (*publisher, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(publishAtOnce+1), jetstream.WithPublishAsyncTimeout(publishWithin))
	return &publisher{js: js, log: log, last: map[string]published{}, known: map[string]time.Time{}, wakeup: make(chan struct{}, 1)}, err
}

// load reads what is published.
func (p *publisher) load(ctx context.Context) error {
	t, err := tail.Open(ctx, p.js, wire.VerdictsStream, tail.From{Subjects: judged, Last: true})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", wire.VerdictsStream, err)
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", wire.VerdictsStream, err)
		}
		v, err := decodeVerdict(m.Subject, m.Data)
		if err != nil {
			p.log.Error("cannot read a verdict: the next one replaces it", "error", err)
		}
		p.last[m.Subject], p.known[m.Subject] = published{meta.Sequence.Stream, v}, v.at
	}
	return nil
}

// write notes verdicts to be written, in this order.
func (p *publisher) write(list ...verdict) {
	p.mu.Lock()
	p.queue = append(p.queue, list...)
	p.mu.Unlock()
	p.wake()
}

// then calls done once all that was noted so far is written, from another goroutine.
// There is one at a time.
func (p *publisher) then(done func()) {
	p.mu.Lock()
	p.after = done
	p.mu.Unlock()
	p.wake()
}

func (p *publisher) wake() {
	select {
	case p.wakeup <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, or somebody else does.
func (p *publisher) run(ctx context.Context) error {
	for {
		list, done := p.next()
		switch {
		case len(list) > 0:
			if err := p.writeAll(ctx, list); err != nil {
				return err
			}
			continue
		case done != nil:
			done()
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.wakeup:
		}
	}
}

// next is what can be written together: one verdict of each subject.
func (p *publisher) next() (list []verdict, done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[string]bool{}
	for len(list) < min(len(p.queue), publishAtOnce) && !seen[p.queue[len(list)].subject] {
		v := p.queue[len(list)]
		seen[v.subject] = true
		list = append(list, v)
	}
	if p.queue = p.queue[len(list):]; len(p.queue) == 0 {
		p.queue = nil
	}
	if len(list) == 0 {
		done, p.after = p.after, nil
	}
	return list, done
}

// writeAll writes one verdict of each of some subjects, and waits until they are stored.
func (p *publisher) writeAll(ctx context.Context, list []verdict) error {
	type sent struct {
		v    verdict
		m    *nats.Msg
		over uint64
		ack  jetstream.PubAckFuture
		err  error
	}
	all := make([]sent, 0, len(list))
	for _, v := range list {
		before := p.last[v.subject]
		v.number(before.verdict.n + 1)
		data, err := json.Marshal(v.body())
		if err == nil && len(data) > wire.MaxVerdict {
			err = fmt.Errorf("it is %d bytes long, want at most %d", len(data), wire.MaxVerdict)
		}
		if err != nil {
			p.log.Error("could not write a verdict", "subject", v.subject, "error", err)
			continue
		}
		s := sent{v: v, m: &nats.Msg{Subject: v.subject, Data: data}, over: before.sequence}
		s.ack, s.err = p.js.PublishMsgAsync(s.m, jetstream.WithExpectLastSequencePerSubject(s.over))
		all = append(all, s)
	}
	late, cancel := context.WithTimeout(ctx, 2*publishWithin) // the library does not say of each that its answer is late
	defer cancel()
	for _, s := range all {
		var at uint64
		if s.err == nil {
			select {
			case ack := <-s.ack.Ok():
				at = ack.Sequence
			case s.err = <-s.ack.Err():
			case <-late.Done():
				s.err = late.Err()
			}
		}
		if s.err != nil {
			var err error
			if at, err = p.again(ctx, s.m, s.over); err != nil {
				return fmt.Errorf("verdict %d on %s: %w", s.v.n, s.v.subject, err)
			}
		}
		p.last[s.v.subject] = published{at, s.v}
	}
	return nil
}

// again finds out what became of a message, and sends it until it is stored.
func (p *publisher) again(ctx context.Context, m *nats.Msg, over uint64) (at uint64, err error) {
	return storeOver(ctx, p.js, p.log, wire.VerdictsStream, m, over)
}
