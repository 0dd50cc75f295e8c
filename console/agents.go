package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/console/view"
	"netmon/internal/farewell"
	"netmon/internal/tail"
	"netmon/wire"
)

// Agent is an agent that was heard in the last day.
type Agent = view.Agent

// FollowAgents calls handle with the last heartbeat of every agent, then ready,
// and then handle with each one as it comes, until ctx ends. An agent that is gone
// for good is announced as such ([wire.Alive.Gone]), also when nobody asked before.
// trouble, when not nil, is called with why they cannot be read although the broker is
// there, and nil when they can be again.
func (c *Client) FollowAgents(ctx context.Context, trouble func(error), ready func(), handle func(a wire.Alive, seen time.Time)) error {
	t, err := tail.Open(ctx, c.js, wire.AgentsStream, tail.From{Last: true})
	if err != nil {
		return noMesh("follow the agents", err)
	}
	defer t.Stop()
	t.Trouble = troubles("follow the agents", trouble)
	stored, heard := newStoredTime(t), map[string]bool{} // by subject, until all were
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		err := c.unheard(ctx, heard, func(m *jetstream.RawStreamMsg) {
			if a, err := wire.DecodeAlive(m.Subject, m.Data); err == nil {
				handle(a, stored.of(m.Time))
			}
		})
		heard = nil
		if err == nil {
			ready()
		}
		return err
	}
	if t.Left() == 0 {
		if err := begin(); err != nil {
			return noMesh("follow the agents", err)
		}
	}
	for read := uint64(1); ; read++ {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh("follow the agents", err)
		}
		if !begun {
			heard[m.Subject] = true
		}
		if a, err := wire.DecodeAlive(m.Subject, m.Data); err == nil {
			handle(a, stored.of(meta.Timestamp))
		}
		if meta.NumPending == 0 || read > t.Left() {
			if err := begin(); err != nil {
				return noMesh("follow the agents", err)
			}
		}
	}
}

// unheard takes the heartbeats that were not among those that were read. One that
// was heard again meanwhile lost the message that was to come, and got one behind
// the last.
func (c *Client) unheard(ctx context.Context, heard map[string]bool, handle func(*jetstream.RawStreamMsg)) error {
	stream, err := c.open(ctx, wire.AgentsStream)
	if err != nil {
		return err
	}
	now, err := c.info(ctx, stream, jetstream.WithSubjectFilter(wire.AllAlive))
	if err != nil {
		return err
	}
	for subject := range now.State.Subjects {
		if heard[subject] {
			continue
		}
		m, err := c.last(ctx, stream, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it is over a day old by now
		}
		if err != nil {
			return err
		}
		handle(m)
	}
	return nil
}

// Agents lists every agent of the last day by id, those that are offline too. One
// that is gone for good is not among them.
func (c *Client) Agents(ctx context.Context) ([]Agent, error) {
	m := c.Model(ModelOptions{Parts: PartAgents})
	if err := m.Load(ctx); err != nil {
		return nil, err
	}
	return m.Agents(), nil
}

// ForgetAgent takes an agent that died out of every list; its results stay. One
// that is online is refused.
func (c *Client) ForgetAgent(ctx context.Context, agent string) error {
	if c.nc.Opts.UserJWT != nil { // only the broker's own service may say so
		if _, err := c.Access(ctx, wire.AccessCommand{Op: wire.AccessForget, Name: agent}); err != nil {
			return fmt.Errorf("forget %s: %w", agent, err)
		}
		return nil
	}
	if err := farewell.Forget(ctx, c.js, agent); err != nil {
		return noMesh("forget "+agent, err)
	}
	return nil
}
