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
	"netmon/internal/cputime"
	"netmon/wire"
)

const (
	answerQueue  = "netmon-history" // of several controllers one answers
	answersMost  = 4                // at once
	answerWithin = 5 * time.Second
	waitingMost  = 256 // requests in all
	waitingOfOne = 16  // requests of one who asks
)

// request is one that waits for an answer.
type request struct {
	*nats.Msg
	came time.Time
}

// answering takes requests of those who ask in turn: who asks much waits for itself, and
// who took more than his share of the CPU until he has some again.
type answering struct {
	answer func(context.Context, *nats.Msg) (took time.Duration) // of CPU time
	refuse func(*nats.Msg, wire.HistoryReply)

	mu      sync.Mutex // guards what follows
	ready   *sync.Cond
	waiting map[string][]request
	turns   []string       // who has requests waiting, in turn
	running map[string]int // requests of each that are being answered
	shares  *shares
	later   *time.Timer // looks whose turn it is, once there is something to spend
	n       int         // that wait
	closed  bool
}

func newAnswering(f *Feeder) *answering {
	a := &answering{answer: f.respond, refuse: refuse, waiting: map[string][]request{}, running: map[string]int{}, shares: newShares(time.Now())}
	a.ready = sync.NewCond(&a.mu)
	return a
}

// answer answers questions until ctx ends, while this controller leads or is not far
// behind. What waits then is not answered.
func (f *Feeder) answer(ctx context.Context, nc *nats.Conn) {
	a := newAnswering(f)
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
	a.close()
}

func (a *answering) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.later != nil {
		a.later.Stop()
	}
	a.ready.Broadcast()
}

// add has a request wait for its turn.
func (a *answering) add(m *nats.Msg) {
	if m.Reply == "" {
		return // nobody waits
	}
	who, now := askerOf(m), time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch own := len(a.waiting[who]); {
	case own >= waitingOfOne:
		a.refuse(m, limited("%d requests of yours wait for an answer: wait for those first", own))
	case a.n >= waitingMost:
		a.refuse(m, limited("many ask for history: try again in a moment"))
	case a.late(m, who, now, now):
	default:
		if own == 0 {
			a.turns = append(a.turns, who)
		}
		a.waiting[who] = append(a.waiting[who], request{m, now})
		a.n++
		a.ready.Signal()
	}
}

// late refuses a request that would wait for longer than whoever asked does.
func (a *answering) late(m *nats.Msg, who string, came, now time.Time) bool {
	wait, own := a.shares.wait(who, now)
	switch {
	case now.Sub(came)+wait <= waitMost:
		return false
	case own:
		a.refuse(m, again(wait, limited("your questions about history took more than their share of the CPU: ask again in %s, and for less at once", seconds(wait))))
	default:
		a.refuse(m, again(wait, limited("questions about history took more than their share of the CPU, and others wait, too: ask again in %s", seconds(wait))))
	}
	return true
}

// seconds is a time to wait, in whole ones.
func seconds(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}

// next is the request whose turn it is, and whose; nil when it is over. One that answers
// is always left for others.
func (a *answering) next() (m *nats.Msg, who string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.closed {
		i, wait := a.turn(time.Now())
		if i >= 0 {
			return a.take(i)
		}
		if wait > 0 {
			a.wake(wait)
		}
		a.ready.Wait()
	}
	return nil, ""
}

// turn finds whose turn it is. Where there is nobody, wait says when somebody has something to spend.
func (a *answering) turn(now time.Time) (i int, wait time.Duration) {
	a.refuseLate(now)
	for i, who := range a.turns {
		if a.running[who] >= answersMost-1 {
			continue
		}
		d, _ := a.shares.wait(who, now)
		if d == 0 {
			return i, 0
		}
		if wait == 0 || d < wait {
			wait = d
		}
	}
	return -1, wait
}

// refuseLate refuses what waits already for too long.
func (a *answering) refuseLate(now time.Time) {
	for _, who := range slices.Clone(a.turns) {
		list := slices.DeleteFunc(a.waiting[who], func(x request) bool { return a.late(x.Msg, who, x.came, now) })
		a.n -= len(a.waiting[who]) - len(list)
		a.keep(who, list)
		if len(list) == 0 {
			a.turns = slices.DeleteFunc(a.turns, func(name string) bool { return name == who })
		}
	}
}

func (a *answering) keep(who string, list []request) {
	if len(list) == 0 {
		delete(a.waiting, who)
		return
	}
	a.waiting[who] = list
}

// wake has somebody look again after a while.
func (a *answering) wake(after time.Duration) {
	if a.later != nil {
		a.later.Stop()
	}
	a.later = time.AfterFunc(after, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ready.Broadcast()
	})
}

// take takes the request of a turn.
func (a *answering) take(i int) (*nats.Msg, string) {
	who := a.turns[i]
	list := a.waiting[who]
	a.turns = slices.Delete(a.turns, i, i+1)
	if a.keep(who, list[1:]); len(list) > 1 {
		a.turns = append(a.turns, who)
	}
	a.n--
	a.running[who]++
	return list[0].Msg, who
}

// done notes that a request was answered, and what that took.
func (a *answering) done(who string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running[who]--; a.running[who] == 0 {
		delete(a.running, who)
	}
	a.shares.spend(who, took, time.Now())
	a.ready.Signal()
}

func (a *answering) work(ctx context.Context) {
	for m, who := a.next(); m != nil; m, who = a.next() {
		within, cancel := context.WithTimeout(ctx, answerWithin)
		took := a.answer(within, m)
		cancel()
		a.done(who, took)
	}
}

// respond answers a request, and says how much CPU time that took.
func (f *Feeder) respond(ctx context.Context, m *nats.Msg) (took time.Duration) {
	var beside time.Duration
	took = cputime.Of(func() { beside = f.respondTo(ctx, m) })
	return took + beside
}

// respondTo says how much CPU time others took.
func (f *Feeder) respondTo(ctx context.Context, m *nats.Msg) (beside time.Duration) {
	q, err := wire.DecodeHistoryQuery(m.Data)
	if err != nil {
		refuse(m, wire.HistoryReply{Error: &wire.Invalid(err)[0]})
		return 0
	}
	r, beside, err := f.ask(ctx, q)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		refuse(m, limited("the answer takes longer than %v: ask for fewer monitors, a shorter time or a longer step at once", answerWithin))
	case err != nil:
		f.Log.Warn("a question about history is not answered", "error", err)
		refuse(m, refusal(wire.CodeInternal, "this controller has no history to tell of now: "+err.Error()))
	default:
		m.Respond(r.Encode())
	}
	return beside
}

// query asks the file.
func (f *Feeder) query(ctx context.Context, q wire.HistoryQuery) (wire.HistoryReply, error) {
	r, _, err := f.ask(ctx, q)
	return r, err
}

// ask asks the file, and says how much CPU time others took for the answer.
func (f *Feeder) ask(ctx context.Context, q wire.HistoryQuery) (r wire.HistoryReply, beside time.Duration, err error) {
	f.using.RLock()
	defer f.using.RUnlock()
	if f.file == nil {
		return r, 0, errors.New(cmp.Or(f.status.why(), "it is not there yet"))
	}
	return f.file.QueryCounted(ctx, q)
}

// refuse says why there is no answer.
func refuse(m *nats.Msg, why wire.HistoryReply) { m.Respond(why.Encode()) }

func refusal(code wire.Code, message string) wire.HistoryReply {
	return wire.HistoryReply{Error: &wire.Error{Code: code, Message: message}}
}

func limited(format string, args ...any) wire.HistoryReply {
	return refusal(wire.CodeLimit, fmt.Sprintf(format, args...))
}

// again is a refusal that says when the question may be answered.
func again(wait time.Duration, why wire.HistoryReply) wire.HistoryReply {
	why.Again = wire.Duration(seconds(wait))
	return why
}

// askerOf is who asks: whom the server names, else the connection's inbox.
func askerOf(m *nats.Msg) string {
	if who, err := identity.ByServer(m); err == nil {
		return who.Name
	}
	to := m.Reply
	if i := strings.LastIndexByte(to, '.'); i > 0 {
		to = to[:i]
	}
	return "to " + to
}
