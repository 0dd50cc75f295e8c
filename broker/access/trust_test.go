package access

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/internal/atomicfile"
	"netmon/internal/need"
	"netmon/wire"
)

func openAuthority(t testing.TB, dir string) *Authority {
	t.Helper()
	a, err := Open(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// pinning is the folder of somebody who pinned the authority.
func pinning(t testing.TB, a *Authority) string {
	t.Helper()
	dir := t.TempDir()
	if err := atomicfile.Write(identity.CA(dir), a.certs().authority); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTrust_OnlyTheAuthoritys: no other list counts, and no older one.
func TestTrust_OnlyTheAuthoritys(t *testing.T) {
	a, other := openAuthority(t, t.TempDir()), openAuthority(t, t.TempDir())
	dir := pinning(t, a)
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, number, changed := a.Trust()
	if err := trust.Take(first); err != nil || trust.Number() != number {
		t.Fatalf("%d %v", trust.Number(), err)
	}
	if m, ok := trust.Member(a.controller.Key); !ok || m.Role != wire.RoleController {
		t.Errorf("the controller: %+v %v", m, ok)
	}
	id, err := a.Enrol(t.TempDir(), "tls://x:1", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody is told of the new list")
	}
	second, number2, _ := a.Trust()
	if number2 <= number {
		t.Errorf("list %d after %d", number2, number)
	}
	if err := trust.Take(second); err != nil {
		t.Fatal(err)
	}
	foreign, _, _ := other.Trust()
	text, err := json.Marshal(wire.Trust{Number: 1 << 50, Members: []wire.Member{{Key: "UX", Name: "thief", Role: wire.RoleAdmin}}})
	if err != nil {
		t.Fatal(err)
	}
	resigned := wire.SignedTrust{Operator: second.Operator, Trust: string(text)}
	signing, err := resigned.Text()
	if err != nil {
		t.Fatal(err)
	}
	ofOther := resigned
	if ofOther.Signature, err = signText(other.keys().operator, signing); err != nil {
		t.Fatal(err)
	}
	ofAccount := resigned // of this mesh, and not its operator
	if ofAccount.Signature, err = signText(a.keys().accounts[accountMesh], signing); err != nil {
		t.Fatal(err)
	}
	broker := second // the broker's own certificate is of the authority, too
	block, _ := pem.Decode(readFile(t, a.certs().certFile))
	broker.Operator = base64.StdEncoding.EncodeToString(block.Bytes)
	ca := second
	block, _ = pem.Decode(a.certs().authority)
	ca.Operator = base64.StdEncoding.EncodeToString(block.Bytes)
	changedText := second
	changedText.Trust = strings.Replace(second.Trust, "operator", "admin", 1)
	for what, list := range map[string]wire.SignedTrust{"an older one": first, "another mesh's": foreign, "signed by another operator": ofOther,
		"signed by another key of the mesh": ofAccount, "with the broker's certificate": broker, "with the authority's own": ca, "changed": changedText, "nothing": {}} {
		if err := trust.Take(list); err == nil {
			t.Errorf("%s: it counts", what)
		} else {
			t.Log(what+":", err)
		}
	}
	again, err := identity.OpenTrust(dir)
	if err != nil || again.Number() != number2 {
		t.Errorf("after a restart: %d, want %d (%v)", again.Number(), number2, err)
	}
	if err := again.Take(first); err == nil {
		t.Error("an older one counts after a restart")
	}
	_ = id
}

// TestTrust_ShutOut: who was shut out is not on the next list, whoever that was
// invited by; agents and viewers are on none.
func TestTrust_Members(t *testing.T) {
	a := openAuthority(t, t.TempDir())
	for name, role := range map[string]wire.Role{"olga": wire.RoleOperator, "anna": wire.RoleAdmin, "vic": wire.RoleViewer, "paris": wire.RoleAgent} {
		if _, err := a.Enrol(t.TempDir(), "tls://x:1", wire.AccessCommand{Name: name, Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	names := func() string {
		list, _, _ := a.Trust()
		var l wire.Trust
		if err := json.Unmarshal([]byte(list.Trust), &l); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, m := range l.Members {
			out = append(out, m.Name)
		}
		return strings.Join(out, " ")
	}
	if got := names(); !strings.Contains(got, "olga") || !strings.Contains(got, "anna") || strings.Contains(got, "vic") || strings.Contains(got, "paris") {
		t.Errorf("on the list: %s", got)
	}
	if _, err := a.registry.revoke("anna", "olga"); err != nil {
		t.Fatal(err)
	}
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	if got := names(); strings.Contains(got, "olga") {
		t.Errorf("on the list after she was shut out: %s", got)
	}
}

// TestTrust_FitsIntoAMessage: with as many members as there may be, with the
// longest names, while all of them change their keys. Who was shut out is off the
// list anyway, the keys in use are on it, and the broker starts.
func TestTrust_FitsIntoAMessage(t *testing.T) {
	need.Time(t)
	dir := t.TempDir()
	a := openAuthority(t, dir)
	name := func(i int) string { return fmt.Sprintf("%064d", i) }
	for i := range mostMembers {
		a.registry.entries[name(i)] = &entry{Identity: wire.Identity{Name: name(i), Role: wire.RoleOperator, Key: fmt.Sprintf("U%055d", i), Joined: time.Now()},
			Next: fmt.Sprintf("UN%054d", i)}
		a.registry.index(name(i), nil, a.registry.entries[name(i)])
	}
	if _, err := a.registry.revoke("anna", name(7)); err != nil {
		t.Fatal(err)
	}
	fits := func(a *Authority) {
		t.Helper()
		list, _, _ := a.Trust()
		data, err := json.Marshal(wire.Command{Op: wire.OpTrust, Trust: &list})
		if err != nil || len(data) > wire.MaxMessage-2048 {
			t.Errorf("%d bytes (%v)", len(data), err)
		}
		var l wire.Trust
		if err := json.Unmarshal([]byte(list.Trust), &l); err != nil {
			t.Fatal(err)
		}
		on := map[string]bool{}
		for _, m := range l.Members {
			on[m.Key] = true
		}
		for i := range mostMembers {
			if key := fmt.Sprintf("U%055d", i); on[key] == (i == 7) {
				t.Fatalf("the key of %s is on the list: %v", name(i), on[key])
			}
		}
		if !on[a.controller.Key] || on[fmt.Sprintf("UN%054d", 7)] {
			t.Error("the controller is not on the list, or who was shut out is")
		}
	}
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	fits(a)
	a.Close()
	fits(openAuthority(t, dir))
}

// TestInvite_ExpiredDoNotCount among the operators and admins that there may be.
func TestInvite_ExpiredDoNotCount(t *testing.T) {
	b := fullRegistry(t, 0)
	for i := range mostMembers {
		name := fmt.Sprint("olga", i)
		b.entries[name] = &entry{Identity: wire.Identity{Name: name, Role: wire.RoleOperator, Made: time.Now().Add(-2 * time.Hour), Expires: time.Now().Add(-time.Hour)}}
	}
	c := wire.AccessCommand{Name: "anna", Role: wire.RoleAdmin}
	if _, _, err := b.invite("local", c); err != nil {
		t.Error(err)
	}
	for _, e := range b.entries {
		e.Expires = time.Now().Add(time.Hour)
	}
	c.Name = "max"
	if _, _, err := b.invite("local", c); err == nil {
		t.Error("more were invited than there may be")
	}
}

// TestOlderRegistry_IsNoticed: with it, who was shut out would come in again.
func TestOlderRegistry_IsNoticed(t *testing.T) {
	dir := t.TempDir()
	a := openAuthority(t, dir)
	if _, err := a.Enrol(t.TempDir(), "tls://x:1", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, a.registry.path)
	if _, err := a.registry.revoke("anna", "olga"); err != nil {
		t.Fatal(err)
	}
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	_, number, _ := a.Trust()
	a.Close()
	if err := os.WriteFile(a.registry.path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil, nil); err == nil || !strings.Contains(err.Error(), "is older than") {
		t.Fatalf("%v", err)
	}
	// All the same, by the words of the error: agents take the list that is made then.
	if err := os.Remove(filepath.Join(dir, trustName)); err != nil {
		t.Fatal(err)
	}
	b := openAuthority(t, dir)
	if _, now, _ := b.Trust(); now <= number {
		t.Errorf("list %d, and agents have seen %d", now, number)
	}
}

// TestRegistry_OfBefore reads the identities of netmon 0.1.0.
func TestRegistry_OfBefore(t *testing.T) {
	dir := t.TempDir()
	a := openAuthority(t, dir)
	if _, err := a.Enrol(t.TempDir(), "tls://x:1", wire.AccessCommand{Name: "format", Role: wire.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	a.Close()
	var f registryFile
	if err := json.Unmarshal(readFile(t, a.registry.path), &f); err != nil {
		t.Fatal(err)
	}
	old, err := json.MarshalIndent(f.Identities, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.registry.path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, trustName)); err != nil {
		t.Fatal(err)
	}
	b := openAuthority(t, dir)
	if id, ok := b.registry.get("format"); !ok || id.Role != wire.RoleOperator {
		t.Errorf("%+v %v", id, ok)
	}
	if b.registry.isAdopted() {
		t.Error("what was saved before counts as signed")
	}
}

func FuzzTrust(f *testing.F) {
	a, err := Open(f.TempDir(), nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.Close() })
	list, _, _ := a.Trust()
	data, err := json.Marshal(list)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	authority := string(a.certs().authority)
	f.Fuzz(func(t *testing.T, data []byte) {
		var l wire.SignedTrust
		if json.Unmarshal(data, &l) != nil {
			return
		}
		text, err := l.Text()
		if err != nil {
			return
		}
		if identity.CheckOperator(authority, l.Operator, text, l.Signature) == nil && l.Trust != list.Trust {
			t.Errorf("a list that was never signed counts: %s", data)
		}
	})
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// revoking makes a list without somebody.
func revoking(t *testing.T, a *Authority, name string) (wire.SignedTrust, uint64) {
	t.Helper()
	if _, err := a.registry.revoke("anna", name); err != nil {
		t.Fatal(err)
	}
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	list, number, _ := a.Trust()
	return list, number
}

// TestTrust_ThatCannotBeWritten: on a full disk a revocation counts at once, is
// an error each time it is brought, and is written when there is room.
func TestTrust_ThatCannotBeWritten(t *testing.T) {
	a := openAuthority(t, t.TempDir())
	who := t.TempDir()
	if _, err := a.Enrol(who, "tls://x:1", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	olga, err := identity.PublicKey(who)
	if err != nil {
		t.Fatal(err)
	}
	dir := pinning(t, a)
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, number, _ := a.Trust()
	if err := trust.Take(first); err != nil {
		t.Fatal(err)
	}
	if _, ok := trust.Member(olga); !ok {
		t.Fatal("olga is not on the list")
	}
	second, number2 := revoking(t, a, "olga")
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(dir, dir+".away") // stands for the full disk
	for range 2 {
		if err := trust.Take(second); !errors.Is(err, identity.ErrNotKept) {
			t.Errorf("it could not be written: %v", err)
		}
		if _, ok := trust.Member(olga); ok || trust.Number() != number2 || trust.Kept() != number || trust.Problem() == nil {
			t.Errorf("olga counts: %v; list %d, kept %d, want %d, %d; %v", ok, trust.Number(), trust.Kept(), number2, number, trust.Problem())
		}
	}
	if err := trust.Take(first); err == nil || errors.Is(err, identity.ErrNotKept) {
		t.Errorf("an older one meanwhile: %v", err)
	}
	move(dir+".away", dir)
	if err := trust.Take(second); err != nil || trust.Kept() != number2 || trust.Problem() != nil {
		t.Errorf("with room again: %v, kept %d, %v", err, trust.Kept(), trust.Problem())
	}
	again, err := identity.OpenTrust(dir)
	if err != nil || again.Number() != number2 || again.Kept() != number2 {
		t.Errorf("after a restart: list %d, want %d (%v)", again.Number(), number2, err)
	}
}

// TestTrust_OneListOfANumber: another list of the same number does not count.
func TestTrust_OneListOfANumber(t *testing.T) {
	a := openAuthority(t, t.TempDir())
	trust, err := identity.OpenTrust(pinning(t, a))
	if err != nil {
		t.Fatal(err)
	}
	list, number, _ := a.Trust()
	other, err := a.trust.sign(wire.Trust{Number: number, Members: []wire.Member{{Key: "UX", Name: "x", Role: wire.RoleAdmin}}})
	if err != nil {
		t.Fatal(err)
	}
	none, err := a.trust.sign(wire.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		list wire.SignedTrust
		ok   bool
	}{"the same again": {list, true}, "another one": {other, false}, "one without a number": {none, false}} {
		if err := trust.Take(list); err != nil {
			t.Fatal(err)
		}
		if err := trust.Take(c.list); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
		if _, ok := trust.Member("UX"); ok {
			t.Errorf("%s: it counts", what)
		}
	}
}

// TestTrust_Damaged: the file is set aside, nobody is obeyed, and the next list counts.
func TestTrust_Damaged(t *testing.T) {
	a, other := openAuthority(t, t.TempDir()), openAuthority(t, t.TempDir())
	list, number, _ := a.Trust()
	foreign, _, _ := other.Trust()
	ofOther, err := json.Marshal(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string]string{"torn": `{"operator":"x`, "empty": "", "another mesh's": string(ofOther)} {
		dir := pinning(t, a)
		file := filepath.Join(dir, "trust.json")
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		trust, err := identity.OpenTrust(dir)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		aside, err := filepath.Glob(file + ".bad-*")
		if err != nil || len(aside) != 1 || string(readFile(t, aside[0])) != data {
			t.Errorf("%s: set aside: %v (%v)", what, aside, err)
		}
		if p := trust.Problem(); p == nil || !strings.Contains(p.Error(), "is damaged, and was moved to ") {
			t.Errorf("%s: it says %v", what, p)
		}
		if _, ok := trust.Member(a.controller.Key); ok || trust.Number() != 0 || trust.Kept() != 0 {
			t.Errorf("%s: somebody is obeyed by list %d", what, trust.Number())
		}
		if err := trust.Take(list); err != nil || trust.Kept() != number || trust.Problem() != nil {
			t.Errorf("%s: the next list: %v, kept %d, %v", what, err, trust.Kept(), trust.Problem())
		}
	}
}

// TestSave_AnotherMesh: who joins another mesh in its old folder starts, and
// takes that one's list; who joins the same one again forgets no list.
func TestSave_AnotherMesh(t *testing.T) {
	a, other := openAuthority(t, t.TempDir()), openAuthority(t, t.TempDir())
	dir := t.TempDir()
	id, err := a.Enrol(dir, "tls://x:1", wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent})
	if err != nil {
		t.Fatal(err)
	}
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, number, _ := a.Trust()
	if err := trust.Take(list); err != nil {
		t.Fatal(err)
	}
	// What identity.Join does at its end.
	for _, c := range []struct {
		what   string
		by     *Authority
		number uint64
	}{{"the same mesh", a, number}, {"another mesh", other, 0}} {
		key, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		id.Authority = string(c.by.certs().authority)
		if id.Credential.JWT, err = c.by.keys().userJWT(wire.RoleAgent, "oslo", public(key)); err != nil {
			t.Fatal(err)
		}
		if err := id.Save(dir, key); err != nil {
			t.Fatal(err)
		}
		trust, err := identity.OpenTrust(dir)
		if err != nil || trust.Number() != c.number || trust.Problem() != nil {
			t.Fatalf("%s: list %d, want %d (%v, %v)", c.what, trust.Number(), c.number, err, trust.Problem())
		}
		list, _, _ := c.by.Trust()
		if err := trust.Take(list); err != nil {
			t.Errorf("%s: its list: %v", c.what, err)
		}
	}
}
