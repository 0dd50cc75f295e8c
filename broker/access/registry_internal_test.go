package access

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// fullRegistry holds n identities that were invited; it is in a folder of the test.
func fullRegistry(t testing.TB, n int) *registry {
	t.Helper()
	dir := t.TempDir()
	entries := map[string]*entry{}
	for i := range n {
		name := fmt.Sprint("agent", i)
		entries[name] = &entry{TokenHash: identity.TokenSecret("token" + name), Identity: wire.Identity{Name: name, Role: wire.RoleAgent, Labels: map[string]string{"region": "eu"},
			Made: time.Now(), Expires: time.Now().Add(time.Hour)}}
	}
	data, err := json.Marshal(entries)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, registryName), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := openRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func userKey(t testing.TB) string {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	return public(key)
}

// by is an agent's request to join with a key.
func by(key string) wire.Join { return wire.Join{Key: key, As: wire.JoinAgent} }

// TestRegistry_AGuessCopiesNothing: anybody may guess, and the registry may be large.
func TestRegistry_AGuessCopiesNothing(t *testing.T) {
	b, key := fullRegistry(t, 20_000), userKey(t)
	n := testing.AllocsPerRun(100, func() {
		if b.opens(identity.TokenSecret("guess"), key) {
			t.Error("it opens")
		}
		if in, err := b.join(identity.TokenSecret("guess"), by(key)); err == nil || in.why != "" {
			t.Errorf("%q %v", in.why, err)
		}
	})
	if n > 20 {
		t.Errorf("a guess makes %.0f allocations", n)
	}
}

// TestRegistry_FindsWhatItHolds: by tokens and keys, after every kind of change, as
// well as after it was read again; and nothing changes that is not on disk.
func TestRegistry_FindsWhatItHolds(t *testing.T) {
	b := fullRegistry(t, 3)
	now := time.Now()
	b.now = func() time.Time { return now }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		again, err := openRegistry(filepath.Dir(b.path))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again.byToken, b.byToken) || !reflect.DeepEqual(again.byKey, b.byKey) {
			t.Errorf("it finds\n%v %v\nand read anew\n%v %v", b.byToken, b.byKey, again.byToken, again.byKey)
		}
	}
	first, second, third := userKey(t), userKey(t), userKey(t)
	in, err := b.join(identity.TokenSecret("tokenagent0"), by(first))
	must(err)
	if same, err := b.join(identity.TokenSecret("tokenagent0"), by(first)); in.again || !same.again || err != nil {
		t.Errorf("again with the same key: %v, %v; %v", in.again, same.again, err)
	}
	if in, err := b.join(identity.TokenSecret("tokenagent0"), by(second)); err == nil || in.why == "" {
		t.Errorf("again with another key: %q %v", in.why, err)
	}
	if in, err := b.join(identity.TokenSecret("tokenagent1"), by(first)); err == nil || in.why != "the key belongs to agent0" {
		t.Errorf("another's key: %q %v", in.why, err)
	}
	_, err = b.rotate("agent0", first, second)
	must(err)
	_, _, err = b.confirm(second)
	must(err)
	if b.opens(identity.TokenSecret("tokenagent0"), first) || !b.opens(identity.TokenSecret("tokenagent0"), second) {
		t.Error("after a rotation the token opens for the key of before, or not for the one of now")
	}
	_, err = b.revoke("anna", "agent0")
	must(err)
	if b.opens(identity.TokenSecret("tokenagent0"), second) {
		t.Error("a revoked identity's token opens")
	}
	token, _, err := b.invite("anna", wire.AccessCommand{Name: "agent0", Role: wire.RoleAgent})
	must(err)
	_, err = b.join(identity.TokenSecret(token), by(first))
	if err == nil {
		t.Error("a key of before came in again")
	}
	_, err = b.join(identity.TokenSecret(token), by(third))
	must(err)
	must(b.local(userKey(t)))
	must(b.local(userKey(t)))

	was := b.entries["agent1"]
	b.path = filepath.Join(filepath.Dir(b.path), "gone", registryName) // a disk that fails
	if _, err := b.join(identity.TokenSecret("tokenagent1"), by(userKey(t))); err == nil {
		t.Error("joined without a disk")
	}
	if b.entries["agent1"] != was || !was.Joined.IsZero() || !b.opens(identity.TokenSecret("tokenagent1"), userKey(t)) {
		t.Error("what did not get to the disk holds")
	}
}

func BenchmarkRegistry_Guess(b *testing.B) {
	registry, key := fullRegistry(b, 20_000), userKey(b)
	for b.Loop() {
		registry.join("guess", by(key))
	}
}

func BenchmarkRegistry_Join(b *testing.B) {
	registry := fullRegistry(b, 20_000)
	i := 0
	for b.Loop() {
		if _, err := registry.join(identity.TokenSecret(fmt.Sprint("tokenagent", i)), by(userKey(b))); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
