package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/farewell"
	"netmon/internal/tail"
	"netmon/wire"
)

// Agent is what is known of one agent.
type Agent struct {
	wire.Alive
	Seen   time.Time // when the broker got its last heartbeat
	Online bool
}

// OnlineAt says whether an agent whose last heartbeat came at seen is online.
func OnlineAt(a wire.Alive, seen, now time.Time) bool {
	return a.Online(now.Sub(seen))
}

// FollowAgents calls take with the last heartbeat of every agent, then ready,
// and then take with each one as it comes, until ctx ends. An agent that is gone
// for good is told as such ([wire.Alive.Gone]), also when nobody asked before.
func (c *Client) FollowAgents(ctx context.Context, ready func(), take func(a wire.Alive, seen time.Time)) error {
	t, err := tail.Open(ctx, c.js, wire.AgentsStream, tail.From{Last: true})
	if err != nil {
		return noMesh("follow the agents", err)
	}
	defer t.Stop()
	ready = sync.OnceFunc(ready)
	if t.Left() == 0 {
		ready()
	}
	for read := uint64(1); ; read++ {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh("follow the agents", err)
		}
		if a, err := wire.DecodeAlive(m.Subject, m.Data); err == nil {
			take(a, seen(t, meta.Timestamp))
		}
		// One that is heard again while we read comes behind those that were there.
		if meta.NumPending == 0 || read > 2*t.Left() {
			ready()
		}
	}
}

// seen is when the broker got a message, by our clock. It is exact for those that
// were there when the reading began; later ones come at once.
func seen(t *tail.Tail, at time.Time) time.Time {
	return time.Now().Add(-max(0, t.Stream().TimeStamp.Sub(at)))
}

// Agents lists every agent of the last day by id, those that are away too. One
// that is gone for good is not among them.
func (c *Client) Agents(ctx context.Context) ([]Agent, error) {
	agents, _, err := c.presence(ctx)
	return agents, err
}

// presence is [Client.Agents] and, by id, those that are gone for good: what they
// measured last is still stored.
func (c *Client) presence(ctx context.Context) (agents []Agent, gone map[string]bool, err error) {
	heard, err := c.heartbeats(ctx)
	if err != nil {
		return nil, nil, err
	}
	gone = map[string]bool{}
	for _, a := range heard {
		if a.Gone {
			gone[a.Agent] = true
			continue
		}
		agents = append(agents, a)
	}
	slices.SortFunc(agents, func(a, b Agent) int { return strings.Compare(a.Agent, b.Agent) })
	return agents, gone, nil
}

// heartbeats is the last one of each agent, by subject.
func (c *Client) heartbeats(ctx context.Context) (map[string]Agent, error) {
	stream, err := c.open(ctx, wire.AgentsStream)
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	t, err := tail.Open(ctx, c.js, wire.AgentsStream, tail.From{Last: true})
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	defer t.Stop()
	heard := map[string]Agent{} // by subject; the later one counts
	take := func(subject string, data []byte, at time.Time) {
		if a, err := wire.DecodeAlive(subject, data); err == nil {
			at = seen(t, at)
			heard[subject] = Agent{Alive: a, Seen: at, Online: OnlineAt(a, at, time.Now())}
		}
	}
	for more := t.Left() > 0; more; {
		m, meta, err := t.Next()
		if err != nil {
			return nil, noMesh("read the agents", err)
		}
		take(m.Subject, m.Data, meta.Timestamp)
		more = meta.NumPending > 0
	}
	// One that was heard again while we read lost the message that was to come,
	// and got one behind the last.
	now, err := c.info(ctx, stream, jetstream.WithSubjectFilter(wire.AllAlive))
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	for subject := range now.State.Subjects {
		if _, ok := heard[subject]; ok {
			continue
		}
		m, err := c.last(ctx, stream, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it is over a day old by now
		}
		if err != nil {
			return nil, noMesh("read the agents", err)
		}
		take(subject, m.Data, m.Time)
	}
	return heard, nil
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
