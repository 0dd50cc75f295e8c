package console

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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
	return !a.Leaving && now.Sub(seen) <= wire.OfflineAfter
}

// FollowAgents calls take with the last heartbeat of every agent, then ready,
// and then take with each one as it comes, until ctx ends. A heartbeat that is
// missed does no harm: the next one says the same.
func (c *Client) FollowAgents(ctx context.Context, ready func(), take func(a wire.Alive, seen time.Time)) error {
	beats := make(chan *nats.Msg, 4096)
	sub, err := c.nc.ChanSubscribe(wire.AllAlive, beats)
	if err != nil {
		return noMesh("follow the agents", err)
	}
	defer sub.Unsubscribe()
	known, err := c.Agents(ctx)
	if err != nil {
		return err
	}
	for _, a := range known {
		take(a.Alive, a.Seen)
	}
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-beats:
			if a, err := wire.DecodeAlive(m.Subject, m.Data); err == nil {
				take(a, time.Now())
			}
		}
	}
}

// Agents lists every agent of the last day by id, those that are away too.
func (c *Client) Agents(ctx context.Context) ([]Agent, error) {
	stream, err := c.js.Stream(ctx, wire.AgentsStream)
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	t, err := tail.Open(ctx, c.js, wire.AgentsStream, tail.From{Last: true})
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	defer t.Stop()
	heard := map[string]Agent{} // by subject; the later one counts
	take := func(subject string, data []byte, seen time.Time) {
		if a, err := wire.DecodeAlive(subject, data); err == nil && seen.After(heard[subject].Seen) {
			heard[subject] = Agent{Alive: a, Seen: seen, Online: OnlineAt(a, seen, time.Now())}
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
	now, err := stream.Info(ctx, jetstream.WithSubjectFilter(wire.AllAlive))
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	for subject := range now.State.Subjects {
		if _, ok := heard[subject]; ok {
			continue
		}
		m, err := stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it is over a day old by now
		}
		if err != nil {
			return nil, noMesh("read the agents", err)
		}
		take(subject, m.Data, m.Time)
	}
	return slices.SortedFunc(maps.Values(heard), func(a, b Agent) int { return strings.Compare(a.Agent, b.Agent) }), nil
}
