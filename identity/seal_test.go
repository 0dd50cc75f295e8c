package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

func curveKey(t testing.TB) (nkeys.KeyPair, string) {
	t.Helper()
	key, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

func sealed(t testing.TB, to string, r wire.AccessReply) []byte {
	t.Helper()
	s, err := NewSealer()
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Seal(r, to)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var granted = wire.AccessReply{OK: true, Credential: &wire.Credential{Name: "paris", Role: wire.RoleAgent, JWT: "eyJ0", Labels: map[string]string{"region": "eu"}}}

func TestSeal(t *testing.T) {
	mine, to := curveKey(t)
	other, _ := curveKey(t)
	data := sealed(t, to, granted)
	r, err := open(data, mine)
	if err != nil || r.Credential == nil || r.Credential.Name != "paris" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, word := range []string{"paris", "agent", "eyJ0", "region", "eu"} {
		if bytes.Contains(data, []byte(`"`+word)) {
			t.Errorf("it shows %s: %s", word, data)
		}
	}
	if r, err := open(data, other); err == nil {
		t.Errorf("another key opens it: %+v", r)
	}
}

// FuzzOpen: nothing that was not sealed to a key opens with it, and nothing panics.
func FuzzOpen(f *testing.F) {
	mine, to := curveKey(f)
	good := sealed(f, to, granted)
	f.Add(good)
	_, others := curveKey(f)
	f.Add(sealed(f, others, granted))
	for _, seed := range []string{"", "{}", "null", `{"from":"X","sealed":"eGt2MQ"}`, `{"ok":true,"credential":{"name":"paris"}}`, `{"from":"` + to + `","sealed":"eGt2MQ=="}`, `{"from":"` + to + `","sealed":""}`} {
		f.Add([]byte(seed))
	}
	var want wire.Sealed
	if err := json.Unmarshal(good, &want); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := open(data, mine)
		if err != nil {
			if r.Credential != nil || r.OK {
				t.Errorf("an error, and %+v", r)
			}
			return
		}
		var e wire.Sealed
		if json.Unmarshal(data, &e) != nil || e != want && !strings.EqualFold(e.Sealed, want.Sealed) {
			t.Errorf("%s opens as %+v", data, r)
		}
	})
}

// TestHandIn_IgnoresWhatIsNotSealedToIt: others send into the inbox what they like.
func TestHandIn_IgnoresWhatIsNotSealedToIt(t *testing.T) {
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	connect := func() *nats.Conn {
		nc, err := nats.Connect("", nats.InProcessServer(srv))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	authority, sign := testAuthority(t)
	_, others := curveKey(t)
	forged := wire.AccessReply{OK: true, Credential: &wire.Credential{Name: "evil", Role: wire.RoleAgent, JWT: "eyJ1"}}
	open, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	refusal := []byte(`{"ok":false,"error":{"code":"invalid","message":"this token is not valid here"}}`)
	broker := connect()
	asked := make(chan wire.Join, 16)
	answerAt := 2 // it drops the first
	if _, err := broker.Subscribe(wire.AccessJoinSubject, func(m *nats.Msg) {
		var q wire.Join
		json.Unmarshal(m.Data, &q)
		asked <- q
		for _, data := range [][]byte{nil, []byte("x"), refusal, open, sealed(t, others, forged)} {
			m.Respond(data)
		}
		if len(asked) >= answerAt {
			signed := sign(*granted.Credential, q.Key)
			m.Respond(sealed(t, q.Curve, wire.AccessReply{OK: true, Credential: &signed}))
		}
	}); err != nil || broker.Flush() != nil {
		t.Fatal(err)
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	c, err := handIn(t.Context(), connect(), "token", key, Joiner{As: wire.JoinAgent}, authority)
	if err != nil || c.Name != "paris" {
		t.Errorf("%+v, %v", c, err)
	}
	first, second := <-asked, <-asked
	if first != second || !nkeys.IsValidPublicCurveKey(first.Curve) || !nkeys.IsValidPublicUserKey(first.Key) {
		t.Errorf("it asks %+v, then %+v", first, second)
	}
	// An older broker answers unencrypted only.
	answerAt = 1000
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := handIn(ctx, connect(), "token", key, Joiner{As: wire.JoinAgent}, authority); err == nil || !errors.Is(err, errOldBroker) {
		t.Errorf("open answers only: %v", err)
	}
}
