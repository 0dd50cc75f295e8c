package lease

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestLease_OwnWriteWhoseAnswerWasLost: a lease that was taken or renewed, and the
// answer lost, is ours, and another's is not.
func TestLease_OwnWriteWhoseAnswerWasLost(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	kv, err := natstest.JetStream(t, nc).KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := New(nc, kv, wire.LeaderKey).Run(t.Context(), func(l wire.Lease) { t.Errorf("waits for %+v", l) }, func(context.Context) error {
		return nil
	}); err != nil { // another key is another lease
		t.Fatal(err)
	}
	ours, other := New(nc, kv, "notifier.hook"), New(nc, kv, "notifier.hook")
	write := func(l *Lease) (revision uint64, data []byte) {
		t.Helper()
		data, err := json.Marshal(l.own)
		if err == nil {
			revision, err = kv.Put(t.Context(), l.key, data)
		}
		if err != nil {
			t.Fatal(err)
		}
		return revision, data
	}
	at, data := write(ours)
	if got, err := ours.acquire(t.Context(), func(l wire.Lease) { t.Errorf("waits for %+v", l) }); err != nil || got != at {
		t.Errorf("acquired at %d, %v, want %d", got, err, at)
	}
	later, _ := write(ours)
	if got, err := ours.renew(t.Context(), data, at); err != nil || got != later {
		t.Errorf("renewed at %d, %v, want %d", got, err, later)
	}
	write(other)
	if _, err := ours.renew(t.Context(), data, later); !errors.Is(err, jetstream.ErrKeyExists) {
		t.Errorf("renewed what another one has: %v", err)
	}
	ours.release() // what is not ours stays
	if holder, _, err := ours.holder(t.Context()); err != nil || holder.ID != other.own.ID {
		t.Errorf("%+v %v", holder, err)
	}
	other.release()
	if _, err := ours.acquire(t.Context(), func(l wire.Lease) { t.Errorf("waits for %+v", l) }); err != nil {
		t.Errorf("after the other one let go: %v", err)
	}
}

// TestRun_EndsWhenTheLeaseIsLost: what is done under a lease ends when somebody else
// has it, and the error says why.
func TestRun_EndsWhenTheLeaseIsLost(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	kv, err := natstest.JetStream(t, nc).KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	nobody := func(l wire.Lease) { t.Errorf("waits for %+v", l) }
	err = New(nc, kv, "notifier.hook").Run(t.Context(), nobody, func(ctx context.Context) error {
		if _, err := kv.Put(ctx, "notifier.hook", []byte(`{"id":"other"}`)); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, jetstream.ErrKeyExists) {
		t.Errorf("ended with %v", err)
	}
	if err := kv.Delete(t.Context(), "notifier.hook"); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	if err := New(nc, kv, "notifier.hook").Run(t.Context(), nobody, func(context.Context) error { return failed }); err != failed {
		t.Errorf("ended with %v, want what was done to say", err)
	}
	if err := New(nc, kv, "notifier.hook").Run(t.Context(), nobody, func(context.Context) error { return nil }); err != nil {
		t.Errorf("after it was let go: %v", err)
	}
}
