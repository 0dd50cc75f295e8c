package controller

import (
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
	ours, other := newLease(nc, kv), newLease(nc, kv)
	write := func(l *lease) (revision uint64, data []byte) {
		t.Helper()
		data, err := json.Marshal(l.own)
		if err == nil {
			revision, err = kv.Put(t.Context(), wire.LeaderKey, data)
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
