package access

import (
	"testing"
	"time"

	"netmon/wire"
)

// rotating is a book with the agent oslo, which has the key k1.
func rotating(t *testing.T) (b *book, k1 string, later func()) {
	t.Helper()
	b, k1 = fullBook(t, 0), userKey(t)
	now := time.Now()
	b.now = func() time.Time { return now }
	if err := b.enrol(wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent}, k1); err != nil {
		t.Fatal(err)
	}
	return b, k1, func() { now = now.Add(2 * time.Hour) }
}

func follows(t *testing.T, b *book, by, key string) {
	t.Helper()
	if _, err := b.rotate("oslo", by, key); err != nil {
		t.Fatal(err)
	}
}

func counts(t *testing.T, b *book, keys map[string]bool) {
	t.Helper()
	for key, want := range keys {
		_, is := b.member(key)
		if out := !b.revoked(accountAgents)[key].IsZero(); is != want || out == want {
			t.Errorf("%s counts: %v, is shut out: %v; want %v, %v", key, is, out, want, !want)
		}
	}
}

// TestBookRotate_LostConfirmation: oslo lives by k2, of which the broker did not
// hear; the next rotation must not shut that key out.
func TestBookRotate_LostConfirmation(t *testing.T) {
	b, k1, later := rotating(t)
	k2, k3 := userKey(t), userKey(t)
	follows(t, b, k1, k2)
	later()
	if _, done, err := b.confirm(k2); !done || err != nil { // it signs the request for k3
		t.Errorf("confirm: %v, %v", done, err)
	}
	follows(t, b, k2, k3)
	counts(t, b, map[string]bool{k1: false, k2: true, k3: true})
	if _, done, _ := b.confirm(k2); done {
		t.Error("the key in use was confirmed a second time")
	}
}

// TestBookRotate_OldKeyNamesNoOther: once the key that follows has signed
// something, who stole the one before changes nothing.
func TestBookRotate_OldKeyNamesNoOther(t *testing.T) {
	b, k1, later := rotating(t)
	k2, thief := userKey(t), userKey(t)
	follows(t, b, k1, k2)
	b.confirm(k2)
	later()
	if _, err := b.rotate("oslo", k1, thief); err == nil {
		t.Error("a key that was shut out names another one")
	}
	if _, err := b.rotate("oslo", thief, thief); err == nil {
		t.Error("a key that is nobody's names itself")
	}
	counts(t, b, map[string]bool{k1: false, k2: true})
}

// TestBookRotate_LostAnswer: whoever has the key in use may ask again, for the
// same key, which confirms nothing, or for another one.
func TestBookRotate_LostAnswer(t *testing.T) {
	b, k1, later := rotating(t)
	k2, k3 := userKey(t), userKey(t)
	follows(t, b, k1, k2)
	follows(t, b, k1, k2)
	counts(t, b, map[string]bool{k1: true, k2: true})
	later()
	follows(t, b, k1, k3)
	counts(t, b, map[string]bool{k1: true, k2: false, k3: true})
}
