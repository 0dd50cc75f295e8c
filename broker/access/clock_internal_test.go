package access

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"netmon/identity"
	"netmon/wire"
)

// TestRegistry_ClockWasAhead once, by ten years, as somebody changed a key, was
// suspended and was invited. With the right clock none of it lasts for years.
func TestRegistry_ClockWasAhead(t *testing.T) {
	b, k1, _ := rotating(t)
	right := time.Now()
	now := right.AddDate(10, 0, 0)
	b.now = func() time.Time { return now }
	for range rotateADay { // a day's share
		k2 := userKey(t)
		follows(t, b, k1, k2)
		if _, _, err := b.confirm(k2); err != nil {
			t.Fatal(err)
		}
		k1, now = k2, now.Add(2*rotateEvery)
	}
	for range 4 { // in a row
		if _, done, err := b.suspend("oslo", "too much", 11*time.Minute, time.Hour); !done || err != nil {
			t.Fatal(done, err)
		}
		if _, err := b.resume("oslo", false); err != nil {
			t.Fatal(err)
		}
	}
	if _, done, err := b.suspend("oslo", "too much", 11*time.Minute, time.Hour); !done || err != nil {
		t.Fatal(done, err)
	}
	token, _, err := b.invite("anna", wire.AccessCommand{Name: "bern", Role: wire.RoleAgent})
	if err != nil {
		t.Fatal(err)
	}

	again, err := openRegistry(filepath.Dir(b.path)) // a restart
	if err != nil {
		t.Fatal(err)
	}
	again.now = func() time.Time { return right }
	if _, err := again.rotate("oslo", k1, userKey(t)); err != nil {
		t.Error("rotate:", err)
	}
	if len(again.due()) != 1 {
		t.Error("it stays suspended until", again.entries["oslo"].Until)
	}
	if _, err := again.resume("oslo", false); err != nil {
		t.Fatal(err)
	}
	if id, _, err := again.suspend("oslo", "too much", 11*time.Minute, time.Hour); err != nil || id.Until.Sub(right) > 12*time.Minute {
		t.Errorf("suspended until %v (%v): the ones ten years on are none before", id.Until, err)
	}
	if len(again.due()) != 0 {
		t.Error("a suspension of now is over at once")
	}
	if _, err := again.join(identity.TokenSecret(token), by(userKey(t))); err == nil {
		t.Error("a token for an hour is good for ten years")
	}
}

// TestTrust_AgentIsAhead: the newest list is lost, and the clock is behind. Agents
// take a list again once one of them said which it has; and what a hostile one
// says moves the number within bounds.
func TestTrust_AgentIsAhead(t *testing.T) {
	a := openAuthority(t, t.TempDir())
	agent, err := identity.OpenTrust(pinning(t, a))
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := a.Trust()
	if err := agent.Take(list); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(a.trust.path); err != nil {
		t.Fatal(err)
	}
	if a.trust, err = openTrust(a.dir, a.keys().operator, a.trust.cert); err != nil {
		t.Fatal(err)
	}
	a.trust.now = func() time.Time { return time.Unix(3600, 0) } // a host without a battery
	if err := a.relist(); err != nil {
		t.Fatal(err)
	}
	list, low, changed := a.Trust()
	if err := agent.Take(list); err == nil {
		t.Fatal("an older list was taken")
	}
	if err := a.Behind(uint64(time.Now().AddDate(11, 0, 0).UnixMilli())); err == nil {
		t.Error("an agent's word moved the number by eleven years")
	}
	if _, now, _ := a.Trust(); now != low {
		t.Errorf("list %d", now)
	}
	if err := a.Behind(agent.Number()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody is told that there is another list")
	}
	list, now, _ := a.Trust()
	if err := agent.Take(list); err != nil || now != agent.Number() {
		t.Errorf("%d of %d: %v", agent.Number(), now, err)
	}
	if err := a.Behind(now + 1); err == nil {
		t.Error("two within a minute")
	}
	if err := a.Behind(now - 1); err != nil {
		t.Errorf("an agent that is not ahead: %v", err)
	}
	if kept, err := openTrust(a.dir, a.keys().operator, a.trust.cert); err != nil || kept.list.Number != now {
		t.Errorf("on disk: list %d, %v", kept.list.Number, err)
	}
}
