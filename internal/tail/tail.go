// Package tail reads a stream in order, from some place on, and continues there after
// whatever happens to the broker: a restart, a server of a cluster that dies, a link
// that is cut, a stream that is recreated.
//
// It is the client library's ordered consumer with one difference. When a consumer has
// to be recreated, the library asks for one name until it gets it; a cluster takes
// most of a minute to notice that a server died silently, and a consumer that it
// places there meanwhile is not made and keeps its name, so that the reader hears
// nothing until that server is back. Here each attempt has a name of its own
// (docs/adr/0017).
package tail

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"netmon/internal/retry"
)

const (
	attempt  = retry.Try // for the broker to make a consumer
	pauseMin = 50 * time.Millisecond
	pauseMax = 2 * time.Second
	// forgetAfter is how long the broker keeps the consumer of a reader that is gone.
	forgetAfter = time.Minute
)

// From is where to begin. The zero value is the first message of the stream.
type From struct {
	Subjects []string  // only these; none is all
	New      bool      // after the last message that is stored now
	Last     bool      // the last message of each subject, then what comes
	After    uint64    // after the message of this number
	Since    time.Time // the first message stored then or later

	HeadersOnly bool // no data
	// Gather is how long what comes may be left with the broker once all was read, so that
	// much of it comes at once: each time costs both sides as much as reading ten messages.
	Gather time.Duration
}

// Tail reads one stream. It is for one goroutine.
type Tail struct {
	// Trouble, when not nil, is called with why nothing can be read although the broker
	// is there, once for each reason, and nil when it can be again.
	Trouble func(error)

	ctx    context.Context
	cancel context.CancelFunc
	js     jetstream.JetStream
	stream string
	from   From
	opened jetstream.StreamInfo
	left   uint64
	done   uint64 // number in the stream of the last message that was read
	nth    uint64 // and its number in this consumer
	back   chan struct{}

	watching sync.WaitGroup

	heard atomic.Int64 // when the broker was heard last, nanoseconds

	mu     sync.Mutex // guards what follows: who ends it is another goroutine
	p      *puller
	remove string // where the broker has to end the consumer; "" once it was
}

// Open begins to read, until ctx ends. Call Stop anyway, since it waits for
// what Open started. A broker that does not answer is waited for as by [retry.Do].
// Its errors are those of the library.
func Open(ctx context.Context, js jetstream.JetStream, stream string, from From) (*Tail, error) {
	t := &Tail{js: js, stream: stream, from: from, back: make(chan struct{}, 1)}
	t.ctx, t.cancel = context.WithCancel(ctx)
	if err := retry.Do(t.ctx, js.Conn(), t.make); err != nil {
		t.cancel()
		return nil, err
	}
	status := js.Conn().StatusChanged(nats.CONNECTED, nats.CLOSED)
	t.watching.Go(func() {
		defer js.Conn().RemoveStatusListener(status)
		t.watch(status)
	})
	return t, nil
}

// removeConsumer ends the consumer at the broker: an identity may have so many,
// and whoever reads often for a moment would use them up. There is no answer to
// wait for, since the connection may be closed next: else it goes after forget.
func (t *Tail) removeConsumer() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.remove != "" && t.js.Conn().IsConnected() {
		t.js.Conn().Publish(t.remove, nil)
	}
	t.remove = ""
}

// Stop ends the reading, and returns when all that Open started has ended: who
// called may close the connection then.
func (t *Tail) Stop() {
	t.cancel()
	t.watching.Wait()
}

// watch interrupts Next when there is a new connection in place of one that was
// lost, and ends the consumer when the reading ends.
func (t *Tail) watch(status <-chan nats.Status) {
	for {
		select {
		case <-t.ctx.Done():
			t.interrupt()
			t.removeConsumer()
			return
		case _, ok := <-status:
			if !ok {
				status = nil // the connection was closed: no more comes
			}
		}
		t.interrupt()
		select {
		case t.back <- struct{}{}:
		default:
		}
	}
}

// Left is how many messages there were to read when it was opened.
func (t *Tail) Left() uint64 { return t.left }

// Stream is what the broker said of the stream when it was opened, or was last
// opened again.
func (t *Tail) Stream() jetstream.StreamInfo { return t.opened }

// Heard is when the broker sent a message last, or said that there is none, by our
// clock. It may be asked by any goroutine. Where Next is not waiting, it stays.
func (t *Tail) Heard() time.Time { return time.Unix(0, t.heard.Load()) }

// Next waits for the next message. Its error is that of the context given to
// Open, or nats.ErrConnectionClosed.
func (t *Tail) Next() (*nats.Msg, *nats.MsgMetadata, error) {
	for {
		m, err := t.p.get(t.ctx)
		if err == nil {
			meta, err := m.Metadata()
			if err != nil {
				return nil, nil, err
			}
			if meta.Sequence.Consumer == t.nth+1 {
				t.nth, t.done = meta.Sequence.Consumer, meta.Sequence.Stream
				return m, meta, nil
			}
			// One was lost on a connection that broke.
		}
		if err := t.again(); err != nil {
			return nil, nil, err
		}
	}
}

// More says that the next message is here already.
func (t *Tail) More() bool {
	m := t.p.ready()
	return m != nil && m.Reply != ""
}

// again makes a consumer that continues behind the last message.
func (t *Tail) again() error {
	t.interrupt()
	told := ""
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		var err error
		nc := t.js.Conn()
		if nc.IsConnected() {
			try, cancel := context.WithTimeout(t.ctx, attempt)
			err = t.make(try)
			cancel()
		}
		switch {
		case t.ctx.Err() != nil:
			return t.ctx.Err()
		case nc.IsClosed():
			return nats.ErrConnectionClosed
		case err == nil && nc.IsConnected():
			if told != "" && t.Trouble != nil {
				t.Trouble(nil)
			}
			return nil
		case err != nil && nc.IsConnected() && t.Trouble != nil && err.Error() != told:
			told = err.Error()
			t.Trouble(err)
		}
		select {
		case <-t.ctx.Done():
		case <-t.back:
			pause = pauseMin
		case <-time.After(pause):
		}
	}
}

// make makes a consumer.
func (t *Tail) make(ctx context.Context) error {
	s, err := t.js.Stream(ctx, t.stream)
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	if !t.opened.Created.IsZero() && !info.Created.Equal(t.opened.Created) {
		t.from, t.done = From{Subjects: t.from.Subjects, HeadersOnly: t.from.HeadersOnly, Gather: t.from.Gather}, 0 // recreated: all of it is new
	}
	if t.from.New {
		t.from.New, t.from.After = false, info.State.LastSeq
	}
	cons, err := s.CreateConsumer(ctx, t.config())
	if err != nil {
		return err
	}
	prefix := strings.TrimSuffix(cmp.Or(t.js.Options().APIPrefix, jetstream.DefaultAPIPrefix), ".")
	name := t.stream + "." + cons.CachedInfo().Name
	p, err := newPuller(t.js.Conn(), prefix+".CONSUMER.MSG.NEXT."+name, t.from.Gather, &t.heard)
	if err != nil {
		return err
	}
	t.removeConsumer() // the earlier one
	t.mu.Lock()
	t.p, t.remove = p, prefix+".CONSUMER.DELETE."+name
	t.mu.Unlock()
	if t.opened.Created.IsZero() {
		t.left = cons.CachedInfo().NumPending
	}
	t.opened, t.nth = *info, 0
	t.heard.Store(time.Now().UnixNano())
	return nil
}

func (t *Tail) config() jetstream.ConsumerConfig {
	c := jetstream.ConsumerConfig{Name: nuid.Next(), AckPolicy: jetstream.AckNonePolicy, Replicas: 1, MemoryStorage: true, InactiveThreshold: forgetAfter,
		HeadersOnly: t.from.HeadersOnly}
	if len(t.from.Subjects) == 1 {
		c.FilterSubject = t.from.Subjects[0] // then it is part of the request's subject, which permissions are about
	} else {
		c.FilterSubjects = t.from.Subjects
	}
	switch {
	case t.done > 0:
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, t.done+1
	case t.from.Last:
		c.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
		if len(t.from.Subjects) == 0 {
			c.FilterSubject = ">"
		}
	case !t.from.Since.IsZero():
		c.DeliverPolicy, c.OptStartTime = jetstream.DeliverByStartTimePolicy, &t.from.Since
	case t.from.After > 0:
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, t.from.After+1
	}
	return c
}

// interrupt ends the puller, so that Next looks what is wrong.
func (t *Tail) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.p != nil {
		t.p.end()
	}
}
