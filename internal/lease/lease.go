// Package lease lets one of several processes do something: it holds a key of the
// bucket [wire.ControlBucket] and renews it; the key is gone [wire.LeaseTTL] after the
// last renewal.
//
// Two processes may both believe for a moment that they hold it, as when one of them
// was stopped for longer than that. What is done under a lease has to tolerate that.
package lease

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// Lease is one process's claim to a key. It is for one goroutine.
type Lease struct {
	nc  *nats.Conn
	kv  jetstream.KeyValue
	key string
	own wire.Lease
}

// New makes a claim to a key, such as [wire.LeaderKey]. kv is the bucket [wire.ControlBucket].
func New(nc *nats.Conn, kv jetstream.KeyValue, key string) *Lease {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &Lease{nc: nc, kv: kv, key: key, own: wire.Lease{ID: rand.Text(), Host: host}}
}

// Run waits until nobody else holds the lease, and calls do while this process holds
// it. The context of do ends when the lease is lost. Run returns when do has, with
// its error, or with why the lease was lost; the lease is let go then. waiting is called with
// once who else holds it.
func (l *Lease) Run(ctx context.Context, waiting func(wire.Lease), do func(context.Context) error) error {
	revision, err := l.acquire(ctx, waiting)
	if err != nil {
		return fmt.Errorf("hold the lease %s: %w", l.key, err)
	}
	defer l.release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keeping.Go(func() {
		if err := l.keep(ctx, revision); err != nil {
			cancel(err)
		}
	})
	err = do(ctx)
	if cause := context.Cause(ctx); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = cause
	}
	cancel(nil)
	return err
}

// acquire waits until nobody else holds the lease, and holds it then.
func (l *Lease) acquire(ctx context.Context, waiting func(wire.Lease)) (revision uint64, err error) {
	for told := false; ; {
		l.own.Since = time.Now().UTC()
		data, err := json.Marshal(l.own)
		if err != nil {
			return 0, err
		}
		revision, err = retry.Get(ctx, l.nc, func(ctx context.Context) (uint64, error) { return l.kv.Create(ctx, l.key, data) })
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

// holder is who holds the lease, and the revision that says so.
func (l *Lease) holder(ctx context.Context) (holder wire.Lease, revision uint64, err error) {
	e, err := retry.Get(ctx, l.nc, func(ctx context.Context) (jetstream.KeyValueEntry, error) { return l.kv.Get(ctx, l.key) })
	if err != nil {
		return wire.Lease{}, 0, err
	}
	return holder, e.Revision(), json.Unmarshal(e.Value(), &holder)
}

// keep renews the lease until ctx ends, or returns why it is lost.
func (l *Lease) keep(ctx context.Context, revision uint64) error {
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
// nobody must do what it is for.
func (l *Lease) renew(ctx context.Context, data []byte, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, wire.LeaseTTL/4)
	defer cancel()
	next, err := l.kv.Update(ctx, l.key, data, revision)
	if errors.Is(err, jetstream.ErrKeyExists) {
		if holder, at, e := l.holder(ctx); e == nil && holder.ID == l.own.ID { // renewed before, and the answer was lost
			return at, nil
		}
	}
	return next, err
}

// release lets another one hold it at once.
func (l *Lease) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if holder, at, err := l.holder(ctx); err == nil && holder.ID == l.own.ID {
		l.kv.Delete(ctx, l.key, jetstream.LastRevision(at))
	}
}
