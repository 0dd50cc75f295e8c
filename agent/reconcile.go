package agent

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/retry"
	"netmon/wire"
)

// This file is about results of which it is not known whether they are stored.

// contest takes the stream's word that another message has a result's id.
//
// At the first try of an id that is somebody else's message: nobody but us
// computes ids. The result gets another one. A result that may have been
// published before may be that message itself: the stream is asked, and where
// it has no such result, that gets another id, too. It is then stored only if
// the last message of its monitor is still the one we know of, which the
// leader of the stream decides: a copy of an old answer cannot make it stored
// twice.
func (s *sender) contest(it *item) {
	if it.again {
		it.contested, it.queue.uncertain = true, true
		return
	}
	it.hole = it.hole || it.passed()
	s.rename(it)
}

func (s *sender) rename(it *item) {
	it.attempt++
	s.log.Warn("somebody else used the id of a result: sending it under a new one", "monitor", it.Key, "seq", it.Seq)
}

// passed says that a later result of the monitor may be stored already.
func (it *item) passed() bool {
	behind := false
	for _, x := range it.queue.items {
		if behind && (x.acked || x.again || x.tries > 0) {
			return true
		}
		behind = behind || x == it
	}
	return false
}

// reconcile asks the stream for the last result of each uncertain monitor, and marks
// what it has stored.
func (s *sender) reconcile(ctx context.Context, nc *nats.Conn, items []*item) (asked bool, err error) {
	var ask []*queue
	for _, it := range items {
		if q := it.queue; q.uncertain {
			q.uncertain = false // ask once for several of one monitor
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
			last, at, lerr := s.lastStored(ctx, nc, q.key)
			mu.Lock()
			defer mu.Unlock()
			if lerr != nil {
				q.uncertain = true
				if err == nil {
					err = lerr
				}
				return
			}
			q.last = at
			for _, it := range q.items {
				s.decide(it, last)
			}
		})
	}
	wg.Wait()
	return len(ask) > 0, err
}

// decide says of one result whether it is stored, by the last one that is.
func (s *sender) decide(it *item, last wire.Result) {
	if it.Epoch == last.Epoch && (it.Seq == last.Seq || it.Seq < last.Seq && !it.hole) {
		it.acked = true
	}
	if it.contested && !it.acked {
		it.conditional = true
		s.rename(it)
	}
	it.contested = false
}

// lastStored asks for the last result of one monitor in the stream, by the
// subject that says which: an agent may ask for its own and no others. at is
// its number there. Where there is none, or what is not a result, it is the zero value.
func (s *sender) lastStored(ctx context.Context, nc *nats.Conn, monitor string) (r wire.Result, at uint64, err error) {
	r, msg, err := s.api.askLast(ctx, nc, s.agent, monitor)
	if err != nil || msg == nil {
		return r, 0, err
	}
	if at, err = strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64); err != nil {
		return wire.Result{}, 0, fmt.Errorf("ask for the last stored result of %s: its number: %w", monitor, err)
	}
	return r, at, nil
}

// lastStoredAt is lastStored, with when the stream stored it by the broker's
// clock; zero where there is none, or what is not a result.
func (a *reach) lastStoredAt(ctx context.Context, nc *nats.Conn, agent, monitor string) (r wire.Result, at time.Time, err error) {
	r, msg, err := a.askLast(ctx, nc, agent, monitor)
	if err != nil || msg == nil || r.Agent == "" {
		return r, at, err
	}
	at, err = time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
	return r, at, err
}

// askLast asks for the message of the last result; msg is nil where there is none.
func (a *reach) askLast(ctx context.Context, nc *nats.Conn, agent, monitor string) (r wire.Result, msg *nats.Msg, err error) {
	subject, err := wire.ResultSubject(agent, monitor)
	if err != nil {
		return wire.Result{}, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	msg, err = retry.Get(ctx, nc, func(ctx context.Context) (*nats.Msg, error) {
		return nc.RequestWithContext(ctx, a.subject("DIRECT.GET."+wire.ResultsStream+"."+subject), nil)
	})
	if err != nil {
		return wire.Result{}, nil, fmt.Errorf("ask for the last stored result of %s: %w", monitor, err)
	}
	switch status := msg.Header.Get("Status"); status {
	case "":
	case "404":
		return wire.Result{}, nil, nil
	default:
		return wire.Result{}, nil, fmt.Errorf("ask for the last stored result of %s: %s %s", monitor, status, msg.Header.Get("Description"))
	}
	r, err = wire.DecodeResult(subject, msg.Data)
	if err != nil {
		return wire.Result{}, msg, nil // not one of ours
	}
	return r, msg, nil
}
