package access

import (
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// How many requests may be on their way to a listener. A flood beyond that does
// not queue up here, nor in the server, which would cut this connection off: the
// server itself answers "no responders" and keeps nothing. Those who join ask
// again. Agents take it for "nobody has your id", so theirs are more: what one
// key sends is worked off in a tenth of a second.
const (
	creditJoins  = 2048
	creditClaims = 16384
)

// listener takes requests on a subject, a bounded number ahead. The server counts
// what it delivers and then forgets the subscription; halfway there is a next one.
type listener struct {
	nc      *nats.Conn
	subject string
	credit  int
	handle  func(*nats.Msg) // at times two at once

	mu      sync.Mutex // guards what follows
	stopped bool
	subs    []*nats.Subscription // the last two
}

// start subscribes.
func (l *listener) start() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return nil
	}
	var taken atomic.Int64
	sub, err := l.nc.QueueSubscribe(l.subject, queue, func(m *nats.Msg) {
		if taken.Add(1) == int64(l.credit/2) {
			if err := l.start(); err != nil { // the connection was closed, which Serve tells
				return
			}
		}
		if m.Reply != "" { // else nobody waits
			l.handle(m)
		}
	})
	if err == nil {
		err = sub.AutoUnsubscribe(l.credit)
	}
	if err != nil {
		return err
	}
	l.subs = append(l.subs[max(0, len(l.subs)-1):], sub)
	return nil
}

// stop accepts no more.
func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	for _, sub := range l.subs {
		sub.Unsubscribe() // of one that is used up: an error
	}
}
