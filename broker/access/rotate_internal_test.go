package access

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"

	"netmon/internal/need"
	"netmon/wire"
)

// rotating is a registry with the agent oslo, which has the key k1.
func rotating(t *testing.T) (b *registry, k1 string, later func()) {
	t.Helper()
	b, k1 = fullRegistry(t, 0), userKey(t)
	now := time.Now()
	b.now = func() time.Time { return now }
	if err := b.enrol(wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent}, k1); err != nil {
		t.Fatal(err)
	}
	return b, k1, func() { now = now.Add(2 * time.Hour) }
}

func follows(t *testing.T, b *registry, by, key string) {
	t.Helper()
	if _, err := b.rotate("oslo", by, key); err != nil {
		t.Fatal(err)
	}
}

func counts(t *testing.T, b *registry, keys map[string]bool) {
	t.Helper()
	for key, want := range keys {
		_, is := b.member(key)
		if out := !b.revoked(accountAgents)[key].IsZero(); is != want || out == want {
			t.Errorf("%s counts: %v, is shut out: %v; want %v, %v", key, is, out, want, !want)
		}
	}
}

// TestRegistryRotate_LostConfirmation: oslo lives by k2, of which the broker did not
// hear; the next rotation must not shut that key out.
func TestRegistryRotate_LostConfirmation(t *testing.T) {
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

// TestRegistryRotate_OldKeyNamesNoOther: once the key that follows has signed
// something, who stole the previous one changes nothing.
func TestRegistryRotate_OldKeyNamesNoOther(t *testing.T) {
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

// TestRegistryRotate_LostAnswer: whoever has the key in use may ask again, for the
// same key, which confirms nothing, or for another one.
func TestRegistryRotate_LostAnswer(t *testing.T) {
	b, k1, later := rotating(t)
	k2, k3 := userKey(t), userKey(t)
	follows(t, b, k1, k2)
	follows(t, b, k1, k2)
	counts(t, b, map[string]bool{k1: true, k2: true})
	later()
	follows(t, b, k1, k3)
	counts(t, b, map[string]bool{k1: true, k2: false, k3: true})
}

// TestRegistryRotate_KeysLeftBehind are bounded, a day and altogether: each is in an
// account for good, and accounts must fit into a message.
func TestRegistryRotate_KeysLeftBehind(t *testing.T) {
	b, key, _ := rotating(t)
	now := time.Now()
	b.now = func() time.Time { return now }
	done := 0
	for range 30 * 24 { // an hour each
		next := userKey(t)
		if _, err := b.rotate("oslo", key, next); err == nil {
			if _, _, err := b.confirm(next); err != nil {
				t.Fatal(err)
			}
			key, done = next, done+1
		}
		if now = now.Add(time.Hour); done > rotateADay && b.now().Sub(b.entries["oslo"].Joined) < 24*time.Hour {
			t.Fatalf("%d on the first day", done)
		}
	}
	if done != mostOldKeys {
		t.Errorf("it changed its key %d times, want %d", done, mostOldKeys)
	}
	counts(t, b, map[string]bool{key: true})
}

// TestAccounts_RoomToRevoke: changing keys takes no room from revoking, and an
// account that no server takes is an error here.
func TestAccounts_RoomToRevoke(t *testing.T) {
	need.Time(t)
	a := openAuthority(t, t.TempDir())
	key := userKey(t)
	if err := a.registry.enrol(wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent}, key); err != nil {
		t.Fatal(err)
	}
	shutOut := func(n int) {
		e := &entry{Identity: wire.Identity{Name: "many", Role: wire.RoleAgent}}
		for i := range n {
			e.Old = append(e.Old, oldKey{Key: fmt.Sprintf("U%055d", i), Role: wire.RoleAgent})
		}
		a.registry.entries["many"] = e
	}
	shutOut(mostLeft - 1)
	if _, err := a.registry.rotate("oslo", key, userKey(t)); err != nil {
		t.Error(err)
	}
	shutOut(mostRevoked)
	a.registry.entries["oslo"].NextAt = time.Time{}
	if _, err := a.registry.rotate("oslo", key, userKey(t)); err == nil {
		t.Error("a key was changed where there is room for revoking only")
	}
	accounts, err := a.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, acc := range accounts {
		if _, err := jwt.DecodeAccountClaims(acc.JWT); err != nil {
			t.Error(acc.Name, err)
		}
	}
	shutOut(mostRevoked * 12 / 10)
	if _, err := a.Accounts(); err == nil {
		t.Error("an account that no server takes is given out")
	}
}
