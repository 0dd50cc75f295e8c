package agent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent/spool"
	"netmon/wire"
)

const (
	window    = 1024        // results in flight, at most
	lookahead = 4096        // results read from the spool and not yet acknowledged
	depthMost = 16          // results of one monitor in flight
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
// monitor has no holes. What the answer leaves open is sent again alone, under
// the id it had: see contest.
type sender struct {
	agent string
	spool *spool.Spool
	link  *link
	api   *reach
	log   *slog.Logger
	// problem is called with why results stay here, "" when they are sent again.
	problem func(string)
	acked   chan struct{} // signalled after each acknowledgement; has room for one
	ids     ids

	old      uint64 // up to this number another process may have sent results before us
	items    []*item
	queues   map[string]*queue // of items that are not acknowledged, by monitor
	window   int               // results that may be in flight now; grows while the broker keeps up
	batches  []*batch          // with results in flight, oldest first
	inFlight int               // results in flight
	looks    uint64            // calls of choose
	sent     time.Time         // when something was published last
	acks     *acks             // of the connection in use
	troubled bool              // problem was called with one
}

// item is one result on its way.
type item struct {
	spool.Record
	read  time.Time // from the spool
	queue *queue
	batch *batch // nil when it is not in flight
	acked bool
	tries uint32 // how often it was published
	// attempt is of its id: the ones before are used up by somebody else.
	attempt uint32
	// again: it may have been published under the id it has, and be stored.
	again     bool
	contested bool // its id is used, by itself or by somebody else
	// conditional: it is stored only if nothing of its monitor was since the stream was asked.
	conditional bool
	// hole: one after it may be stored although it is not, so that does not say
	// that it is.
	hole bool
	cuts int // how often it was shortened because the stream refused its size
}

// alone says that nothing else of its monitor may be in flight with it: the
// last result that is stored then shows for certain what became of it.
func (it *item) alone() bool { return it.again || it.conditional }

// queue is the results of one monitor, in order.
type queue struct {
	key       string
	items     []*item
	inFlight  int
	uncertain bool   // something may be stored that was not acknowledged
	last      uint64 // of its last message in the stream, when that was asked
	early     int    // results that an earlier process may have published
	held      uint64 // the look at which something has to go, or to come back, first
	lost      uint64 // results that could not be sent, to be stated in the next one that is read
}

func newSender(agent string, s *spool.Spool, l *link, api *reach, log *slog.Logger, problem func(string)) *sender {
	key, after := s.Secret()
	return &sender{agent: agent, spool: s, link: l, api: api, log: log, problem: problem, acked: make(chan struct{}, 1), ids: newIDs(agent, key, after),
		old: s.Last(), queues: map[string]*queue{}, window: window / 4}
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
	defer func() { s.acks.close() }()
	pause := time.Duration(0)
	for ctx.Err() == nil {
		s.readSpool()
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
			s.problem(fmt.Sprintf("the broker does not accept results: %v", err))
		}
		pause = min(2*time.Second, max(100*time.Millisecond, 2*pause))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// readSpool reads ahead in the spool.
func (s *sender) readSpool() {
	if len(s.items) > lookahead/2 {
		return
	}
	records := s.spool.Read(lookahead - len(s.items))
	block := make([]item, len(records))
	now := time.Now()
	for i, r := range records {
		it := &block[i]
		data, err := sendable(s.agent, r)
		if err != nil {
			s.log.Error("skipped a record of the spool that is not a result", "seq", r.Seq, "error", err)
			*it = item{Record: r, read: now, queue: &queue{key: r.Key}, acked: true}
			it.queue.items = append(it.queue.items, it)
			s.items = append(s.items, it)
			if wire.CheckToken(r.Key) == nil {
				s.queueOf(r.Key).lose(r.Dropped+1, r.Seq)
			}
			continue
		}
		r.Data = data
		q := s.queueOf(r.Key)
		if r.Seq <= s.old && len(q.items) == 0 {
			q.uncertain = true
		}
		r.Dropped, q.lost = r.Dropped+q.lost, 0
		*it = item{Record: r, read: now, queue: q}
		s.items = append(s.items, it)
		q.items = append(q.items, it)
	}
}

func (s *sender) queueOf(key string) *queue {
	q := s.queues[key]
	if q == nil {
		q = &queue{key: key}
		s.queues[key] = q
	}
	return q
}

// lose has the next result that was not published yet say that n are missing before it.
func (q *queue) lose(n, seq uint64) {
	for _, it := range q.items {
		if it.Seq > seq && it.tries == 0 {
			it.Dropped += n
			return
		}
	}
	q.lost += n
}

// round publishes what may go, takes the acknowledgements that are there, and
// takes what is acknowledged out of the spool. It blocks when there is nothing
// else to do than wait for them.
func (s *sender) round(ctx context.Context, nc *nats.Conn) (err error) {
	defer func() {
		if err != nil {
			s.abandon()
		}
		s.advance()
	}()
	if err := s.drainAcks(); err != nil {
		return err
	}
	if s.acks, err = s.acks.of(nc); err != nil {
		return err
	}
	depth := max(1, min(depthMost, int(s.link.roundTrip()/(10*time.Millisecond))))
	chosen, more := s.choose(depth)
	if asked, err := s.reconcile(ctx, nc, chosen); err != nil || asked {
		return err // and choose again, without what turned out to be stored
	}
	if err := s.publish(nc, chosen); err != nil {
		return err
	}
	if len(chosen) == 0 || more {
		return s.awaitAcks(ctx, more)
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(s.sent.Add(gather))):
	}
	return s.drainAcks()
}

// choose picks the next results, in the order of the spool, so that at most
// depth of one monitor are in flight, and those that have to be alone are. more
// says that others have to wait for acknowledgements.
func (s *sender) choose(depth int) (chosen []*item, more bool) {
	s.looks++
	for _, it := range s.items {
		q := it.queue
		switch {
		case it.acked:
			continue
		case it.batch != nil:
			if it.alone() {
				q.held = s.looks
			}
			continue
		case q.held == s.looks:
			more = true
			continue
		}
		// Before the stream has acknowledged anything of a monitor, an earlier
		// process may have had as many in flight as are allowed.
		if it.tries == 0 && !it.again && it.Seq <= s.old && q.early < depthMost {
			it.again = true
			q.early++
		}
		if s.inFlight+len(chosen) >= s.window || q.inFlight >= depth || it.alone() && q.inFlight > 0 {
			more = true
			q.held = s.looks // nothing of its monitor overtakes it
			if s.inFlight+len(chosen) >= s.window {
				break
			}
			continue
		}
		if it.alone() {
			q.held = s.looks
		}
		q.inFlight++ // until all are chosen: publish counts what it sends
		chosen = append(chosen, it)
	}
	for _, it := range chosen {
		it.queue.inFlight--
	}
	return chosen, more
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
		if len(q.items) == 0 && !q.uncertain && q.lost == 0 && s.queues[q.key] == q {
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
