package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	"netmon/identity"
	"netmon/wire"
)

// TestRenewal: the key in use holds until another one takes over by the token, and
// is shut out then; the name, its labels and its suspension stay.
func TestRenewal(t *testing.T) {
	b := fullRegistry(t, 1)
	old, fresh := userKey(t), userKey(t)
	if _, err := b.join(identity.TokenSecret("tokenagent0"), by(old)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.suspend("agent0", "too much", time.Hour, time.Hour); err != nil {
		t.Fatal(err)
	}
	c := wire.AccessCommand{Name: "agent0", Role: wire.RoleAgent}
	if _, _, err := b.invite("anna", c); err == nil || !strings.Contains(err.Error(), "netmon token new agent --id agent0 --replace") {
		t.Errorf("without replace: %v", err)
	}
	c.Replace = true
	given := secretOf(t, b, c)
	secret := secretOf(t, b, c) // in place of the previous one
	b = reopened(t, b)
	if _, err := b.join(given, by(userKey(t))); !errors.Is(err, errToken) {
		t.Errorf("the line before it lets in: %v", err)
	}
	if m, is := b.member(old); !is || m.Name != "agent0" || shown(t, b, "agent0").Expires.IsZero() {
		t.Errorf("the key in use is out before another one came: %+v", shown(t, b, "agent0"))
	}
	for _, q := range []wire.Join{named(fresh, "other"), {Key: fresh, As: wire.JoinConsole}, by(old)} {
		if in, err := b.join(secret, q); err == nil {
			t.Errorf("%+v by %+v", in, q)
		}
	}
	for i := range 2 {
		in, err := b.join(secret, by(fresh))
		if err != nil || in.again != (i == 1) || in.replaced != (i == 0) || in.Name != "agent0" || in.Labels["region"] != "eu" {
			t.Fatalf("join %d: %+v, %v", i, in, err)
		}
		b = reopened(t, b)
	}
	if _, is := b.member(old); is || b.revoked(accountAgents)[old].IsZero() {
		t.Error("the key of before is not shut out")
	}
	if _, is := b.member(fresh); !is || shown(t, b, "agent0").State != "suspended" {
		t.Errorf("it is in as %+v", shown(t, b, "agent0"))
	}
	for _, s := range []string{secret, identity.TokenSecret("tokenagent0")} {
		if _, err := b.join(s, by(userKey(t))); !errors.Is(err, errToken) {
			t.Errorf("a used token lets in: %v", err)
		}
	}
}

// TestRenewal_Refused, and what becomes of one when its name is shut out.
func TestRenewal_Refused(t *testing.T) {
	b := fullRegistry(t, 2)
	if _, err := b.join(identity.TokenSecret("tokenagent0"), by(userKey(t))); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"agent1": "not in use", "nobody": "not in use"} {
		if _, _, err := b.invite("anna", wire.AccessCommand{Name: name, Role: wire.RoleAgent, Replace: true}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.invite("anna", wire.AccessCommand{Name: "agent0", Role: wire.RoleAdmin, Replace: true}); err == nil || !strings.Contains(err.Error(), "agent0") {
		t.Errorf("an agent becomes an admin: %v", err)
	}
	secret := secretOf(t, b, wire.AccessCommand{Name: "agent0", Role: wire.RoleAgent, Replace: true, Labels: map[string]string{"region": "us"}})
	if _, err := b.revoke("anna", "agent0"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.join(secret, by(userKey(t))); !errors.Is(err, errToken) || b.opens(secret, userKey(t)) {
		t.Errorf("a name that is shut out comes in by a line of before: %v", err)
	}
}

// TestRenewal_Person keeps the role where the token does not say another.
func TestRenewal_Person(t *testing.T) {
	b := fullRegistry(t, 0)
	person := func(key string) wire.Join { return wire.Join{Key: key, As: wire.JoinConsole} }
	if _, err := b.join(secretOf(t, b, wire.AccessCommand{Name: "olga", Role: wire.RoleOperator}), person(userKey(t))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.invite("anna", wire.AccessCommand{Name: "olga", Role: wire.RoleAgent, Replace: true}); err == nil {
		t.Error("a person becomes an agent")
	}
	for _, want := range []wire.Role{wire.RoleOperator, wire.RoleViewer} {
		c := wire.AccessCommand{Name: "olga", Replace: true}
		if want == wire.RoleViewer {
			c.Role = want
		}
		if in, err := b.join(secretOf(t, b, c), person(userKey(t))); err != nil || in.Role != want || !in.replaced {
			t.Errorf("%+v, %v, want %s", in, err, want)
		}
	}
}
