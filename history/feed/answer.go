package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

const (
	answerQueue  = "netmon-history" // of several controllers one answers
	answersMost  = 4                // at once
	answerWithin = 5 * time.Second
	waitingMost  = 256 // requests in all
	waitingOfOne = 16  // requests of one who asks
)

// answering takes requests of those who ask in turn: who asks much waits for itself.
type answering struct {
	f *Feeder

	mu      sync.Mutex // guards what follows
	ready   *sync.Cond
	waiting map[string][]*nats.Msg
	turns   []string       // who has requests waiting, in turn
	running map[string]int // requests of each that are being answered
	n       int            // that wait
	closed  bool
}

// answer answers questions until ctx ends, while this controller leads or is not far
// behind. What waits then is not answered.
func (f *Feeder) answer(ctx context.Context, nc *nats.Conn) {
	a := &answering{f: f, waiting: map[string][]*nats.Msg{}, running: map[string]int{}}
	a.ready = sync.NewCond(&a.mu)
	var workers sync.WaitGroup
	defer workers.Wait()
	for range answersMost {
		workers.Go(func() { a.work(ctx) })
	}
	var sub *nats.Subscription
	tick := time.NewTicker(look)
	defer tick.Stop()
	for ctx.Err() == nil {
		switch may := f.leads.Load() || f.status.near(); {
		case may && sub == nil:
			var err error
			if sub, err = nc.QueueSubscribe(wire.HistorySubject, answerQueue, a.add); err != nil {
				f.Log.Warn("questions about history are not answered", "error", err)
			}
		case !may && sub != nil:
			sub.Unsubscribe()
			sub = nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	if sub != nil {
		sub.Unsubscribe()
	}
	a.mu.Lock()
	a.closed = true
	a.ready.Broadcast()
	a.mu.Unlock()
}

// add has a request wait for its turn.
func (a *answering) add(m *nats.Msg) {
	if m.Reply == "" {
		return // nobody waits
	}
	who := askerOf(m)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch own := len(a.waiting[who]); {
	case own >= waitingOfOne:
		refuse(m, limited("%d requests of yours wait for an answer: wait for those first", own))
	case a.n >= waitingMost:
		refuse(m, limited("many ask for history: try again in a moment"))
	default:
		if own == 0 {
			a.turns = append(a.turns, who)
		}
		a.waiting[who] = append(a.waiting[who], m)
		a.n++
		a.ready.Signal()
	}
}

// next is the request whose turn it is, and whose; nil when it is over. One that answers
// is always left for others.
func (a *answering) next() (m *nats.Msg, who string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	may := func(who string) bool { return a.running[who] < answersMost-1 }
	i := -1
	for i = slices.IndexFunc(a.turns, may); i < 0 && !a.closed; i = slices.IndexFunc(a.turns, may) {
		a.ready.Wait()
	}
	if a.closed {
		return nil, ""
	}
	who = a.turns[i]
	a.turns = slices.Delete(a.turns, i, i+1)
	m = a.waiting[who][0]
	a.n--
	a.running[who]++
	if rest := a.waiting[who][1:]; len(rest) > 0 {
		a.waiting[who], a.turns = rest, append(a.turns, who)
	} else {
		delete(a.waiting, who)
	}
	return m, who
}

// done notes that a request was answered.
func (a *answering) done(who string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running[who]--; a.running[who] == 0 {
		delete(a.running, who)
	}
	a.ready.Signal()
}

func (a *answering) work(ctx context.Context) {
	for m, who := a.next(); m != nil; m, who = a.next() {
		within, cancel := context.WithTimeout(ctx, answerWithin)
		a.answer(within, m)
		cancel()
		a.done(who)
	}
}

func (a *answering) answer(ctx context.Context, m *nats.Msg) {
	q, err := wire.DecodeHistoryQuery(m.Data)
	if err != nil {
		refuse(m, wire.Invalid(err)[0])
		return
	}
	r, err := a.f.query(ctx, q)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		refuse(m, limited("the answer takes longer than %v: ask for fewer monitors, a shorter time or a longer step at once", answerWithin))
	case err != nil:
		a.f.Log.Warn("a question about history is not answered", "error", err)
		refuse(m, wire.Error{Code: wire.CodeInternal, Message: "this controller has no history to tell of now: " + err.Error()})
	default:
		m.Respond(r.Encode())
	}
}

// query asks the file.
func (f *Feeder) query(ctx context.Context, q wire.HistoryQuery) (wire.HistoryReply, error) {
	f.using.RLock()
	defer f.using.RUnlock()
	if f.file == nil {
		return wire.HistoryReply{}, errors.New(cmp.Or(f.status.why(), "it is not there yet"))
	}
	return f.file.Query(ctx, q)
}

// refuse says why there is no answer.
func refuse(m *nats.Msg, why wire.Error) {
	r := wire.HistoryReply{Error: &why}
	m.Respond(r.Encode())
}

func limited(format string, args ...any) wire.Error {
	return wire.Error{Code: wire.CodeLimit, Message: fmt.Sprintf(format, args...)}
}

// askerOf is who asks: whom the server names, else the connection's inbox.
func askerOf(m *nats.Msg) string {
	if name, _, err := identity.ByServer(m); err == nil {
		return name
	}
	to := m.Reply
	if i := strings.LastIndexByte(to, '.'); i > 0 {
		to = to[:i]
	}
	return "to " + to
}
