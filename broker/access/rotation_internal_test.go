package access

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/identity"
	"netmon/internal/atomicfile"
	"netmon/wire"
)

// copyOf is a copy of a folder of an authority.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "access")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// listedBy says by whose operator the newest list is.
func listedBy(t *testing.T, a *Authority, pem string) (list wire.Trust) {
	t.Helper()
	signed, _, _ := a.Trust()
	text, err := signed.Text()
	if err == nil {
		err = identity.CheckOperator(pem, signed.Operator, text, signed.Signature)
	}
	if err == nil {
		err = json.Unmarshal([]byte(signed.Trust), &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestAuthority_SwitchCutShort kills the broker at each step of a switch: the next
// start ends it, and whatever the folder held that let somebody in is worth nothing.
func TestAuthority_SwitchCutShort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "access")
	a := openAuthority(t, dir)
	if err := a.WriteAdmin(a.Admin(), "tls://127.0.0.1:4222"); err != nil {
		t.Fatal(err)
	}
	admin, err := identity.PublicKey(a.Admin())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Invite("test", wire.AccessCommand{Name: "late", Role: wire.RoleAgent}); err != nil {
		t.Fatal(err)
	}
	before, former := string(a.certs().authority), a.Account()
	if err := a.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	next, pem := a.rotation.pin(), string(a.rotation.next.certs.authority)
	if list := listedBy(t, a, before); list.Next != next || next == "" {
		t.Errorf("the list names %q, want %q", list.Next, next)
	}
	_, number, _ := a.Trust()
	switching := a.rotation.f
	switching.Stage, switching.Before, switching.Account = stageSwitching, before, former
	a.Close()

	names := []string{keysName, caKeyName, caName, serverKeyName, serverName}
	for moved := range len(names) + 2 {
		dir := copyOf(t, dir)
		r := &rotation{dir: dir}
		if err := r.write(switching); err != nil {
			t.Fatal(err)
		}
		for _, name := range names[:min(moved, len(names))] {
			if err := os.Rename(filepath.Join(dir, nextFolder, name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if moved > len(names) {
			if err := os.Remove(filepath.Join(dir, nextFolder)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // and the start after that
			a, err := Open(dir, nil, nil)
			if err != nil {
				t.Fatalf("%d files moved: %v", moved, err)
			}
			list := listedBy(t, a, pem)
			if a.Pin() != next || list.Number <= number || list.Next != "" || a.Former() != former || a.Account() == former {
				t.Errorf("%d files moved: authority %s, list %d", moved, a.Pin(), list.Number)
			}
			if _, is := a.registry.member(admin); is || a.registry.lines() != 0 {
				t.Errorf("%d files moved: the key of this host's admin lets in: %v; lines that count: %d", moved, is, a.registry.lines())
			}
			if id, err := identity.Load(a.Admin()); err != nil || id.Authority != pem || id.URL != "tls://127.0.0.1:4222" {
				t.Errorf("%d files moved: this host's admin: %v", moved, err)
			}
			if key, err := identity.PublicKey(a.Admin()); err != nil {
				t.Error(err)
			} else if _, is := a.registry.member(key); !is {
				t.Errorf("%d files moved: this host's admin is nobody", moved)
			}
			if present(dir, nextFolder) {
				t.Errorf("%d files moved: %s is left", moved, nextFolder)
			}
			a.Close()
		}
	}
}

// TestAuthority_AnnouncementHolds: a start knows what was announced, also one from a
// backup; given up, all is as before.
func TestAuthority_AnnouncementHolds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "access")
	a := openAuthority(t, dir)
	if err := a.Abort(); err == nil {
		t.Error("nothing was given up")
	}
	pin := a.Pin()
	if err := a.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	next := a.State().Next
	if err := a.Announce("olga", nil, false); err != nil || a.State().Next != next || a.State().By != "anna" {
		t.Errorf("announced twice: %+v %v", a.State(), err)
	}
	if err := a.Announce("anna", []string{"nobody"}, false); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("without somebody unknown: %v", err)
	}
	a.Close()
	files, err := (&ReadOnly{dir: dir}).Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(t.TempDir(), "access")
	if err := Install(restored, files); err != nil {
		t.Fatal(err)
	}
	for what, dir := range map[string]string{"itself": dir, "a backup": restored} {
		a := openAuthority(t, dir)
		if s := a.State(); s.Next != next || s.Pin != pin || s.State != wire.AuthorityAnnounced || s.By != "anna" {
			t.Errorf("%s: %+v", what, s)
		}
		if err := a.Abort(); err != nil {
			t.Fatal(err)
		}
		if list := listedBy(t, a, string(a.certs().authority)); list.Next != "" || a.Pin() != pin || a.State().State != wire.AuthoritySteady {
			t.Errorf("%s, given up: %+v", what, a.State())
		}
		a.Close()
		a = openAuthority(t, dir)
		if a.State().State != wire.AuthoritySteady || present(dir, nextFolder) {
			t.Errorf("%s, given up and started: %+v", what, a.State())
		}
		a.Close()
	}
}

// TestAuthority_LostNext: where the keys that take over were lost, what is made in
// their place is another authority, which nobody has yet.
func TestAuthority_LostNext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "access")
	a := openAuthority(t, dir)
	if _, err := a.Enrol(t.TempDir(), "tls://x:1", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	if err := a.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	olga := memberNamed(t, a, "olga")
	if err := a.rotation.kept(olga, a.rotation.pin()); err != nil {
		t.Fatal(err)
	}
	if err := a.rotation.catchUp(); err != nil {
		t.Fatal(err)
	}
	next := a.State().Next
	if !a.Ready() {
		t.Errorf("olga has it, and is waited for: %+v", a.State())
	}
	a.Close()
	if err := os.RemoveAll(filepath.Join(dir, nextFolder)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, nextFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	a = openAuthority(t, dir)
	if s := a.State(); s.Next == next || a.Ready() || len(s.Missing) != 1 {
		t.Errorf("%+v, ready %v", s, a.Ready())
	}
	if err := a.rotation.kept(olga, next); err == nil {
		t.Error("who has the one that was lost is counted")
	}
}

func memberNamed(t *testing.T, a *Authority, name string) wire.Member {
	t.Helper()
	_, all := a.registry.members()
	for _, m := range all {
		if m.Name == name {
			return m
		}
	}
	t.Fatal(errors.New("nobody is called " + name))
	return wire.Member{}
}

// TestAuthority_DiskIsFull: what cannot be written did not happen, and can be tried again.
func TestAuthority_DiskIsFull(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "access")
	a := openAuthority(t, dir)
	pin, pem := a.Pin(), string(a.certs().authority)
	blocked := func(name string, do func() error) {
		t.Helper()
		path := filepath.Join(dir, name)
		kept, err := os.ReadFile(path)
		if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
			t.Fatal(err)
		}
		if err := do(); err == nil {
			t.Errorf("%s could not be written, and nobody says so", name)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			if err := atomicfile.Write(path, kept); err != nil {
				t.Fatal(err)
			}
		}
	}
	announce := func() error { return a.Announce("anna", nil, false) }
	blocked(rotationName, announce)
	if s := a.State(); s.State != wire.AuthoritySteady || listedBy(t, a, pem).Next != "" || a.rotation.pin() != "" {
		t.Errorf("%+v", s)
	}
	blocked(trustName, announce) // the list names it as soon as it can be written
	if err := announce(); err != nil || listedBy(t, a, pem).Next != a.State().Next || a.State().Next == "" {
		t.Fatalf("tried again: %+v %v", a.State(), err)
	}
	next := a.State().Next
	blocked(rotationName, a.Switch)
	if a.Pin() != pin || a.State().State != wire.AuthorityAnnounced {
		t.Errorf("%+v", a.State())
	}
	blocked(trustName, a.Switch) // on its way, and not to be stopped
	if !a.Ready() || a.Abort() == nil {
		t.Errorf("%+v", a.State())
	}
	if err := a.Switch(); err != nil {
		t.Fatal(err)
	}
	after := string(a.certs().authority)
	if list := listedBy(t, a, after); a.Pin() != next || list.Next != "" || a.Ready() {
		t.Errorf("%+v, the list names %q", a.State(), list.Next)
	}
}
