package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// proved is a request to join that its sender proves to have the token for.
func proved(token string, q wire.Join) wire.Join {
	secret := identity.TokenSecret(token)
	q.ID = identity.JoinID(secret)
	q.Proof = identity.ProveJoin(secret, q)
	return q
}

// TestAttack_Enrolment: what somebody tries who stole a line for several agents.
func TestAttack_Enrolment(t *testing.T) {
	s := natstest.StartSecure(t)
	actors(t, s.Mesh) // paris is an agent, vic a viewer, anna an admin
	line := s.Invite(t, wire.AccessCommand{Role: wire.RoleAgent, Uses: 2})
	nc := outsider.connect(t, s.Mesh)
	defer nc.Close()
	curve, to := curveKey(t)
	_, key := natstest.NewKey(t)
	_, other := natstest.NewKey(t)
	_, otherCurve := curveKey(t)
	good := wire.Join{Key: key, Curve: to, As: wire.JoinAgent, Name: "web1"}
	with := func(change func(*wire.Join)) wire.Join {
		q := good
		change(&q)
		return q
	}
	changed := func(change func(*wire.Join)) wire.Join { // by somebody between, after it was proved
		q := proved(line.Token, good)
		change(&q)
		return q
	}
	const invalid = "not valid here"
	for _, c := range []struct {
		what string
		q    wire.Join
		says string
	}{
		{"an agent's name", proved(line.Token, with(func(q *wire.Join) { q.Name = "paris" })), `"paris" is in use here`},
		{"an agent's name, as its host's", proved(line.Token, with(func(q *wire.Join) { q.Name, q.Host = "", "paris" })), `"paris" is in use here`},
		{"an admin's name", proved(line.Token, with(func(q *wire.Join) { q.Name = "anna" })), `"anna" is in use here`},
		{"the name of the broker's own host", proved(line.Token, with(func(q *wire.Join) { q.Name = "local" })), "has a meaning of its own"},
		{"a name that shifts subjects", proved(line.Token, with(func(q *wire.Join) { q.Name = "paris.cmd" })), "has a character"},
		{"as a person", proved(line.Token, with(func(q *wire.Join) { q.As = wire.JoinConsole })), "netmon agent --join"},
		{"as an admin", proved(line.Token, with(func(q *wire.Join) { q.As = "admin" })), "not for a person"},
		{"another name, put in on the way", changed(func(q *wire.Join) { q.Name = "web2" }), invalid},
		{"a host, put in on the way", changed(func(q *wire.Join) { q.Name, q.Host = "", "web1" }), invalid},
		{"another key, put in on the way", changed(func(q *wire.Join) { q.Key = other }), invalid},
		{"as a person, put in on the way", changed(func(q *wire.Join) { q.As = wire.JoinConsole }), invalid},
		{"without a proof", changed(func(q *wire.Join) { q.Proof = "" }), invalid},
	} {
		if r := opened(t, handedIn(t, nc, c.q), curve); r.OK || r.Credential != nil || r.Error == nil || !strings.Contains(r.Error.Message, c.says) {
			t.Errorf("%s: %+v (%v), want %q", c.what, r, r.Error, c.says)
		}
	}
	var sealed wire.Sealed
	if err := json.Unmarshal(handedIn(t, nc, changed(func(q *wire.Join) { q.Curve = otherCurve })), &sealed); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"web1", "web2"} { // nothing of all that took a use
		_, key := natstest.NewKey(t)
		q := proved(line.Token, wire.Join{Key: key, Curve: to, As: wire.JoinAgent, Name: name})
		for range 2 {
			if r := opened(t, handedIn(t, nc, q), curve); !r.OK || r.Credential.Name != name || r.Credential.Role != wire.RoleAgent {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	if r := opened(t, handedIn(t, nc, proved(line.Token, with(func(q *wire.Join) { q.Name = "web3" }))), curve); r.OK || r.Error.Code != wire.CodeToken {
		t.Errorf("a third: %+v", r)
	}
}

// TestAttack_EnrolmentOveruse: 100 come at once by a token for 50.
func TestAttack_EnrolmentOveruse(t *testing.T) {
	s := natstest.StartSecure(t)
	line := s.Invite(t, wire.AccessCommand{Role: wire.RoleAgent, Uses: 50})
	nc := outsider.connect(t, s.Mesh)
	defer nc.Close()
	var all sync.WaitGroup
	in := make(chan bool, 100)
	for i := range 100 {
		curve, to := curveKey(t)
		_, key := natstest.NewKey(t)
		data, err := json.Marshal(proved(line.Token, wire.Join{Key: key, Curve: to, As: wire.JoinAgent, Name: fmt.Sprint("web", i)}))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for end := time.Now().Add(time.Minute); time.Now().Before(end); {
				m, err := nc.Request(wire.AccessJoinSubject, data, 20*time.Second)
				if errors.Is(err, nats.ErrNoResponders) || err == nil && strings.Contains(string(m.Data), `"busy"`) {
					time.Sleep(20 * time.Millisecond) // as it is told to
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				in <- opened(t, m.Data, curve).OK
				return
			}
			t.Error("never taken")
		})
	}
	all.Wait()
	close(in)
	n := 0
	for ok := range in {
		if ok {
			n++
		}
	}
	if n != 50 {
		t.Errorf("%d came in by a token for 50", n)
	}
}

// TestReplace: once somebody joined by the line, the previous key is out, and
// until then it is in.
func TestReplace(t *testing.T) {
	s := natstest.StartSecure(t)
	old, oldDir := joined(t, s.Invite(t, wire.AccessCommand{Name: "paris", Role: wire.RoleAgent, Labels: map[string]string{"region": "eu"}}))
	line := s.Invite(t, wire.AccessCommand{Name: "paris", Role: wire.RoleAgent, Replace: true})
	cut := make(chan struct{}, 1)
	first, err := connect(t, old, oldDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.Rotate(t.Context(), first, oldDir); err != nil {
		t.Fatalf("it does not go on as it was: %v", err)
	}
	if _, err := connect(t, old, oldDir, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { cut <- struct{}{} })); err != nil {
		t.Fatal(err)
	}
	id, dir := joined(t, line)
	if nc, err := connect(t, old, oldDir, nats.NoReconnect()); err == nil {
		nc.Close()
		t.Error("the key of before is let in after another one took over")
	}
	select {
	case <-cut:
	case <-time.After(time.Minute):
		t.Error("the key of before is still connected")
	}
	if id.Credential.Name != "paris" || id.Credential.Labels["region"] != "eu" {
		t.Errorf("%+v", id.Credential)
	}
	if _, err := connect(t, id, dir); err != nil {
		t.Error(err)
	}
}

// TestJoin_SecondTry: an answer that is lost, with the process that waited for it,
// leaves a key that the same line lets in.
func TestJoin_SecondTry(t *testing.T) {
	s := natstest.StartSecure(t)
	for what, c := range map[string]wire.AccessCommand{
		"a line for one":     {Name: "paris", Role: wire.RoleAgent},
		"a line for several": {Role: wire.RoleAgent, Uses: 2},
	} {
		line, place, dir := s.Invite(t, c), t.TempDir(), t.TempDir()
		as := identity.Joiner{As: wire.JoinAgent, Host: "web1", Folder: place, Dir: func(wire.Credential) (string, error) { return "", errors.New("the power is gone") }}
		if _, _, err := identity.Join(t.Context(), line, as); err == nil || err.Error() != "the power is gone" {
			t.Fatal(err)
		}
		as.Dir = func(wire.Credential) (string, error) { return dir, nil }
		id, _, err := identity.Join(t.Context(), line, as)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if _, err := connect(t, id, dir); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		as.Folder = t.TempDir() // of somebody else
		if _, _, err := identity.Join(t.Context(), line, as); err == nil {
			t.Errorf("%s: it lets another key in as %s", what, id.Credential.Name)
		}
	}
}

// TestEnrolment_AtOnce: a fleet that starts at once comes in, though there are
// fewer places for those who hold nothing but a token.
func TestEnrolment_AtOnce(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	var others []*nats.Conn
	for range 64 { // all of the places
		others = append(others, outsider.connect(t, s.Mesh))
	}
	line := s.Invite(t, wire.AccessCommand{Role: wire.RoleAgent, Uses: 2})
	as := identity.Joiner{As: wire.JoinAgent, Name: "web1", Folder: t.TempDir(), Dir: func(wire.Credential) (string, error) { return t.TempDir(), nil }}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := identity.Join(ctx, line, as); !errors.Is(err, nats.ErrMaxAccountConnectionsExceeded) {
		t.Fatalf("where there is no place: %v", err)
	}
	in := make(chan error, 1)
	go func() {
		_, _, err := identity.Join(t.Context(), line, as)
		in <- err
	}()
	for _, nc := range others {
		nc.Close()
	}
	if err := <-in; err != nil {
		t.Error(err)
	}
}
