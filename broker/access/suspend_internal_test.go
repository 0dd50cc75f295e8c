package access

import (
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/wire"
)

// TestSuspend_NotOnceMore has an admin let an agent in while the stream is looked
// at: what that look counted came in before.
func TestSuspend_NotOnceMore(t *testing.T) {
	b := fullRegistry(t, 1)
	const paris = "agent0"
	if _, err := b.join(identity.TokenSecret("token"+paris), by(userKey(t))); err != nil {
		t.Fatal(err)
	}
	s := &service{a: &Authority{registry: b, log: slog.New(slog.DiscardHandler)}, changed: map[string]bool{}, wakeup: make(chan struct{}, 1)}
	s.notes = newNotes(s.store, s.a.log)
	w := &shareWatch{service: s, shares: newShares(Share{}), said: map[string]bool{}}
	w.shares.limit(1 << 20)
	floods := func() { w.shares.add(b.now(), map[string]float64{paris: 1 << 20}) }
	isOut := func() bool {
		e, is := b.get(paris)
		return !is || !e.Suspended.IsZero()
	}

	floods()
	w.judge()
	if !isOut() {
		t.Fatal("it was not suspended")
	}
	floods() // what came in before is being stored
	if _, err := s.resume(paris); err != nil {
		t.Fatal(err)
	}
	w.judge()
	if isOut() {
		t.Error("it was suspended once more for what it stored before")
	}
	delete(w.shares.grace, paris)
	floods()
	w.judge()
	if !isOut() {
		t.Error("it may store what it likes from now on")
	}
	if _, err := s.resume("agent1"); err == nil || len(s.forgiven) != 0 {
		t.Errorf("%v, forgiven: %v", err, s.forgiven)
	}
}

// TestSharedBy: a limit that was raised for compression raises nobody's share.
func TestSharedBy(t *testing.T) {
	for _, c := range []struct {
		limit int64
		size  string
		want  int64
	}{{4 << 30, "", 4 << 30}, {16 << 30, "4294967296", 4 << 30}, {1 << 30, "4294967296", 1 << 30}, {4 << 30, "much", 4 << 30}, {4 << 30, "-1", 4 << 30}} {
		config := jetstream.StreamConfig{MaxBytes: c.limit, Metadata: map[string]string{wire.SizeKey: c.size}}
		if got := sharedBy(config); got != c.want {
			t.Errorf("limit %d, size %q: %d, want %d", c.limit, c.size, got, c.want)
		}
	}
}
