package access

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"

	"netmon/identity"
	"netmon/internal/need"
	"netmon/wire"
)

// people is a registry with a viewer, an operator and an admin, and their keys.
func people(t *testing.T) (b *registry, keys map[string]string, clock *time.Time) {
	t.Helper()
	b = fullRegistry(t, 0)
	now := time.Now()
	b.now = func() time.Time { return now }
	keys = map[string]string{"vic": userKey(t), "olga": userKey(t), "anna": userKey(t), "oslo": userKey(t)}
	for name, role := range map[string]wire.Role{"vic": wire.RoleViewer, "olga": wire.RoleOperator, "anna": wire.RoleAdmin, "oslo": wire.RoleAgent} {
		if err := b.enrol(wire.AccessCommand{Name: name, Role: role}, keys[name]); err != nil {
			t.Fatal(err)
		}
	}
	return b, keys, &now
}

func opening(key string, role wire.Role, lasts time.Duration) wire.Delegation {
	return wire.Delegation{Op: wire.DelegateOpen, Key: key, Role: role, For: wire.Duration(lasts), Of: "a test"}
}

func mustOpen(t *testing.T, b *registry, name, by string, role wire.Role, lasts time.Duration) string {
	t.Helper()
	key := userKey(t)
	if _, fresh, err := b.openSession(name, by, opening(key, role, lasts)); err != nil || !fresh {
		t.Fatalf("%s as %s: %v, fresh %v", name, role, err, fresh)
	}
	return key
}

// acts says whether a key acts in a name, and is let in by servers as far as we say.
func acts(t *testing.T, b *registry, what, key string, want bool) {
	t.Helper()
	_, is := b.signer(key)
	listed := false
	for _, m := range b.sessions() {
		listed = listed || m.Key == key
	}
	if out := !b.revoked(accountConsoles)[key].IsZero(); is != want || listed != want || out == want {
		t.Errorf("%s: signs %v, is on the list %v, is shut out %v; want %v, %v, %v", what, is, listed, out, want, want, !want)
	}
}

// TestSession_Roles: at most one's own, and never an admin's; only people have sessions.
func TestSession_Roles(t *testing.T) {
	b, keys, _ := people(t)
	for _, c := range []struct {
		name string
		role wire.Role
		ok   bool
	}{
		{"vic", wire.RoleViewer, true}, {"vic", wire.RoleOperator, false}, {"vic", wire.RoleAdmin, false},
		{"olga", wire.RoleViewer, true}, {"olga", wire.RoleOperator, true}, {"olga", wire.RoleAdmin, false},
		{"anna", wire.RoleViewer, true}, {"anna", wire.RoleOperator, true}, {"anna", wire.RoleAdmin, false},
		{"oslo", wire.RoleViewer, false}, {"oslo", wire.RoleAgent, false}, {"anna", wire.RoleNotifier, false}, {"anna", roleController, false},
	} {
		key := userKey(t)
		_, _, err := b.openSession(c.name, keys[c.name], opening(key, c.role, time.Hour))
		if (err == nil) != c.ok {
			t.Errorf("%s as %s: %v", c.name, c.role, err)
		}
		if who, is := b.signer(key); is != c.ok || is && (who.Name != c.name || who.Role != c.role) {
			t.Errorf("%s as %s: it is %+v, %v", c.name, c.role, who, is)
		}
		if _, own := b.member(key); own {
			t.Errorf("%s as %s: the key counts as their own", c.name, c.role)
		}
	}
}

// TestSession_WhoMayOpen: only the key in use, and only with a key that is nobody's.
func TestSession_WhoMayOpen(t *testing.T) {
	b, keys, _ := people(t)
	k := mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour)
	for what, c := range map[string]struct{ name, by, key string }{
		"a session":                       {"olga", k, userKey(t)},
		"another":                         {"olga", keys["anna"], userKey(t)},
		"nobody":                          {"olga", "", userKey(t)},
		"a name that there is not":        {"max", keys["olga"], userKey(t)},
		"for another's own key":           {"olga", keys["olga"], keys["vic"]},
		"for one's own key":               {"olga", keys["olga"], keys["olga"]},
		"for another's session":           {"anna", keys["anna"], k},
		"for one of another role's":       {"olga", keys["olga"], k},
		"for what is no key":              {"olga", keys["olga"], "UABC"},
		"for the key of an account":       {"olga", keys["olga"], "A" + k[1:]},
		"for a key whose checksum is bad": {"olga", keys["olga"], k[:55] + "A"},
	} {
		if _, _, err := b.openSession(c.name, c.by, opening(c.key, wire.RoleViewer, time.Hour)); err == nil {
			t.Errorf("%s opened a session", what)
		}
	}
	again, fresh, err := b.openSession("olga", keys["olga"], opening(k, wire.RoleOperator, 2*time.Hour))
	if err != nil || fresh || again.Until.Sub(b.now()) > time.Hour {
		t.Errorf("asked again: until %v, fresh %v, %v", again.Until, fresh, err)
	}
	if _, err := b.rotate("olga", k, userKey(t)); err == nil {
		t.Error("a session changed the person's key")
	}
	if _, err := b.rotate("vic", keys["vic"], k); err == nil {
		t.Error("somebody took a session's key for their own")
	}
	if _, done, err := b.confirm(k); done || err != nil {
		t.Errorf("a session confirmed a key: %v, %v", done, err)
	}
}

// TestSession_Ends by its time, by hand and with the person's key, and stays so after a
// restart from disk.
func TestSession_Ends(t *testing.T) {
	for what, end := range map[string]func(t *testing.T, b *registry, key, own string, clock *time.Time) error{
		"by its time": func(t *testing.T, b *registry, key, _ string, clock *time.Time) error {
			*clock = clock.Add(time.Hour)
			acts(t, b, "before anybody looked", key, false)
			list, err := b.endOver()
			if len(list) != 1 || list[0].name != "olga" || list[0].Key != key {
				t.Errorf("ended: %+v", list)
			}
			return err
		},
		"by hand": func(t *testing.T, b *registry, key, _ string, _ *time.Time) error {
			if _, err := b.endSession("anna", key); err == nil {
				t.Error("another one ended it")
			}
			if _, err := b.endSession("olga", userKey(t)); err == nil {
				t.Error("one that there is not was ended")
			}
			done, err := b.endSession("olga", key)
			if !done {
				t.Error("nothing was done")
			}
			return err
		},
		"revoked": func(t *testing.T, b *registry, _, _ string, _ *time.Time) error {
			_, err := b.revoke("anna", "olga")
			return err
		},
		"another key of the person": func(t *testing.T, b *registry, key, own string, _ *time.Time) error {
			next := userKey(t)
			if _, err := b.rotate("olga", own, next); err != nil {
				return err
			}
			acts(t, b, "before the next key is in use", key, true)
			_, _, err := b.confirm(next)
			return err
		},
		"--replace": func(t *testing.T, b *registry, key, _ string, _ *time.Time) error {
			token, _, err := b.invite("anna", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator, Replace: true})
			if err != nil {
				return err
			}
			acts(t, b, "before the line was used", key, true)
			_, err = b.join(identity.TokenSecret(token), wire.Join{Key: userKey(t), As: wire.JoinConsole})
			return err
		},
		"revoked, and let in again": func(t *testing.T, b *registry, _, _ string, _ *time.Time) error {
			if _, err := b.revoke("anna", "olga"); err != nil {
				return err
			}
			_, _, err := b.invite("anna", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator})
			return err
		},
		"a program of this host gets another key": func(t *testing.T, b *registry, _, _ string, _ *time.Time) error {
			return b.enrol(wire.AccessCommand{Name: "olga", Role: wire.RoleOperator}, userKey(t))
		},
	} {
		t.Run(what, func(t *testing.T) {
			b, keys, clock := people(t)
			key := mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour)
			other := mustOpen(t, b, "anna", keys["anna"], wire.RoleViewer, 3*time.Hour)
			acts(t, b, "open", key, true)
			acts(t, reopened(t, b), "open, after a restart", key, true)
			if err := end(t, b, key, keys["olga"], clock); err != nil {
				t.Fatal(err)
			}
			again := reopened(t, b)
			for when, b := range map[string]*registry{"": b, ", after a restart": again} {
				acts(t, b, "over"+when, key, false)
				acts(t, b, "another's"+when, other, true)
				if b.byKey[key] == "" {
					t.Errorf("its key may be somebody's again%s", when)
				}
			}
			if done, err := again.endSession("olga", key); done || err != nil {
				t.Errorf("ended again: %v, %v", done, err)
			}

			// Nothing is kept of it once nothing lets it in.
			*clock = clock.Add(time.Hour + sessionKept)
			if _, err := again.endOver(); err != nil {
				t.Fatal(err)
			}
			if e := again.entries["olga"]; len(e.Over)+len(e.Sessions) != 0 || again.byKey[key] != "" || !again.revoked(accountConsoles)[key].IsZero() {
				t.Errorf("it is still known: %+v", e)
			}
		})
	}
}

// TestSession_Bounds: of one identity at once and within a day, of all, and of the list.
func TestSession_Bounds(t *testing.T) {
	b, keys, clock := people(t)
	try := func(name string, role wire.Role) (string, error) {
		key := userKey(t)
		_, _, err := b.openSession(name, keys[name], opening(key, role, time.Hour))
		return key, err
	}
	refused := func(what string, err error, says string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
	}
	opened := 0
	for range 100 { // a thief of vic's key opens and ends without end
		key, err := try("vic", wire.RoleViewer)
		if err != nil {
			refused("more than in a day", err, "within about a day")
			break
		}
		opened++
		if _, err := b.endSession("vic", key); err != nil {
			t.Fatal(err)
		}
	}
	if opened != sessionsMost {
		t.Errorf("%d, want %d", opened, sessionsMost)
	}
	for range sessionsOpen {
		if _, err := try("olga", wire.RoleViewer); err != nil {
			t.Fatal(err)
		}
	}
	_, err := try("olga", wire.RoleViewer)
	refused("more than at once", err, "olga has 10 sessions")
	*clock = clock.Add(2*time.Hour + sessionKept)
	if _, err := b.endOver(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vic", "olga"} {
		if _, err := try(name, wire.RoleViewer); err != nil {
			t.Errorf("%s, a day later: %v", name, err)
		}
	}

	many := &entry{Identity: wire.Identity{Name: "many", Role: wire.RoleViewer}}
	for i := range sessionsAll {
		many.Over = append(many.Over, overKey{fmt.Sprintf("U%055d", i), b.now().Add(time.Hour)})
	}
	b.entries["many"] = many
	b.index("many", nil, many)
	_, err = try("anna", wire.RoleViewer)
	refused("more than of all", err, "the mesh had 500 sessions")
	b.index("many", many, &entry{})
	delete(b.entries, "many")
	for i := range mostMembers {
		name := fmt.Sprint("o", i)
		b.entries[name] = &entry{Identity: wire.Identity{Name: name, Role: wire.RoleOperator, Key: name}}
	}
	_, err = try("anna", wire.RoleOperator)
	refused("more than the list holds", err, "operators and admins")
	if _, err := try("anna", wire.RoleViewer); err != nil {
		t.Error("a viewer's is not on the list:", err)
	}
}

// TestSession_ClockSteps: no step of the clock makes a session longer than it was to be,
// nor is anything kept for years.
func TestSession_ClockSteps(t *testing.T) {
	b, keys, clock := people(t)
	right := *clock
	key := mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour)
	*clock = right.Add(-time.Minute)
	acts(t, b, "the clock stepped back a little", key, true)
	*clock = right.Add(-time.Hour)
	acts(t, b, "the clock stepped back", key, false)
	if _, err := b.endOver(); err != nil {
		t.Fatal(err)
	}
	*clock = right
	acts(t, b, "the clock is right again", key, false)

	*clock = right.AddDate(10, 0, 0) // it is ahead, as two are opened and one is ended
	ahead, ended := mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour), mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour)
	if _, err := b.endSession("olga", ended); err != nil {
		t.Fatal(err)
	}
	*clock = right
	acts(t, b, "of a clock that was ahead", ahead, false)
	if _, err := b.endOver(); err != nil {
		t.Fatal(err)
	}
	*clock = right.Add(48 * time.Hour)
	if _, err := b.endOver(); err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]string{"open": ahead, "ended": ended} { // their credentials last for ten years
		acts(t, reopened(t, b), "two days later, "+what, key, false)
	}
	if e := b.entries["olga"]; len(e.Over)+len(e.Sessions) != 0 {
		t.Errorf("it takes a share for ten years: %+v", e)
	}

	// Ahead by a few hours, it ends them early, and their keys stay out.
	key = mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour)
	*clock = clock.Add(20 * time.Hour)
	if _, err := b.endOver(); err != nil {
		t.Fatal(err)
	}
	*clock = clock.Add(-20 * time.Hour)
	if _, err := b.endOver(); err != nil {
		t.Fatal(err)
	}
	acts(t, b, "ended by a clock that was ahead", key, false)
}

// TestSession_DiskIsFull: what could not be written does not hold, and what is over does
// not count, whatever could be written.
func TestSession_DiskIsFull(t *testing.T) {
	b, keys, clock := people(t)
	key := mustOpen(t, b, "olga", keys["olga"], wire.RoleOperator, time.Hour)
	path := b.path
	b.path = filepath.Join(filepath.Dir(b.path), "gone", registryName)
	fresh := userKey(t)
	if _, _, err := b.openSession("olga", keys["olga"], opening(fresh, wire.RoleViewer, time.Hour)); err == nil {
		t.Error("opened without a disk")
	}
	if _, is := b.signer(fresh); is {
		t.Error("what did not get to the disk holds")
	}
	*clock = clock.Add(time.Hour)
	if list, err := b.endOver(); err == nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	acts(t, b, "over, and not written", key, false)
	b.path = path
	if list, err := b.endOver(); err != nil || len(list) != 1 {
		t.Errorf("with room again: %v, %v", list, err)
	}
}

// TestSession_Credential is for the session's key and name, until its end, signed by the authority.
func TestSession_Credential(t *testing.T) {
	a := openAuthority(t, t.TempDir())
	o := wire.Session{Key: userKey(t), Role: wire.RoleOperator, Made: time.Now(), Until: time.Now().Add(time.Hour).UTC().Truncate(time.Second)}
	c, err := a.signs.Load().session("olga", o)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := jwt.DecodeUserClaims(c.JWT)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != o.Key || claims.Name != "olga:"+o.Key || claims.Expires != o.Until.Unix() || claims.Issuer != public(a.keys().roles[wire.RoleOperator]) {
		t.Errorf("%+v", claims)
	}
	text, err := c.Text(o.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.CheckOperator(string(a.certs().authority), c.Operator, text, c.Signature); err != nil {
		t.Error(err)
	}
	c.Until = c.Until.Add(time.Hour)
	if text, err = c.Text(o.Key); err != nil {
		t.Fatal(err)
	}
	if identity.CheckOperator(string(a.certs().authority), c.Operator, text, c.Signature) == nil {
		t.Error("its end can be changed on the way")
	}
}

// TestSession_AuthorityChanges: they end at the switch, are waited for by nobody, and
// acknowledge nothing.
func TestSession_AuthorityChanges(t *testing.T) {
	a := openAuthority(t, filepath.Join(t.TempDir(), "access"))
	dir := t.TempDir()
	if _, err := a.Enrol(dir, "tls://x:1", wire.AccessCommand{Name: "olga", Role: wire.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	own, err := identity.PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := mustOpen(t, a.registry, "olga", own, wire.RoleOperator, time.Hour)
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	listed := func() bool {
		list, _, _ := a.Trust()
		return strings.Contains(list.Trust, key)
	}
	if !listed() {
		t.Error("an operator's session is not on the list")
	}
	if err := a.Announce("anna", nil, false); err != nil {
		t.Fatal(err)
	}
	if s := a.State(); s.All != 1 || len(s.Missing) != 1 {
		t.Errorf("%+v", s)
	}
	if err := a.rotation.kept(wire.Member{Key: own, Name: "olga"}, a.rotation.pin()); err != nil || !a.Ready() {
		t.Fatal(err, a.State())
	}
	if err := a.Switch(); err != nil {
		t.Fatal(err)
	}
	if _, is := a.registry.signer(key); is || listed() || len(a.registry.entries["olga"].Sessions)+len(a.registry.entries["olga"].Over) != 0 {
		t.Error("the session is still there after the switch")
	}
}

// TestSession_RoomToRevoke: as many keys as can be shut out fit into an account together
// with all sessions, and all members with all operators' sessions leave the list usable.
func TestSession_RoomToRevoke(t *testing.T) {
	need.Time(t)
	a := openAuthority(t, t.TempDir())
	many := &entry{Identity: wire.Identity{Name: "many", Role: wire.RoleViewer}}
	for i := range mostRevoked {
		many.Old = append(many.Old, oldKey{Key: fmt.Sprintf("U%055d", i), Role: wire.RoleViewer})
	}
	for i := range sessionsAll {
		many.Over = append(many.Over, overKey{fmt.Sprintf("UO%054d", i), time.Now()})
	}
	a.registry.entries["many"] = many
	accounts, err := a.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, acc := range accounts {
		if acc.Name == accountConsoles && len(acc.JWT) > jwt.MaxTokenSize {
			t.Errorf("%d bytes", len(acc.JWT))
		}
	}
	name := func(i int) string { return fmt.Sprintf("%064d", i) }
	for i := range mostMembers {
		e := &entry{Identity: wire.Identity{Name: name(i), Role: wire.RoleOperator, Key: fmt.Sprintf("UK%054d", i)}}
		if i < sessionsAll {
			e.Sessions = []wire.Session{{Key: fmt.Sprintf("US%054d", i), Role: wire.RoleOperator, Made: time.Now(), Until: time.Now().Add(time.Hour)}}
		}
		a.registry.entries[name(i)] = e
		a.registry.index(name(i), nil, e)
	}
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	list, _, _ := a.Trust()
	var l wire.Trust
	if err := json.Unmarshal([]byte(list.Trust), &l); err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, m := range l.Members {
		if strings.HasPrefix(m.Key, "UK") {
			own++
		}
	}
	if own != mostMembers {
		t.Errorf("sessions pushed %d keys of people off the list", mostMembers-own)
	}
}

// TestSession_OlderRegistry: one that has no sessions is read, and so is what is written.
func TestSession_OlderRegistry(t *testing.T) {
	b, _, _ := people(t)
	data, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(data); strings.Contains(text, "sessions") || strings.Contains(text, "over") {
		t.Errorf("who has no sessions is written with some: %s", text)
	}
}
