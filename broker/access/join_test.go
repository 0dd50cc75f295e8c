package access_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/race"
	"netmon/wire"
)

var outsider = actor{role: nobody, name: "join"}

// handedIn is what the broker answers to a token, as it comes.
func handedIn(t *testing.T, nc *nats.Conn, q any) []byte {
	t.Helper()
	data, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	m, err := nc.Request(wire.AccessJoinSubject, data, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return m.Data
}

// joinBy is a request to join, with its proof.
func joinBy(token, key, curve string) wire.Join {
	secret := identity.TokenSecret(token)
	q := wire.Join{ID: identity.JoinID(secret), Key: key, Curve: curve, As: wire.JoinConsole}
	q.Proof = identity.ProveJoin(secret, q)
	return q
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
	if _, err := join(t, used, t.TempDir()); err == nil {
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
		for _, secret := range []string{"paris", "agent", "region", "europe", "eyJ0eXAi", id.Credential.JWT, "not valid"} {
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
	if data := handedIn(t, nc, map[string]string{"token": line.Token, "key": key}); json.Unmarshal(data, &r) != nil || r.Error == nil || !strings.Contains(r.Error.Message, "too old to join here") {
		t.Errorf("it is told %s", data)
	}
	joined(t, line)
}

// TestJoin_Again: an answer may be lost. Whoever asks again with the same key gets
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
		return opened(t, handedIn(t, nc, joinBy(line.Token, key, to)), curve)
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
	need.Time(t)
	s := natstest.StartSecure(t)
	var lines []identity.Line
	for i := range 6 {
		lines = append(lines, s.Invite(t, wire.AccessCommand{Name: fmt.Sprint("v", i), Role: wire.RoleViewer}))
	}
	_, key := natstest.NewKey(t)
	_, to := curveKey(t)
	guess, err := json.Marshal(joinBy("guess", key, to))
	if err != nil {
		t.Fatal(err)
	}
	before := heapNow()
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	var sent atomic.Int64
	connections := 58 // some places are left for who joins
	if race.Enabled {
		connections = 8
	}
	for range connections {
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
		if d := time.Since(begun); d > 20*time.Second { // ms, where nothing else runs
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

// TestAttack_JoinThroughAServerInOtherHands: a nats-server that is not the
// mesh's, with a certificate of it, sees who joins, and is in nobody's place
// afterwards; nor does anybody take a credential from it.
func TestAttack_JoinThroughAServerInOtherHands(t *testing.T) {
	s := natstest.StartSecure(t)
	line := s.Invite(t, wire.AccessCommand{Name: "anna", Role: wire.RoleAdmin})
	cert, err := tls.LoadX509KeyPair(filepath.Join(access.FolderOf(s.Store()), "broker.pem"), filepath.Join(access.FolderOf(s.Store()), "broker-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, TLS: true, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("it does not start")
	}
	conf, err := s.ClientTLS()
	if err != nil {
		t.Fatal(err)
	}
	evil, err := nats.Connect(srv.ClientURL(), nats.Secure(conf))
	if err != nil {
		t.Fatal(err)
	}
	defer evil.Close()
	_, thiefKey := natstest.NewKey(t)
	thief, thiefCurve := curveKey(t)
	asked := make(chan wire.AccessReply, 100)
	if _, err := evil.Subscribe(wire.AccessJoinSubject, func(m *nats.Msg) {
		var q wire.Join
		if json.Unmarshal(m.Data, &q) != nil {
			return
		}
		if strings.Contains(string(m.Data), line.Token) || strings.Contains(string(m.Data), identity.TokenSecret(line.Token)) {
			t.Errorf("the token travels: %s", m.Data)
		}
		// In the place of who joins, at the real broker; and a credential of its own for who joins.
		real := outsider.connect(t, s.Mesh)
		defer real.Close()
		mine := q
		mine.Key, mine.Curve = thiefKey, thiefCurve
		asked <- opened(t, handedIn(t, real, mine), thief)
		sealer, err := identity.NewSealer()
		if err != nil {
			t.Error(err)
			return
		}
		data, err := sealer.Seal(wire.AccessReply{OK: true, Credential: &wire.Credential{Name: "anna", Role: wire.RoleAdmin, JWT: "not.of.themesh"}}, q.Curve)
		if err != nil {
			t.Error(err)
			return
		}
		m.Respond(data)
	}); err != nil || evil.Flush() != nil {
		t.Fatal(err)
	}
	through := line
	through.URL = "tls://" + srv.Addr().String()
	if _, err := join(t, through, t.TempDir()); err == nil || !strings.Contains(err.Error(), "not issued by the authority") {
		t.Errorf("who joins: %v", err)
	}
	if r := <-asked; r.OK || r.Credential != nil {
		t.Errorf("the server is let in: %+v", r)
	}
	joined(t, line) // the token was not used up

	// The same to somebody who changes the key: what it has stays.
	id, dir := s.LetIn(t, wire.RoleAgent, "paris")
	before, err := identity.PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evil.Subscribe("access.rotate.*", func(m *nats.Msg) {
		m.Respond([]byte(`{"ok":true,"credential":{"name":"paris","role":"agent","jwt":"not.of.themesh"}}`))
	}); err != nil || evil.Flush() != nil {
		t.Fatal(err)
	}
	if err := identity.Rotate(t.Context(), evil, dir); err == nil || !strings.Contains(err.Error(), "not issued by the authority") {
		t.Errorf("who changes the key: %v", err)
	}
	if after, err := identity.PublicKey(dir); err != nil || after != before {
		t.Errorf("the key is %s (%v), and was %s", after, err, before)
	}
	if _, err := connect(t, id, dir); err != nil {
		t.Error(err)
	}
}
