package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// listen answers requests on the channel's subject until ctx ends, one at a time.
func (s *sending) listen(ctx context.Context, parts *sync.WaitGroup) error {
	subject, err := wire.NotifySubject(s.name)
	if err != nil {
		return err
	}
	requests := make(chan *nats.Msg, 16) // more at once are not answered
	sub, err := s.nc.ChanSubscribe(subject, requests)
	if err != nil {
		return fmt.Errorf("take requests: %w", err)
	}
	parts.Go(func() {
		defer sub.Unsubscribe()
		for {
			select {
			case <-ctx.Done():
				return
			case m := <-requests:
				s.answer(ctx, m)
			}
		}
	})
	return nil
}

func (s *sending) answer(ctx context.Context, m *nats.Msg) {
	reply := wire.NotifyReply{Channel: s.name, By: s.o.Host, Outcome: wire.Undelivered}
	var c wire.NotifyCommand
	err := wire.DecodeStrict(m.Data, &c)
	if err == nil && s.o.Asker != nil {
		c.By, err = s.o.Asker(m)
	}
	switch {
	case len(m.Data) > wire.MaxText*4:
		reply.Error = "the request is too long"
	case err != nil:
		reply.Error = "the request cannot be read: " + err.Error()
	case c.Op != "test":
		reply.Error = fmt.Sprintf("op: want test, got %q", wire.Clip(c.Op, wire.MaxToken))
	case !s.mayTest():
		reply.Error = fmt.Sprintf("a channel sends at most %d tests in %v: try again later", s.timings.testsMost, s.timings.tests)
	default:
		s.test(ctx, c.By, &reply)
	}
	data, err := json.Marshal(reply)
	if err != nil {
		return
	}
	if err := m.Respond(data); err != nil {
		s.o.Log.Debug("answer a request", "channel", s.name, "error", err)
	}
}

// mayTest counts tests.
func (s *sending) mayTest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.tests) > 0 && now.Sub(s.tests[0]) > s.timings.tests {
		s.tests = s.tests[1:]
	}
	if len(s.tests) >= s.timings.testsMost {
		return false
	}
	s.tests = append(s.tests, now)
	return true
}

// test sends a message that says that it is one.
func (s *sending) test(ctx context.Context, by string, reply *wire.NotifyReply) {
	began := time.Now()
	by = wire.Clip(strings.TrimSpace(by), wire.MaxText)
	if by == "" {
		by = "somebody"
	}
	receipt, err := s.send(ctx, testMessageFor(s.name, by, fmt.Sprintf("test-%d", began.UnixMilli()), began.UTC()))
	reply.TookNS, reply.Answer = int64(time.Since(began)), receipt.Answer
	if err != nil {
		reply.Error = err.Error()
		s.o.Log.Info("a test was not sent", "channel", s.name, "error", reply.Error)
		return
	}
	reply.Outcome = wire.Sent
}
