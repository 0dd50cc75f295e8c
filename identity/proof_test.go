package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

func newSigner(t testing.TB) (*Signer, string) {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return SignBy(key), public
}

// TestCheck_NothingCanBeChanged: a proof holds for the one message that was signed.
func TestCheck_NothingCanBeChanged(t *testing.T) {
	signer, public := newSigner(t)
	_, other := newSigner(t)
	header, err := signer.Sign("agent.paris.cmd", "DEL", []byte(`{"op":"stop"}`), wire.Proof{Challenge: "C", Nonce: "N", Store: "S", Revision: 7})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Check(header, "agent.paris.cmd", "DEL", []byte(`{"op":"stop"}`)); err != nil || p.Key != public || p.Challenge != "C" || p.Revision != 7 {
		t.Fatalf("%+v %v", p, err)
	}
	for _, c := range []struct{ what, header, subject, operation, data string }{
		{"another agent", header, "agent.oslo.cmd", "DEL", `{"op":"stop"}`},
		{"another operation", header, "agent.paris.cmd", "", `{"op":"stop"}`},
		{"other data", header, "agent.paris.cmd", "DEL", `{"op":"start"}`},
		{"another challenge", strings.Replace(header, `"C"`, `"D"`, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"another nonce", strings.Replace(header, `"N"`, `"M"`, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"another store", strings.Replace(header, `"S"`, `"T"`, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"another revision", strings.Replace(header, `7`, `8`, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"another key", strings.Replace(header, public, other, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"no signature", strings.Replace(header, `"signature":"`, `"signature":"A`, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"a part that runs into the next", strings.Replace(header, `"C"`, `"C\nN"`, 1), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"nothing", "", "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"no JSON", "x", "agent.paris.cmd", "DEL", `{"op":"stop"}`},
		{"too much", strings.Repeat("x", 5000), "agent.paris.cmd", "DEL", `{"op":"stop"}`},
	} {
		if _, err := Check(c.header, c.subject, c.operation, []byte(c.data)); err == nil {
			t.Errorf("%s: it passes", c.what)
		}
	}
}

// TestReceiver_Sender: who may, and who may not, and that each passes once.
func TestReceiver_Sender(t *testing.T) {
	olga, olgaKey := newSigner(t)
	vic, vicKey := newSigner(t)
	thief, _ := newSigner(t)
	members := map[string]wire.Member{olgaKey: {Key: olgaKey, Name: "olga", Role: wire.RoleOperator}, vicKey: {Key: vicKey, Name: "vic", Role: wire.RoleViewer}}
	challenges := &Challenges{}
	r := Receiver{Member: func(key string) (wire.Member, bool) { m, ok := members[key]; return m, ok }, Challenges: challenges}
	send := func(s *Signer, challenge string) error {
		header, err := s.SignRequest("x", challenge, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Sender(header, "x", nil, wire.RoleOperator)
		return err
	}
	for _, c := range []struct {
		what string
		err  error
		want wire.Code
	}{
		{"a viewer", send(vic, challenges.Now()), wire.CodeDenied},
		{"a stranger", send(thief, challenges.Now()), wire.CodeUnknown},
		{"for an old challenge", send(olga, "OLD"), wire.CodeChallenge},
		{"for none", send(olga, ""), wire.CodeChallenge},
	} {
		coder, ok := errors.AsType[wire.Coder](c.err)
		if !ok || coder.Code() != c.want {
			t.Errorf("%s: %v, want %s", c.what, c.err, c.want)
		}
	}
	header, err := olga.SignRequest("x", challenges.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := r.Sender(header, "x", nil, wire.RoleOperator); err != nil || who.Name != "olga" {
		t.Errorf("%+v %v", who, err)
	}
	if _, err := r.Sender(header, "x", nil, wire.RoleOperator); !errors.Is(err, errTwice) {
		t.Errorf("the same again: %v", err)
	}
}

func TestChallenges_Renew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Challenges
		first := c.Now()
		if c.Now() != first {
			t.Error("another one at once")
		}
		take := func(challenge, nonce string) error { return c.Take(wire.Proof{Challenge: challenge, Nonce: nonce}) }
		if err := take(first, "a"); err != nil {
			t.Error(err)
		}
		time.Sleep(challengeLife)
		second := c.Now()
		if second == first {
			t.Error("it is not renewed")
		}
		if err := take(first, "a"); !errors.Is(err, errTwice) {
			t.Errorf("twice, over the renewal: %v", err)
		}
		if err := take(first, "b"); err != nil {
			t.Errorf("the one before: %v", err)
		}
		if err := take(second, "a"); err != nil {
			t.Error(err)
		}
		time.Sleep(challengeLife)
		if err := take(first, "c"); !errors.Is(err, ErrStale) {
			t.Errorf("the one before that: %v", err)
		}
		time.Sleep(3 * challengeLife)
		if err := take(second, "d"); !errors.Is(err, ErrStale) {
			t.Errorf("after a long silence: %v", err)
		}
	})
}

// TestChallenges_Bounded: many requests make the challenge shorter, and not the
// memory larger.
func TestChallenges_Bounded(t *testing.T) {
	var c Challenges
	first := c.Now()
	for i := range mostNonces {
		if err := c.Take(wire.Proof{Challenge: first, Nonce: fmt.Sprint("n", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		if c.Take(wire.Proof{Challenge: c.Now(), Nonce: "again" + string(rune('a'+i))}) != nil {
			t.Errorf("request %d after many", i)
		}
	}
	if n := len(c.now.nonces) + len(c.past.nonces); n > 2*mostNonces {
		t.Errorf("%d nonces are kept", n)
	}
	if c.Now() == first {
		t.Error("the challenge is the same after as many requests as it bears")
	}
}

// TestRequests_SignsAgain: an old challenge costs one more request, and one only.
func TestRequests_SignsAgain(t *testing.T) {
	signer, _ := newSigner(t)
	var seen []string
	answer := `{"error":{"code":"challenge"},"challenge":"NEW"}`
	r := NewRequests(signer, func(_ context.Context, m *nats.Msg) (*nats.Msg, error) {
		p, err := Check(m.Header.Get(wire.ProofHeader), m.Subject, "", m.Data)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, p.Challenge)
		if p.Challenge == "NEW" {
			answer = `{"ok":true}`
		}
		return &nats.Msg{Data: []byte(answer)}, nil
	})
	for range 2 {
		if m, err := r.Do(t.Context(), "x", []byte("data")); err != nil || string(m.Data) != `{"ok":true}` {
			t.Fatalf("%v %v", m, err)
		}
	}
	if got := strings.Join(seen, ","); got != ",NEW,NEW" {
		t.Errorf("challenges %q", got)
	}
	stubborn := NewRequests(signer, func(context.Context, *nats.Msg) (*nats.Msg, error) {
		seen = append(seen, "!")
		return &nats.Msg{Data: []byte(`{"error":{"code":"challenge"},"challenge":"OTHER"}`)}, nil
	})
	seen = nil
	if m, err := stubborn.Do(t.Context(), "x", nil); err != nil || len(seen) != 2 {
		t.Errorf("%v %v after %d requests", m, err, len(seen))
	}
}
