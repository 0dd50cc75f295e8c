package access

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/identity"
	"netmon/internal/atomicfile"
	"netmon/wire"
)

// agents are the options of a token for several of them.
func agents(uses int) wire.AccessCommand {
	return wire.AccessCommand{Name: "eu-hosts", Role: wire.RoleAgent, Uses: uses, Labels: map[string]string{"region": "eu"}}
}

// secretOf makes a token and returns what the registry finds it by.
func secretOf(t testing.TB, b *registry, c wire.AccessCommand) string {
	t.Helper()
	token, _, err := b.invite("anna", c)
	if err != nil {
		t.Fatal(err)
	}
	return identity.TokenSecret(token)
}

func named(key, name string) wire.Join {
	q := by(key)
	q.Name = name
	return q
}

// reopened is the registry as the next start finds it.
func reopened(t testing.TB, b *registry) *registry {
	t.Helper()
	again, err := openRegistry(filepath.Dir(b.path))
	if err != nil {
		t.Fatal(err)
	}
	again.now = b.now
	return again
}

func shown(t testing.TB, b *registry, name string) wire.Identity {
	t.Helper()
	for after := ""; ; {
		page, next := b.list(after)
		for _, i := range page {
			if i.Name == name {
				return i
			}
		}
		if next == "" {
			t.Fatalf("no %s is listed", name)
		}
		after = next
	}
}

// TestEnrolment: each agent has a name of its own, the token's labels, and takes
// one use, over restarts too.
func TestEnrolment(t *testing.T) {
	b := fullRegistry(t, 0)
	secret := secretOf(t, b, agents(3))
	first := userKey(t)
	for i, q := range []wire.Join{named(first, "web1"), named(first, "web1"), named(userKey(t), "web2"), {Key: userKey(t), As: wire.JoinAgent, Host: "web3"}} {
		in, err := b.join(secret, q)
		if err != nil || in.again != (i == 1) || in.Labels["region"] != "eu" || in.Role != wire.RoleAgent || in.By != "anna" || in.Token != "eu-hosts" {
			t.Fatalf("join %d: %+v, %v", i, in, err)
		}
		b = reopened(t, b)
	}
	if i := shown(t, b, "eu-hosts"); i.State != "used" || i.Uses != 3 || i.Used != 3 {
		t.Errorf("listed as %+v", i)
	}
	if in, err := b.join(secret, named(userKey(t), "web4")); !errors.Is(err, errToken) || in.why == "" {
		t.Errorf("a fourth came in: %+v, %v", in, err)
	}
	if in, err := b.join(secret, named(first, "web1")); err != nil || !in.again || !b.opens(secret, first) {
		t.Errorf("the answer of before, once it is used up: %+v, %v", in, err)
	}
	if b.opens(secret, userKey(t)) {
		t.Error("it opens for more than it is for")
	}
}

// TestEnrolment_Refused: what cannot work takes no use, and nobody takes a name.
func TestEnrolment_Refused(t *testing.T) {
	b := fullRegistry(t, 2) // agent1 was invited and has not come
	in, err := b.join(identity.TokenSecret("tokenagent0"), by(userKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []wire.AccessCommand{{Name: "vic", Role: wire.RoleViewer}, {Name: "gone", Role: wire.RoleAgent}} {
		as := by(userKey(t))
		if c.Role != wire.RoleAgent {
			as.As = wire.JoinConsole
		}
		if _, err := b.join(secretOf(t, b, c), as); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.revoke("anna", "gone"); err != nil {
		t.Fatal(err)
	}
	secret := secretOf(t, b, agents(2))
	for _, c := range []struct {
		what string
		q    wire.Join
		says string
	}{
		{"an agent's name", named(userKey(t), "agent0"), "--replace"},
		{"the name of one that is to come", named(userKey(t), "agent1"), `"agent1" is in use here`},
		{"a person's name", named(userKey(t), "vic"), `"vic" is in use here`},
		{"a revoked name", named(userKey(t), "gone"), `"gone" was shut out here`},
		{"the token's own name", named(userKey(t), "eu-hosts"), "in use"},
		{"the admin's of the broker's host", named(userKey(t), LocalAdmin), "has a meaning of its own"},
		{"the controller's", named(userKey(t), "controller"), "has a meaning of its own"},
		{"no name", by(userKey(t)), "name: is empty"},
		{"what is no name", named(userKey(t), "a.b"), "choose another id"},
		{"a person", wire.Join{Key: userKey(t), As: wire.JoinConsole, Name: "web1"}, "netmon agent --join"},
		{"nothing in particular", wire.Join{Key: userKey(t), Name: "web1"}, "not for a person"},
		{"another's key", named(in.Key, "web1"), "not valid"},
		{"no key", named("UABC", "web1"), "want the public NKey"},
	} {
		if in, err := b.join(secret, c.q); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v, want %q", c.what, in, err, c.says)
		}
	}
	if i := shown(t, b, "eu-hosts"); i.Used != 0 || i.State != "open" {
		t.Errorf("uses were taken: %+v", i)
	}
	now := time.Now().Add(2 * time.Hour)
	b.now = func() time.Time { return now }
	if _, err := b.join(secret, named(userKey(t), "web1")); !errors.Is(err, errToken) || shown(t, b, "eu-hosts").State != "expired" {
		t.Errorf("it came too late: %v", err)
	}
}

// TestEnrolment_Revoke: nobody else joins, and who did stays.
func TestEnrolment_Revoke(t *testing.T) {
	b := fullRegistry(t, 0)
	secret, key := secretOf(t, b, agents(5)), userKey(t)
	if _, err := b.join(secret, named(key, "web1")); err != nil {
		t.Fatal(err)
	}
	if i, err := b.revoke("anna", "eu-hosts"); err != nil || i.State != "revoked" {
		t.Fatalf("%+v, %v", i, err)
	}
	b = reopened(t, b)
	for _, k := range []string{key, userKey(t)} {
		if _, err := b.join(secret, named(k, "web1")); !errors.Is(err, errToken) || b.opens(secret, k) {
			t.Errorf("it lets in: %v", err)
		}
	}
	if _, is := b.get("web1"); !is {
		t.Error("who came by it went with it")
	}
	if _, _, err := b.invite("anna", agents(5)); err != nil {
		t.Errorf("the name cannot be given anew: %v", err)
	}
}

// TestEnrolment_Bounds of a token, and of the registry.
func TestEnrolment_Bounds(t *testing.T) {
	b := fullRegistry(t, 1)
	for _, c := range []struct {
		c    wire.AccessCommand
		says string
	}{
		{wire.AccessCommand{Role: wire.RoleAgent, Uses: mostUses + 1}, "uses: want 1 to 10000, got 10001"},
		{wire.AccessCommand{Role: wire.RoleAgent, Uses: -1, Name: "x"}, "uses: want 1 to 10000, got -1"},
		{wire.AccessCommand{Role: wire.RoleViewer, Uses: 2, Name: "x"}, "uses: a token for several is for agents"},
		{wire.AccessCommand{Role: wire.RoleAdmin, Uses: 2}, "uses: a token for several is for agents"},
		{wire.AccessCommand{Role: wire.RoleAgent, Uses: 2, Expires: wire.Duration(31 * 24 * time.Hour)}, "expires: want 1s to"},
		{wire.AccessCommand{Role: wire.RoleAgent, Uses: 2, Replace: true, Name: "agent0"}, "uses: a token that replaces"},
		{wire.AccessCommand{Role: wire.RoleAgent, Uses: 2, Name: "join"}, "has a meaning of its own"},
		{wire.AccessCommand{Role: wire.RoleAgent, Uses: 1}, "name: is empty"},
	} {
		if _, _, err := b.invite("anna", c.c); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.c, err, c.says)
		}
	}
	if _, made, err := b.invite("anna", wire.AccessCommand{Role: wire.RoleAgent, Uses: mostUses}); err != nil || !strings.HasPrefix(made.Name, "token-") || wire.CheckToken(made.Name) != nil || made.Uses != mostUses {
		t.Errorf("%+v, %v", made, err)
	}
	secret := secretOf(t, b, agents(2))
	if _, _, err := b.invite("anna", wire.AccessCommand{Name: "eu-hosts", Role: wire.RoleAgent}); err == nil || !strings.Contains(err.Error(), "is a token by which agents may join") {
		t.Errorf("another takes the name of a token that is open: %v", err)
	}
	for i := len(b.entries); i < mostEntries; i++ {
		name := fmt.Sprint("old", i)
		b.entries[name] = &entry{Identity: wire.Identity{Name: name, Role: wire.RoleAgent}}
	}
	if _, err := b.join(secret, named(userKey(t), "web1")); err == nil || !strings.Contains(err.Error(), "which is the limit") {
		t.Errorf("the registry is full: %v", err)
	}
	if b.entries["eu-hosts"].Used != 0 {
		t.Error("a full registry takes a use")
	}
}

// TestEnrolment_Concurrent: of many at once exactly as many come in as may.
func TestEnrolment_Concurrent(t *testing.T) {
	b := fullRegistry(t, 0)
	secret := secretOf(t, b, agents(20))
	var all sync.WaitGroup
	in := make(chan string, 60)
	for i := range 60 {
		q := named(userKey(t), fmt.Sprint("web", i))
		all.Go(func() {
			if _, err := b.join(secret, q); err == nil {
				in <- q.Name
			}
		})
	}
	all.Wait()
	if len(in) != 20 || reopened(t, b).entries["eu-hosts"].Used != 20 {
		t.Errorf("%d came in, and %d are counted", len(in), b.entries["eu-hosts"].Used)
	}
	for len(in) > 0 {
		if name := <-in; b.entries[name] == nil {
			t.Errorf("%s was let in and is not in the registry", name)
		}
	}
}

// TestEnrolment_DiskFull: what is not on disk was not used.
func TestEnrolment_DiskFull(t *testing.T) {
	b := fullRegistry(t, 0)
	secret, path := secretOf(t, b, agents(2)), b.path
	b.path = filepath.Join(filepath.Dir(b.path), "gone", registryName)
	if _, err := b.join(secret, named(userKey(t), "web1")); err == nil {
		t.Error("joined without a disk")
	}
	b.path = path
	if b.entries["eu-hosts"].Used != 0 || b.entries["web1"] != nil {
		t.Error("what did not get to the disk holds")
	}
}

// TestRegistry_BeforeUses opens as it was written before tokens had uses.
func TestRegistry_BeforeUses(t *testing.T) {
	dir := t.TempDir()
	key := userKey(t)
	data := fmt.Sprintf(`{"format":2,"number":7,"identities":{
 "paris":{"name":"paris","role":"agent","state":"","key":%q,"by":"anna","made":"2026-11-01T12:00:00Z","expires":"2026-11-01T13:00:00Z","joined":"2026-11-01T12:10:00Z","token_hash":"aa"},
 "oslo":{"name":"oslo","role":"agent","state":"","by":"anna","made":%q,"expires":%q,"token_hash":%q}}}`, key,
		time.Now().UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339), identity.TokenSecret("old"))
	if err := atomicfile.Write(filepath.Join(dir, registryName), []byte(data)); err != nil {
		t.Fatal(err)
	}
	b, err := openRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	if in, err := b.join("aa", by(key)); err != nil || !in.again || in.Name != "paris" {
		t.Errorf("who was in: %+v, %v", in, err)
	}
	if in, err := b.join(identity.TokenSecret("old"), by(userKey(t))); err != nil || in.Name != "oslo" {
		t.Errorf("who is to come: %+v, %v", in, err)
	}
}
