package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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
	cons, err := c.js.OrderedConsumer(ctx, wire.AgentsStream, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy})
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return nil, noMesh("read the agents", err)
	}
	var list []Agent
	if info.NumPending > 0 {
		it, err := cons.Messages()
		if err != nil {
			return nil, noMesh("read the agents", err)
		}
		defer it.Stop()
		for {
			m, err := it.Next(jetstream.NextContext(ctx))
			if err != nil {
				return nil, noMesh("read the agents", err)
			}
			meta, err := m.Metadata()
			if err != nil {
				return nil, err
			}
			if a, err := wire.DecodeAlive(m.Subject(), m.Data()); err == nil {
				list = append(list, Agent{Alive: a, Seen: meta.Timestamp, Online: OnlineAt(a, meta.Timestamp, time.Now())})
			}
			if meta.NumPending == 0 {
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b Agent) int { return strings.Compare(a.Agent, b.Agent) })
	// An agent may have been heard again while we read: the later one counts.
	return slices.CompactFunc(list, func(a, b Agent) bool { return a.Agent == b.Agent }), nil
}
