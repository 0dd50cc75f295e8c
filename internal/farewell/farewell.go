// Package farewell writes, in the place of an agent's last heartbeat, that there
// is no such agent any more: see [wire.Farewell].
package farewell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// ErrUnknown says that there is no heartbeat of an agent, or that it is gone already.
var ErrUnknown = errors.New("no agent of that name is known: netmon get agents lists them")

// attempts is how often a heartbeat may come in between.
const attempts = 5

// Forget takes an agent that died out of every list. One that is online would be
// there again with its next heartbeat: it is refused with a word.
func Forget(ctx context.Context, js jetstream.JetStream, agent string) error {
	return Write(ctx, js, agent, func(a wire.Alive, ago time.Duration) error {
		if a.Online(ago) {
			return fmt.Errorf("it is online, heard %v ago: stop it first, or shut it out for good with netmon access revoke %s; one that died is offline after %v",
				ago.Round(time.Second), agent, wire.OfflineAfter)
		}
		return nil
	})
}

// Write says of an agent that it is gone, if may agrees: it is given the last
// heartbeat, and how long ago the broker got it. A heartbeat that comes meanwhile
// is never replaced unseen. may is nil for yes.
func Write(ctx context.Context, js jetstream.JetStream, agent string, may func(a wire.Alive, ago time.Duration) error) error {
	subject, err := wire.AliveSubject(agent)
	if err != nil {
		return err
	}
	for range attempts {
		var done bool
		if done, err = write(ctx, js, agent, subject, may); done {
			return err
		}
	}
	return err
}

func write(ctx context.Context, js jetstream.JetStream, agent, subject string, may func(wire.Alive, time.Duration) error) (done bool, err error) {
	stream, err := retry.Stream(ctx, js, wire.AgentsStream)
	if err != nil {
		return true, fmt.Errorf("read the agents: %w", err)
	}
	last, err := retry.Last(ctx, js, stream, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true, ErrUnknown
	}
	if err != nil {
		return true, fmt.Errorf("read the last heartbeat of %s: %w", agent, err)
	}
	a, err := wire.DecodeAlive(subject, last.Data)
	if err != nil || a.Gone { // what cannot be read is in no list
		return true, ErrUnknown
	}
	now := stream.CachedInfo().TimeStamp // the broker's clock, as last.Time is
	if may != nil {
		if err := may(a, max(0, now.Sub(last.Time))); err != nil {
			return true, err
		}
	}
	data, err := json.Marshal(wire.Farewell(agent, now.UTC()))
	if err != nil {
		return true, err
	}
	m := nats.NewMsg(subject)
	m.Data = data
	_, err = retry.Replace(ctx, js, wire.AgentsStream, m, last.Sequence)
	if retry.Conflict(err) {
		return false, fmt.Errorf("%s keeps sending heartbeats: %w", agent, err)
	}
	if err != nil {
		return true, fmt.Errorf("say that %s is gone: %w", agent, err)
	}
	return true, nil
}
