// Package retry repeats requests to JetStream while nobody answers.
//
// A cluster that loses the leader of a stream, or of JetStream itself, elects another
// one within 5 to 9 s. Requests made meanwhile are dropped silently or refused, and no
// client library repeats them (docs/adr/0030). Here each request is repeated until it
// is answered or its context ends.
//
// Reads are simply repeated. A write carries an id by which the stream recognises it:
// see [Publish] and [Replace].
package retry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// Try is how long one try waits for its answer, at first.
	Try = 2 * time.Second
	// Patience is how long a request is repeated whose context has no deadline:
	// longer than two elections.
	Patience = 20 * time.Second
	// pause is between two tries where the answer to the first one came at once.
	pause = 250 * time.Millisecond
)

// Do calls do until it succeeds, or fails for a reason that does not pass, or ctx
// ends; without a deadline of ctx for [Patience]. Its error is that of the last
// try, and [context.DeadlineExceeded] besides where the time was over.
//
// A broker that is alive and slow is given more time from try to try.
func Do(ctx context.Context, nc *nats.Conn, do func(context.Context) error) error {
	_, err := Get(ctx, nc, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}

// Get is [Do] for what has a result.
func Get[T any](ctx context.Context, nc *nats.Conn, do func(context.Context) (T, error)) (T, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, Patience)
		defer cancel()
	}
	for begun := time.Now(); ; {
		before := nc.LastError()
		try, cancel := context.WithTimeout(ctx, max(Try, time.Since(begun)/4))
		v, err := do(try)
		cancel()
		if err == nil || !Passing(nc, err) {
			return v, err
		}
		if refusal := refused(nc, before); refusal != nil {
			return v, refusal
		}
		if time.Since(begun) >= moment {
			notify(ctx, nc)
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return v, tooLong(time.Since(begun), err)
			}
			return v, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tooLong says that nobody answered in time.
func tooLong(waited time.Duration, err error) error {
	waited = waited.Round(100 * time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("asked for %v: %w", waited, err)
	}
	return fmt.Errorf("asked for %v: %w: %w", waited, context.DeadlineExceeded, err)
}

// refused is the server's word, since before, that we may not ask: it comes beside
// the request, which is then never answered.
func refused(nc *nats.Conn, before error) error {
	if now := nc.LastError(); now != before && errors.Is(now, nats.ErrPermissionViolation) {
		return now
	}
	return nil
}

// NotAvailable is the code of JetStream's answer while it has no leader.
const NotAvailable jetstream.ErrorCode = 10008

// RefusedCode is the code of a gate's answer to what it will never take. JetStream does
// not use it.
const RefusedCode jetstream.ErrorCode = 10200

// Final says of the error of [Publish] that a gate refused the message for what it is.
func Final(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == RefusedCode
}

// leaderless are codes of JetStream's API for what passes by itself. Its library
// has no names for them.
var leaderless = []jetstream.ErrorCode{
	NotAvailable,
	10009, // who was asked does not lead
	10118, // the stream is offline
	10119, // the consumer is offline
	10158, // a message of this id is being stored
	10163, // the last message of the subject is not known yet
	10164, // another message of the subject is being stored
}

// Passing says of the error of a request that to ask again may help.
func Passing(nc *nats.Conn, err error) bool {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api):
		return slices.Contains(leaderless, api.ErrorCode)
	case errors.Is(err, nats.ErrNoResponders):
		return clustered(nc) // a server alone says so when it has no JetStream
	}
	return errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}

// clustered says that the server is one of several, which elect leaders.
func clustered(nc *nats.Conn) bool { return nc.ConnectedClusterName() != "" }
