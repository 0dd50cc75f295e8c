package controller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// lease makes one of several controllers lead. It is a key that its holder
// writes again and again and that is gone when nobody does. Should two lead for
// a moment all the same, no harm is done: commands are idempotent and ordered.
type lease struct {
	nc  *nats.Conn
	kv  jetstream.KeyValue
	own wire.Lease
}

func newLease(nc *nats.Conn, kv jetstream.KeyValue) *lease {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &lease{nc: nc, kv: kv, own: wire.Lease{ID: rand.Text(), Host: host}}
}

// acquire waits until nobody else leads, and leads then. waiting is told once
// who does.
func (l *lease) acquire(ctx context.Context, waiting func(wire.Lease)) (revision uint64, err error) {
	for told := false; ; {
		l.own.Since = time.Now().UTC()
		data, err := json.Marshal(l.own)
		if err != nil {
			return 0, err
		}
		revision, err = retry.Get(ctx, l.nc, func(ctx context.Context) (uint64, error) { return l.kv.Create(ctx, wire.LeaderKey, data) })
		if err == nil || !errors.Is(err, jetstream.ErrKeyExists) {
			return revision, err
		}
		switch holder, at, err := l.holder(ctx); {
		case err != nil: // it ran out at this moment, or is asked for again
		case holder.ID == l.own.ID: // a try whose answer was lost
			return at, nil
		case !told:
			waiting(holder)
			told = true
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(wire.LeaseTTL / 4):
		}
	}
}

// holder is who leads, and the revision that says so.
func (l *lease) holder(ctx context.Context) (holder wire.Lease, revision uint64, err error) {
	e, err := retry.Get(ctx, l.nc, func(ctx context.Context) (jetstream.KeyValueEntry, error) { return l.kv.Get(ctx, wire.LeaderKey) })
	if err != nil {
		return wire.Lease{}, 0, err
	}
	return holder, e.Revision(), json.Unmarshal(e.Value(), &holder)
}

// keep renews the lease until ctx ends, or returns why it is lost.
func (l *lease) keep(ctx context.Context, revision uint64) error {
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wire.LeaseTTL / 4):
		}
		data, err := json.Marshal(l.own)
		if err != nil {
			return err
		}
		next, err := l.renew(ctx, data, revision)
		switch {
		case err == nil:
			revision, renewed = next, time.Now()
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, jetstream.ErrKeyExists), time.Since(renewed) > wire.LeaseTTL:
			return fmt.Errorf("the lease is lost: %w", err)
		}
	}
}

// renew writes the lease once more. It does not wait for long: without a lease
// nobody must lead.
func (l *lease) renew(ctx context.Context, data []byte, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, wire.LeaseTTL/4)
	defer cancel()
	next, err := l.kv.Update(ctx, wire.LeaderKey, data, revision)
	if errors.Is(err, jetstream.ErrKeyExists) {
		if holder, at, e := l.holder(ctx); e == nil && holder.ID == l.own.ID { // renewed before, and the answer was lost
			return at, nil
		}
	}
	return next, err
}

// release lets another controller lead at once.
func (l *lease) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if holder, at, err := l.holder(ctx); err == nil && holder.ID == l.own.ID {
		l.kv.Delete(ctx, wire.LeaderKey, jetstream.LastRevision(at))
	}
}
