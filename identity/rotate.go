package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// Rotate replaces the key of a folder: a new one is made here, signed over nc,
// and written down; nc comes in with it, and the old one is shut out.
func Rotate(ctx context.Context, nc *nats.Conn, dir string) error {
	id, err := Load(dir)
	if err != nil {
		return err
	}
	subject, err := wire.RotateSubject(id.Credential.Name)
	if err != nil {
		return err
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	requests := NewRequests(SignByFile(Creds(dir)), func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) { return nc.RequestMsgWithContext(ctx, m) })
	c, err := askNext(ctx, requests, subject, key, id.Authority)
	if err != nil {
		return fmt.Errorf("rotate the key of %s: %w", id.Credential.Name, err)
	}
	old, err := os.ReadFile(Creds(dir))
	if err != nil {
		return err
	}
	id.Credential = c
	if err := id.Save(dir, key); err != nil {
		return err
	}
	before := nc.Stats().Reconnects
	if err := nc.ForceReconnect(); err != nil {
		return err
	}
	for nc.Stats().Reconnects == before || !nc.IsConnected() {
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("rotate the key of %s: the broker does not take the new key yet; the old one holds: %w", id.Credential.Name, ctx.Err()),
				atomicfile.Write(filepath.Join(dir, credsName), old))
		case <-time.After(20 * time.Millisecond):
		}
	}
	// From the new connection: the old key may go. It may be to another server of
	// a cluster, which hears a moment later that somebody answers there.
	_, err = askNext(ctx, requests, subject, key, id.Authority)
	for end := time.Now().Add(5 * time.Second); errors.Is(err, nats.ErrNoResponders) && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(50 * time.Millisecond)
		_, err = askNext(ctx, requests, subject, key, id.Authority)
	}
	if err != nil {
		return fmt.Errorf("rotate the key of %s: it is in use, and the old one could not be shut out: %w", id.Credential.Name, err)
	}
	return nil
}

// askNext has the key that comes next signed.
func askNext(ctx context.Context, requests *Requests, subject string, key nkeys.KeyPair, authority string) (wire.Credential, error) {
	public, err := key.PublicKey()
	if err != nil {
		return wire.Credential{}, err
	}
	data, err := json.Marshal(wire.Join{Key: public})
	if err != nil {
		return wire.Credential{}, err
	}
	msg, err := requests.Do(ctx, subject, data)
	if err != nil {
		return wire.Credential{}, err
	}
	return credentialIn(msg.Data, authority, public)
}
