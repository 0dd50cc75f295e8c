package controller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// lease makes one of several controllers lead. It is a key that its holder
// writes again and again and that is gone when nobody does. Should two lead for
// a moment all the same, no harm is done: commands are idempotent and ordered.
type lease struct {
	kv  jetstream.KeyValue
	own wire.Lease
}

func newLease(kv jetstream.KeyValue) *lease {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &lease{kv: kv, own: wire.Lease{ID: rand.Text(), Host: host}}
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
		revision, err = l.kv.Create(ctx, wire.LeaderKey, data)
		if err == nil || !errors.Is(err, jetstream.ErrKeyExists) {
			return revision, err
		}
		if e, err := l.kv.Get(ctx, wire.LeaderKey); err == nil && !told {
			var other wire.Lease
			if json.Unmarshal(e.Value(), &other) == nil {
				waiting(other)
				told = true
			}
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(wire.LeaseTTL / 4):
		}
	}
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
		try, cancel := context.WithTimeout(ctx, wire.LeaseTTL/4)
		next, err := l.kv.Update(try, wire.LeaderKey, data, revision)
		cancel()
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

// release lets another controller lead at once.
func (l *lease) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if e, err := l.kv.Get(ctx, wire.LeaderKey); err == nil {
		var holder wire.Lease
		if json.Unmarshal(e.Value(), &holder) == nil && holder.ID == l.own.ID {
			l.kv.Delete(ctx, wire.LeaderKey, jetstream.LastRevision(e.Revision()))
		}
	}
}
