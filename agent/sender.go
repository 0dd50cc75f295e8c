package agent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent/spool"
	"netmon/wire"
)

const (
	window    = 1024        // results in flight, at most
	lookahead = 4096        // results read from the spool and not yet acknowledged
	lateAfter = time.Second // a result that waited longer says so
	// gather is the least time between two rounds of a sender that keeps up:
	// what comes meanwhile is written, published and flushed at once. At 1,000
	// results a second, each sent as it came cost three times the CPU.
	gather = 5 * time.Millisecond
)

// sender moves results from the spool to the stream, each once and those of
// one monitor in order.
//
// A result is taken out of the spool when the stream has acknowledged it. What
// was sent and not acknowledged may be stored or not: before anything of that
// monitor is sent again, the stream is asked for the last result it has of it.
// That answers the question because a monitor never has more results in flight
// than the link's round trip demands (one, up to 10 ms): what is stored of a
// monitor has no holes.
type sender struct {
	agent string
	spool *spool.Spool
	link  *link
	log   *slog.Logger
	// problem is told why results stay here, "" when they flow again.
	problem func(string)
	acked   chan struct{} // told after each acknowledgement; has room for one

	old      uint64 // up to this number another process may have sent results before us
	items    []*item
	queues   map[string]*queue // of items that are not acknowledged, by monitor
	window   int               // results that may be in flight now; grows while the broker keeps up
	flights  []*flight         // with results in flight, oldest first
	flying   int               // results in flight
	sent     time.Time         // when something was published last
	acks     *acks             // of the connection in use
	troubled bool              // problem was told of one
}

// item is one result on its way.
type item struct {
	spool.Record
	read   time.Time // from the spool
	queue  *queue
	flight *flight // nil when it is not in flight
	acked  bool
	// refused: the stream said so. One after it may be stored all the same, and
	// then does not say that this one is.
	refused bool
}

// queue is the results of one monitor, in order.
type queue struct {
	key    string
	items  []*item
	flying int
	doubt  bool // something may be stored that was not acknowledged
}

func newSender(agent string, s *spool.Spool, l *link, log *slog.Logger, problem func(string)) *sender {
	return &sender{agent: agent, spool: s, link: l, log: log, problem: problem, acked: make(chan struct{}, 1),
		old: s.Last(), queues: map[string]*queue{}, window: window / 4}
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
	defer func() { s.acks.close() }()
	pause := time.Duration(0)
	for ctx.Err() == nil {
		s.fill()
		if len(s.items) == 0 {
			select {
			case <-ctx.Done():
			case <-s.spool.Ready():
			}
			continue
		}
		nc := s.link.wait(ctx)
		if nc == nil {
			return
		}
		err := s.round(ctx, nc)
		if err == nil {
			pause = 0
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if nc.IsConnected() {
			s.troubled = true
			s.problem(fmt.Sprintf("the broker does not take results: %v", err))
		}
		pause = min(2*time.Second, max(100*time.Millisecond, 2*pause))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// fill reads ahead in the spool.
func (s *sender) fill() {
	if len(s.items) > lookahead/2 {
		return
	}
	records := s.spool.Read(lookahead - len(s.items))
	block := make([]item, len(records))
	now := time.Now()
	for i, r := range records {
		it := &block[i]
		if err := sendable(r); err != nil {
			s.log.Error("a record of the spool is no result and is left out", "seq", r.Seq, "error", err)
			*it = item{Record: r, read: now, queue: &queue{key: r.Key}, acked: true}
			it.queue.items = append(it.queue.items, it)
			s.items = append(s.items, it)
			continue
		}
		q := s.queues[r.Key]
		if q == nil {
			q = &queue{key: r.Key}
			s.queues[r.Key] = q
		}
		if r.Seq <= s.old && len(q.items) == 0 {
			q.doubt = true
		}
		*it = item{Record: r, read: now, queue: q}
		s.items = append(s.items, it)
		q.items = append(q.items, it)
	}
}

// sendable says why a record of the spool can never be sent: it would stop
// those behind it for good. The agent writes none like it.
func sendable(r spool.Record) error {
	if err := wire.CheckToken(r.Key); err != nil {
		return fmt.Errorf("its key %w", err)
	}
	if len(r.Data) > wire.MaxResult {
		return fmt.Errorf("it is %d bytes long: want at most %d", len(r.Data), wire.MaxResult)
	}
	return nil
}

// round publishes what may go, takes the acknowledgements that are there, and
// takes what is acknowledged out of the spool. It blocks when there is nothing
// else to do than wait for them.
func (s *sender) round(ctx context.Context, nc *nats.Conn) (err error) {
	defer func() {
		if err != nil {
			s.ground()
		}
		s.advance()
	}()
	if err := s.takeAcks(); err != nil {
		return err
	}
	if s.acks, err = s.acks.of(nc); err != nil {
		return err
	}
	depth := max(1, min(16, int(s.link.roundTrip()/(10*time.Millisecond))))
	batch, more := s.choose(depth)
	if asked, err := s.settle(ctx, nc, batch); err != nil || asked {
		return err // and choose again, without what turned out to be stored
	}
	if err := s.publish(nc, batch); err != nil {
		return err
	}
	if len(batch) == 0 || more {
		return s.awaitAcks(ctx, more)
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(s.sent.Add(gather))):
	}
	return s.takeAcks()
}

// choose picks the next results, in the order of the spool, so that at most
// depth of one monitor are in flight. more says that others have to wait for
// acknowledgements.
func (s *sender) choose(depth int) (batch []*item, more bool) {
	for _, it := range s.items {
		switch q := it.queue; {
		case it.acked || it.flight != nil:
		case s.flying+len(batch) >= s.window || q.flying >= depth:
			more = true
		default:
			q.flying++ // until all are chosen: publish counts what it sends
			batch = append(batch, it)
		}
		if s.flying+len(batch) >= s.window && more {
			break
		}
	}
	for _, it := range batch {
		it.queue.flying--
	}
	return batch, more
}

// settle asks the stream about the monitors in doubt, and marks what it has.
func (s *sender) settle(ctx context.Context, nc *nats.Conn, batch []*item) (asked bool, err error) {
	var ask []*queue
	for _, it := range batch {
		if q := it.queue; q.doubt {
			q.doubt = false // ask once for several of one monitor
			ask = append(ask, q)
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, 32)
	for _, q := range ask {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			last, found, lerr := lastStored(ctx, nc, s.agent, q.key)
			mu.Lock()
			defer mu.Unlock()
			if lerr != nil {
				q.doubt = true
				if err == nil {
					err = lerr
				}
				return
			}
			for _, it := range q.items {
				if found && !it.refused && it.Epoch == last.Epoch && it.Seq <= last.Seq {
					it.acked = true
				}
			}
		})
	}
	wg.Wait()
	return len(ask) > 0, err
}

// lastStored asks for the last result of one monitor in the stream, by the
// subject that says which: an agent may ask for its own and no others.
func lastStored(ctx context.Context, nc *nats.Conn, agent, monitor string) (r wire.Result, found bool, err error) {
	subject, err := wire.ResultSubject(agent, monitor)
	if err != nil {
		return wire.Result{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	msg, err := nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+wire.ResultsStream+"."+subject, nil)
	if err != nil {
		return wire.Result{}, false, fmt.Errorf("ask for the last stored result of %s: %w", monitor, err)
	}
	switch status := msg.Header.Get("Status"); status {
	case "":
	case "404":
		return wire.Result{}, false, nil
	default:
		return wire.Result{}, false, fmt.Errorf("ask for the last stored result of %s: %s %s", monitor, status, msg.Header.Get("Description"))
	}
	r, err = wire.DecodeResult(subject, msg.Data)
	if err != nil {
		return wire.Result{}, false, nil // not one of ours
	}
	return r, true, nil
}

// publish sends a batch. The connection flushes it by itself.
func (s *sender) publish(nc *nats.Conn, batch []*item) error {
	if len(batch) == 0 {
		return nil
	}
	s.sent = time.Now()
	f := &flight{begin: s.sent}
	s.flights = append(s.flights, f)
	id := []string{""}
	msg := nats.Msg{Header: nats.Header{jetstream.MsgIDHeader: id}}
	for _, it := range batch {
		subject, err := wire.ResultSubject(s.agent, it.Key)
		if err != nil {
			return err
		}
		seq := strconv.FormatUint(it.Seq, 10)
		id[0] = s.agent + "-" + it.Epoch + "-" + seq
		msg.Subject, msg.Reply, msg.Data = subject, s.acks.prefix+seq, stamp(it, s.sent)
		it.flight = f
		f.open++
		s.flying++
		it.queue.flying++
		if err := nc.PublishMsg(&msg); err != nil {
			return err
		}
	}
	return nil
}

// stamp adds to a result what is known only when it is sent: how late it is,
// and how many before it are lost. Its JSON object ends with "}".
func stamp(it *item, now time.Time) []byte {
	data := it.Data
	late := it.Waited + now.Sub(it.read)
	if late <= lateAfter && it.Dropped == 0 || len(data) == 0 {
		return data
	}
	out := append(make([]byte, 0, len(data)+64), data[:len(data)-1]...)
	if late > lateAfter {
		out = strconv.AppendInt(append(out, `,"late_ns":`...), int64(late), 10)
	}
	if it.Dropped > 0 {
		out = strconv.AppendUint(append(out, `,"dropped":`...), it.Dropped, 10)
	}
	return append(out, '}')
}

// advance takes what is acknowledged out of the spool, as far as there is no
// hole.
func (s *sender) advance() {
	n := 0
	for n < len(s.items) && s.items[n].acked {
		n++
	}
	if n == 0 {
		return
	}
	for _, it := range s.items[:n] {
		q := it.queue
		q.items = q.items[1:] // what is before it was acknowledged before it
		if len(q.items) == 0 && !q.doubt && s.queues[q.key] == q {
			delete(s.queues, q.key)
		}
	}
	s.spool.Done(s.items[n-1].Seq, n)
	s.items = slices.Delete(s.items, 0, n)
	if s.troubled {
		s.troubled = false
		s.problem("")
	}
	select {
	case s.acked <- struct{}{}:
	default:
	}
}
