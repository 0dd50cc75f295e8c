package broker

import (
	"context"
	"errors"
	"fmt"
	"netmon/internal/retry"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// This file is about requests for a stream that a server refuses: what to do
// about it, and which of them are tried again.

// Error codes of JetStream's API that nats.go has no names for.
const (
	noPeers         jetstream.ErrorCode = 10005
	noResources     jetstream.ErrorCode = 10023
	noMemory        jetstream.ErrorCode = 10028
	notClustered    jetstream.ErrorCode = 10074
	noStorage       jetstream.ErrorCode = 10047
	subjectsOverlap jetstream.ErrorCode = 10065
)

var errFewServers = errors.New("there are too few servers that can take a copy")

var errNoJetStream = errors.New("this NATS server has no JetStream: start it with -js, or use netmon broker")

// explain says what to do about the usual errors.
func (a asset) explain(ctx context.Context, js jetstream.JetStream, err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case subjectsOverlap:
			for _, s := range a.want.Subjects {
				if other, e := js.StreamNameBySubject(ctx, s); e == nil {
					return fmt.Errorf("%s: the stream %s keeps %s already: take the subject away from it (nats stream edit %s)", a.name, other, s, other)
				}
			}
		case noPeers:
			return fmt.Errorf("%s: %w: %d copies are wanted: start the others, or set replicas lower: %w", a.name, errFewServers, a.want.Replicas, err)
		case notClustered:
			return fmt.Errorf("%s: %w: %d copies are wanted: set replicas to 1, or start a cluster: %w", a.name, errFewServers, a.want.Replicas, err)
		}
	}
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, nats.ErrNoResponders) {
		return errNoJetStream
	}
	if strings.HasPrefix(err.Error(), a.name) {
		return err
	}
	return fmt.Errorf("provision %s: %w", a.name, err)
}

// peersPatience is how long a cluster may take to know its servers.
const peersPatience = 5 * time.Second

// persist repeats do while a cluster is still choosing its leaders: until then it
// answers that it is not available, or not at all; and for a while where too few
// servers are known. No room is no such reason.
func persist(ctx context.Context, js jetstream.JetStream, do func(context.Context) error) error {
	for begun := time.Now(); ; {
		err := retry.Do(ctx, js.Conn(), do)
		var api *jetstream.APIError
		if !errors.As(err, &api) || api.ErrorCode != noPeers || outOfSpace(err) || time.Since(begun) > peersPatience {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(peersPause):
		}
	}
}

const peersPause = 250 * time.Millisecond
