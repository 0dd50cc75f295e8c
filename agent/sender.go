package agent

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent/spool"
	"netmon/wire"
)

const (
	window     = 256             // results in flight, at most
	lookahead  = 4096            // results read from the spool and not yet acknowledged
	ackTimeout = 5 * time.Second // a broker whose disk is full never answers at all
	lateAfter  = time.Second     // a result that waited longer says so
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

	old   uint64 // up to this number another process may have sent results before us
	items []*item
	byKey map[string][]*item // of items, in order, those not acknowledged
	doubt map[string]bool    // monitors of which something may be stored that was not acknowledged
	batch int                // results to send next; grows while the broker keeps up
	nc    *nats.Conn         // that js belongs to
	js    jetstream.JetStream
}

// item is one result on its way.
type item struct {
	spool.Record
	read  time.Time // from the spool
	acked bool
}

func newSender(agent string, s *spool.Spool, l *link, log *slog.Logger, problem func(string)) *sender {
	return &sender{agent: agent, spool: s, link: l, log: log, problem: problem, acked: make(chan struct{}, 1),
		old: s.Last(), byKey: map[string][]*item{}, doubt: map[string]bool{}, batch: window}
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
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
			s.problem("")
			pause = 0
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if nc.IsConnected() {
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
	now := time.Now()
	for _, r := range records {
		it := &item{Record: r, read: now}
		s.items = append(s.items, it)
		if err := sendable(r); err != nil {
			s.log.Error("a record of the spool is no result and is left out", "seq", r.Seq, "error", err)
			it.acked = true
			continue
		}
		if r.Seq <= s.old && len(s.byKey[r.Key]) == 0 {
			s.doubt[r.Key] = true
		}
		s.byKey[r.Key] = append(s.byKey[r.Key], it)
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

// round sends one batch, waits for its acknowledgements, and takes what is
// acknowledged out of the spool.
func (s *sender) round(ctx context.Context, nc *nats.Conn) error {
	depth := max(1, min(16, int(s.link.roundTrip()/(10*time.Millisecond))))
	batch := s.choose(depth)
	if err := s.settle(ctx, nc, batch); err != nil {
		return err
	}
	batch = s.choose(depth) // without what turned out to be stored
	begin := time.Now()
	err := s.send(ctx, nc, batch)
	s.pace(time.Since(begin), err)
	s.advance(batch)
	return err
}

// pace adapts the batch to the broker: one that is slow to acknowledge, because
// a thousand agents return to it at once, gets less from each of them.
func (s *sender) pace(took time.Duration, err error) {
	switch {
	case err != nil || took > time.Second:
		s.batch = max(8, s.batch/2)
	case took < 200*time.Millisecond:
		s.batch = min(window, 2*s.batch)
	}
}

// choose picks the next results, in the order of the spool, at most depth of
// one monitor.
func (s *sender) choose(depth int) []*item {
	var batch []*item
	of := map[string]int{}
	for _, it := range s.items {
		if len(batch) >= s.batch {
			break
		}
		if !it.acked && of[it.Key] < depth {
			of[it.Key]++
			batch = append(batch, it)
		}
	}
	return batch
}

// settle asks the stream about the monitors in doubt, and marks what it has.
func (s *sender) settle(ctx context.Context, nc *nats.Conn, batch []*item) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	slots := make(chan struct{}, 32)
	for _, it := range batch {
		if !s.doubt[it.Key] {
			continue
		}
		key := it.Key
		delete(s.doubt, key) // ask once for several of one monitor
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			last, found, err := lastStored(ctx, nc, s.agent, key)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.doubt[key] = true
				if first == nil {
					first = err
				}
				return
			}
			for _, it := range s.byKey[key] {
				if found && it.Epoch == last.Epoch && it.Seq <= last.Seq {
					it.acked = true
				}
			}
		})
	}
	wg.Wait()
	s.advance(batch)
	return first
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

// send publishes a batch and waits for the acknowledgement of each.
func (s *sender) send(ctx context.Context, nc *nats.Conn, batch []*item) error {
	if len(batch) == 0 {
		return nil
	}
	if s.js == nil || s.nc != nc {
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*window), jetstream.WithPublishAsyncTimeout(ackTimeout))
		if err != nil {
			return err
		}
		s.nc, s.js = nc, js
	}
	var first error
	futures := make([]jetstream.PubAckFuture, 0, len(batch))
	for _, it := range batch {
		f, err := s.publish(it)
		if err != nil {
			first = err
			break
		}
		futures = append(futures, f)
	}
	for i, f := range futures {
		err := awaitAck(ctx, f)
		if err == nil {
			batch[i].acked = true
			continue
		}
		s.doubt[batch[i].Key] = true
		if first == nil {
			first = err
		}
	}
	if first != nil {
		s.js.CleanupPublisher() // forget what is in flight
		s.js = nil
	}
	return first
}

func awaitAck(ctx context.Context, f jetstream.PubAckFuture) error {
	select {
	case <-f.Ok():
		return nil
	case err := <-f.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sender) publish(it *item) (jetstream.PubAckFuture, error) {
	subject, err := wire.ResultSubject(s.agent, it.Key)
	if err != nil {
		return nil, err
	}
	id := s.agent + "-" + it.Epoch + "-" + strconv.FormatUint(it.Seq, 10)
	msg := &nats.Msg{Subject: subject, Data: stamp(it, time.Now()), Header: nats.Header{jetstream.MsgIDHeader: {id}}}
	return s.js.PublishMsgAsync(msg, jetstream.WithRetryAttempts(0))
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
// hole, and out of the queues of the batch's monitors.
func (s *sender) advance(batch []*item) {
	n := 0
	for n < len(s.items) && s.items[n].acked {
		n++
	}
	for _, it := range batch {
		key, i := it.Key, 0
		queue := s.byKey[key]
		for i < len(queue) && queue[i].acked {
			i++
		}
		switch {
		case i == len(queue):
			delete(s.byKey, key)
		case i > 0:
			s.byKey[key] = queue[i:]
		}
	}
	if n == 0 {
		return
	}
	s.spool.Done(s.items[n-1].Seq, n)
	s.items = append(s.items[:0:0], s.items[n:]...)
	select {
	case s.acked <- struct{}{}:
	default:
	}
}
