package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// Asked is what one agent gave to one request to measure: a result, or why
// there is none.
type Asked struct {
	Agent  string
	Run    int // from 1
	Result *wire.Result
	Err    error
}

// probeGrace is what an answer may need on its way, beyond the measurement.
const probeGrace = 3 * time.Second

// Probe lets agents measure now, times runs each, one after another, and
// begins a run of an agent not before every has passed since its last one
// began. take is called with each answer as it lands, one at a time. Nothing
// is saved or published.
func (c *Client) Probe(ctx context.Context, agents []string, m wire.Monitor, times int, every time.Duration, take func(Asked)) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, agent := range agents {
		wg.Go(func() {
			for run := 1; run <= times && ctx.Err() == nil; run++ {
				begun := time.Now()
				a := c.askOnce(ctx, agent, m)
				a.Run = run
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				take(a)
				mu.Unlock()
				if run == times {
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Until(begun.Add(every))):
				}
			}
		})
	}
	wg.Wait()
}

func (c *Client) askOnce(ctx context.Context, agent string, m wire.Monitor) Asked {
	patience := m.Timeout.Std() + probeGrace
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := c.Command(ctx, agent, wire.Command{Op: wire.OpProbe, Monitors: []wire.Monitor{m}})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		err = errors.New("is offline")
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("did not answer within %v", patience)
	case err == nil && reply.Error != nil:
		err = errors.New("refused: " + reply.Error.Error())
	case err == nil && reply.Result == nil:
		err = errors.New("answered without a result")
	}
	return Asked{Agent: agent, Result: reply.Result, Err: err}
}
