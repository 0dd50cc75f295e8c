package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

var update = flag.Bool("update", false, "rewrite the matrix of docs/security.md")

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600) // which CopyFS forgets
	})
	if err != nil {
		t.Fatal(err)
	}
}

// actor is somebody who tries things, by the identity that it joined with; or
// by none.
type actor struct {
	role wire.Role
	name string
	id   identity.Identity
	dir  string
}

const (
	nobody    wire.Role = "none"    // shows no credential
	inSession wire.Role = "session" // acts in the operator's name, as an operator
)

// nats is by which name NATS knows the actor.
func (a actor) nats() string {
	if a.role == nobody {
		return a.name
	}
	return a.id.Credential.Name
}

// actors let one of each role in.
func actors(t *testing.T, s natstest.Mesh) map[wire.Role]actor {
	t.Helper()
	out := map[wire.Role]actor{nobody: {role: nobody, name: "join", id: identity.Identity{URL: s.Address}}}
	for role, name := range map[wire.Role]string{wire.RoleAgent: "paris", wire.RoleViewer: "vic", wire.RoleOperator: "olga", wire.RoleAdmin: "anna", wire.RoleNotifier: "nick"} {
		id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: role}))
		out[role] = actor{role, name, id, dir}
	}
	return out
}

// signer signs in the actor's name; nil for nobody.
func (a actor) signer() *identity.Signer {
	if a.role == nobody {
		return nil
	}
	return identity.SignByFile(identity.Creds(a.dir))
}

// requests sends signed requests over nc, whose answers ask takes apart.
func requests(nc *nats.Conn, signer *identity.Signer) *identity.Requests {
	return identity.NewRequests(signer, func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) { return exchange(nc, m) })
}

// askSigned requests as somebody, and takes an answer that says no for an error.
func askSigned(nc *nats.Conn, signer *identity.Signer, subject, data string) error {
	r, err := requests(nc, signer).Do(context.Background(), subject, []byte(data))
	if err != nil {
		return err
	}
	return says(r)
}

// saveSigned writes a saved monitor as somebody, over a revision.
func saveSigned(nc *nats.Conn, signer *identity.Signer, store, name, operation, data string, over uint64, more ...string) error {
	return putSigned(nc, signer, store, "$KV.monitors."+name, operation, data, over, more...)
}

// putSigned is saveSigned under any key of a bucket that people save in.
func putSigned(nc *nats.Conn, signer *identity.Signer, store, subject, operation, data string, over uint64, more ...string) error {
	m := message(subject, data, append(more, "Nats-Expected-Last-Subject-Sequence", fmt.Sprint(over))...)
	if operation != "" {
		m.Header.Set("KV-Operation", operation)
	}
	if signer != nil {
		proof, err := signer.Sign(m.Subject, operation, m.Data, wire.Proof{Store: store, Revision: over})
		if err != nil {
			return err
		}
		m.Header.Set(wire.ProofHeader, proof)
	}
	return ask(nc, m)
}

// connect makes a connection whose refusals are nobody's but the test's.
func (a actor) connect(t *testing.T, s natstest.Mesh) *nats.Conn {
	t.Helper()
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	if a.role != nobody {
		nc, err := connect(t, a.id, a.dir, quiet, nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		return nc
	}
	conf, err := s.ClientTLS()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(s.Address, nats.Secure(conf), nats.CustomInboxPrefix("_INBOX_join"), quiet, nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// refused is what the server said of what was just sent.
func refused(nc *nats.Conn) error {
	if err := nc.FlushTimeout(10 * time.Second); err != nil {
		return err
	}
	return nc.LastError()
}

func publish(nc *nats.Conn, m *nats.Msg) error {
	if err := nc.PublishMsg(m); err != nil {
		return err
	}
	return refused(nc)
}

func subscribe(nc *nats.Conn, subject string) error {
	if _, err := nc.SubscribeSync(subject); err != nil {
		return err
	}
	return refused(nc)
}

// ask requests, and takes an answer that says no for an error.
func ask(nc *nats.Conn, m *nats.Msg) error {
	r, err := exchange(nc, m)
	if err != nil {
		return err
	}
	return says(r)
}

// exchange requests by an inbox of its own: what the server refuses is an error at once.
func exchange(nc *nats.Conn, m *nats.Msg) (*nats.Msg, error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	m.Reply = inbox
	if err := publish(nc, m); err != nil {
		return nil, err
	}
	return sub.NextMsg(10 * time.Second)
}

// says is why an answer says no, nil for yes.
func says(r *nats.Msg) error {
	if status := r.Header.Get("Status"); status != "" && status != "404" {
		return errors.New(status + " " + r.Header.Get("Description"))
	}
	var says struct {
		OK    *bool           `json:"ok"`
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(r.Data, &says) == nil && (says.Error != nil || says.OK != nil && !*says.OK) {
		return errors.New(string(r.Data))
	}
	return nil
}

func message(subject, data string, headers ...string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = []byte(data)
	for i := 0; i+1 < len(headers); i += 2 {
		m.Header.Set(headers[i], headers[i+1])
	}
	return m
}
