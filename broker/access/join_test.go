package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

var outsider = actor{role: nobody, name: "join"}

// handedIn is what the broker answers to a token, as it comes.
func handedIn(t *testing.T, nc *nats.Conn, q wire.Join) []byte {
	t.Helper()
	data, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	m, err := nc.Request(wire.AccessJoinSubject, data, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return m.Data
}

func curveKey(t *testing.T) (key nkeys.KeyPair, public string) {
	t.Helper()
	key, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = key.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return key, public
}

func opened(t *testing.T, data []byte, key nkeys.KeyPair) (r wire.AccessReply) {
	t.Helper()
	var e struct {
		From   string
		Sealed []byte
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	plain, err := key.Open(e.Sealed, e.From)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	if err := json.Unmarshal(plain, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAttack_ReadWhatJoinersAreTold: whoever reaches the broker may listen to
// where those who join are answered.
func TestAttack_ReadWhatJoinersAreTold(t *testing.T) {
	s := natstest.StartSecure(t)
	spy := outsider.connect(t, s.Mesh)
	defer spy.Close()
	heard := make(chan *nats.Msg, 64)
	if _, err := spy.ChanSubscribe("_INBOX_join.>", heard); err != nil || spy.Flush() != nil {
		t.Fatal(err)
	}
	line := s.Invite(t, wire.AccessCommand{Name: "paris", Role: wire.RoleAgent, Labels: map[string]string{"region": "europe"}})
	id, _ := joined(t, line)
	if id.Credential.Labels["region"] != "europe" {
		t.Errorf("%+v", id.Credential)
	}
	used := line
	if _, _, err := identity.Join(t.Context(), used, func(wire.Credential) (string, error) { return t.TempDir(), nil }); err == nil {
		t.Error("a token was used twice")
	}
	if err := spy.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(heard) < 2 {
		t.Fatalf("the spy heard %d answers", len(heard))
	}
	for len(heard) > 0 {
		m := <-heard
		for _, secret := range []string{"paris", "agent", "region", "europe", "eyJ", id.Credential.JWT, "not valid"} {
			if strings.Contains(string(m.Data), secret) {
				t.Errorf("the spy reads %q in %s", secret, m.Data)
			}
		}
	}
}

// TestJoin_OfBefore: a netmon that cannot open the answer is told so, and keeps its token.
func TestJoin_OfBefore(t *testing.T) {
	s := natstest.StartSecure(t)
	line := s.Invite(t, wire.AccessCommand{Name: "paris", Role: wire.RoleAgent})
	nc := outsider.connect(t, s.Mesh)
	defer nc.Close()
	_, key := natstest.NewKey(t)
	var r wire.AccessReply
	if data := handedIn(t, nc, wire.Join{Token: line.Token, Key: key}); json.Unmarshal(data, &r) != nil || r.Error == nil || !strings.Contains(r.Error.Message, "too old to join here") {
		t.Errorf("it is told %s", data)
	}
	joined(t, line)
}

// TestJoin_Again: an answer may be lost. Who asks again with the same key gets
// it again, and with another one never.
func TestJoin_Again(t *testing.T) {
	s := natstest.StartSecure(t)
	line := s.Invite(t, wire.AccessCommand{Name: "vic", Role: wire.RoleViewer})
	nc := outsider.connect(t, s.Mesh)
	defer nc.Close()
	curve, to := curveKey(t)
	_, key := natstest.NewKey(t)
	_, thief := natstest.NewKey(t)
	ask := func(key string) wire.AccessReply {
		return opened(t, handedIn(t, nc, wire.Join{Token: line.Token, Key: key, Curve: to}), curve)
	}
	for range 2 {
		if r := ask(key); !r.OK || r.Credential == nil || r.Credential.Name != "vic" {
			t.Errorf("%+v", r)
		}
		if r := ask(thief); r.OK {
			t.Errorf("with another key: %+v", r)
		}
	}
}

// TestAttack_JoinFlood: 60 connections hand in wrong tokens as fast as they can.
// Those who were invited join meanwhile, and nothing is left of the flood.
func TestAttack_JoinFlood(t *testing.T) {
	s := natstest.StartSecure(t)
	var lines []identity.Line
	for i := range 6 {
		lines = append(lines, s.Invite(t, wire.AccessCommand{Name: fmt.Sprint("v", i), Role: wire.RoleViewer}))
	}
	_, key := natstest.NewKey(t)
	_, to := curveKey(t)
	guess, err := json.Marshal(wire.Join{Token: "guess", Key: key, Curve: to})
	if err != nil {
		t.Fatal(err)
	}
	before := heapNow()
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	var sent atomic.Int64
	for range 58 { // some places are left for who joins
		nc := outsider.connect(t, s.Mesh)
		inbox := nc.NewInbox()
		flood.Go(func() {
			defer nc.Close()
			for ctx.Err() == nil {
				for range 200 {
					nc.PublishRequest(wire.AccessJoinSubject, inbox, guess)
				}
				sent.Add(200)
				if nc.FlushTimeout(30*time.Second) != nil {
					return
				}
			}
		})
	}
	time.Sleep(time.Second) // the flood is under way
	for _, l := range lines[:3] {
		begun := time.Now()
		joined(t, l)
		t.Logf("joined in the flood after %v", time.Since(begun))
	}
	stop()
	flood.Wait()
	for _, l := range lines[3:] {
		begun := time.Now()
		joined(t, l)
		if d := time.Since(begun); d > 3*time.Second {
			t.Errorf("joined after the flood, which takes %v", d)
		}
	}
	after := heapNow()
	runtime.KeepAlive(lines)
	t.Logf("%d wrong tokens; heap %d KiB before, %d after", sent.Load(), before>>10, after>>10)
	if after > before+64<<20 {
		t.Errorf("the flood left %d MiB", (after-before)>>20)
	}
}
