package access

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/identity"
	"netmon/wire"
)

// TestEnrolment_CanBeShutOut: nobody comes by a line for several who could not be
// shut out, and whoever did uses up no others' changes of their keys.
func TestEnrolment_CanBeShutOut(t *testing.T) {
	b := fullRegistry(t, 0)
	secret := secretOf(t, b, agents(10))
	old := func(n int) {
		e := &entry{Identity: wire.Identity{Name: "many", Role: wire.RoleAgent}}
		for i := range n {
			e.Old = append(e.Old, oldKey{Key: fmt.Sprintf("U%055d", i), Role: wire.RoleAgent})
		}
		b.entries["many"] = e
	}
	first, second := userKey(t), userKey(t)
	old(mostRevoked - 2)
	if _, err := b.join(secret, named(first, "web1")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.join(secret, named(second, "web2")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.join(secret, named(userKey(t), "web3")); err == nil || !strings.Contains(err.Error(), "the token was not used") {
		t.Errorf("one that could not be shut out: %v", err)
	}
	old(mostLeft / 2)
	if _, err := b.rotate("web1", first, userKey(t)); err == nil {
		t.Error("who came by a line for several takes more than half of the changes of keys")
	}
	one := secretOf(t, b, wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent})
	key := userKey(t)
	if _, err := b.join(one, named(key, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.rotate("oslo", key, userKey(t)); err != nil {
		t.Errorf("one that came by its own line: %v", err)
	}
}

// TestAuthority_SwitchWaitsForWhoCame: somebody joined after all had acknowledged.
func TestAuthority_SwitchWaitsForWhoCame(t *testing.T) {
	a := openAuthority(t, filepath.Join(t.TempDir(), "access"))
	if err := a.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	if !a.Ready() {
		t.Fatal("somebody is waited for")
	}
	secret := secretOf(t, a.registry, wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent})
	if _, err := a.registry.join(secret, named(userKey(t), "")); err != nil {
		t.Fatal(err)
	}
	pin := a.Pin()
	if err := a.Switch(); err != nil || a.Pin() != pin || a.State().State != wire.AuthorityAnnounced {
		t.Errorf("it switched without oslo: %v, %+v", err, a.State())
	}
}

// TestAuthority_StolenAdmin: the key of this host's own admin was in the folder. It
// is shut out by a change of the authority, also where its file is gone.
func TestAuthority_StolenAdmin(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprint(gone), func(t *testing.T) {
			a := openAuthority(t, filepath.Join(t.TempDir(), "access"))
			if err := a.WriteAdmin(a.Admin(), "tls://127.0.0.1:4222"); err != nil {
				t.Fatal(err)
			}
			stolen, err := identity.PublicKey(a.Admin())
			if err != nil {
				t.Fatal(err)
			}
			if gone {
				if err := os.RemoveAll(a.Admin()); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Announce("anna", nil, false); err != nil {
				t.Fatal(err)
			}
			if err := a.Switch(); err != nil || a.State().Before == "" {
				t.Fatal(err, a.State())
			}
			if who, in := a.registry.member(stolen); in {
				t.Errorf("the key of before is in: %+v", who)
			}
			keys := len(a.registry.entries[LocalAdmin].Old)
			if err := a.renewAdmin(); err != nil {
				t.Fatal(err)
			}
			if !gone && len(a.registry.entries[LocalAdmin].Old) != keys {
				t.Error("done again, it makes another key")
			}
		})
	}
}
