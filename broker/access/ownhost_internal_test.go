package access

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"netmon/identity"
	"netmon/wire"
)

func admin(t *testing.T, a *Authority, dir string) (key string) {
	t.Helper()
	if err := a.WriteAdmin(dir, "tls://x:1"); err != nil {
		t.Fatal(err)
	}
	key, err := identity.PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if who, is := a.registry.member(key); !is || who.Name != LocalAdmin || who.Role != wire.RoleAdmin {
		t.Fatalf("%+v %v", who, is)
	}
	return key
}

// TestWriteAdmin_StartsChangeNoKey: neither keys nor lists pile up by restarts,
// and what is revoked stays so, however often somebody starts the broker.
func TestWriteAdmin_StartsChangeNoKey(t *testing.T) {
	a, dir := openAuthority(t, t.TempDir()), filepath.Join(t.TempDir(), "admin")
	stolen := admin(t, a, dir)
	_, list, _ := a.Trust()
	for range 3 {
		if admin(t, a, dir) != stolen {
			t.Fatal("a start changed the key")
		}
	}
	if err := a.WriteAdmin(dir, "tls://y:2"); err != nil {
		t.Fatal(err)
	}
	if id, err := identity.Load(dir); err != nil || id.URL != "tls://y:2" {
		t.Errorf("%+v %v", id, err)
	}
	if _, now, _ := a.Trust(); now != list {
		t.Error("starts made other lists")
	}
	if _, err := a.registry.revoke("anna", LocalAdmin); err != nil {
		t.Fatal(err)
	}
	for range mostOldKeys + 1 {
		if err := a.registry.local(userKey(t)); err != nil {
			t.Fatal(err)
		}
	}
	if admin(t, a, dir) == stolen {
		t.Error("a revoked key came back")
	}
	if a.registry.revoked(accountConsoles)[stolen].IsZero() {
		t.Error("a revoked key is revoked no more: what it comes in with does not expire")
	}
}

// TestWriteAdmin_ShutsOutWhatOthersCouldRead, and what is of another mesh or damaged.
func TestWriteAdmin_ShutsOutWhatOthersCouldRead(t *testing.T) {
	for what, harm := range map[string]func(dir string) error{
		"others could read it": func(dir string) error { return os.Chmod(identity.Creds(dir), 0o644) },
		"it is damaged":        func(dir string) error { return os.WriteFile(identity.Creds(dir), []byte("x"), 0o600) },
		"it is gone":           os.RemoveAll,
	} {
		if what == "others could read it" && runtime.GOOS == "windows" {
			continue
		}
		a, dir := openAuthority(t, t.TempDir()), filepath.Join(t.TempDir(), "admin")
		before := admin(t, a, dir)
		next := userKey(t)
		if _, err := a.registry.rotate(LocalAdmin, before, next); err != nil {
			t.Fatal(err)
		}
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		if admin(t, a, dir) == before {
			t.Errorf("%s: it is still in use", what)
		}
		out := a.registry.revoked(accountConsoles)
		if out[before].IsZero() || out[next].IsZero() {
			t.Errorf("%s: it still counts", what)
		}
	}
}

// TestEnrol_FolderLost: `netmon up` starts again, with another key.
func TestEnrol_FolderLost(t *testing.T) {
	a, dir := openAuthority(t, t.TempDir()), filepath.Join(t.TempDir(), "identity")
	c := wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent}
	enrol := func() (string, error) {
		t.Helper()
		if _, err := a.Enrol(dir, "tls://x:1", c); err != nil {
			return "", err
		}
		return identity.PublicKey(dir)
	}
	before, err := enrol()
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(dir)
	now, err := enrol()
	if err != nil || now == before {
		t.Fatalf("%v, the same key: %v", err, now == before)
	}
	if a.registry.revoked(accountAgents)[before].IsZero() {
		t.Error("the key of before still counts")
	}
	if _, err := a.registry.revoke("anna", "oslo"); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(dir)
	if _, err := enrol(); !errors.Is(err, ErrShutOut) {
		t.Errorf("revoked, and its folder gone: %v", err)
	}
	// A name that somebody was let in by with a token is not taken over.
	token, err := a.Invite("anna", wire.AccessCommand{Name: "bern", Role: wire.RoleAgent})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.registry.join(identity.TokenSecret(token), by(userKey(t))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Enrol(filepath.Join(t.TempDir(), "other"), "tls://x:1", wire.AccessCommand{Name: "bern", Role: wire.RoleAgent}); err == nil {
		t.Error("a name in use was taken over")
	}
}
