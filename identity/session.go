package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// ConnectWith connects to a broker by a key that is at hand and the credential of a
// session that was opened for it (see [OpenSession]), and trusts one authority, PEM. When
// the session ends, the broker cuts the connection, which closes once it is refused.
func ConnectWith(url, authority string, c wire.Credential, key nkeys.KeyPair) (func(...nats.Option) (*nats.Conn, error), error) {
	conf, err := TLS(authority)
	if err != nil {
		return nil, err
	}
	options, err := SessionOptions(c, key)
	if err != nil {
		return nil, err
	}
	return func(more ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(url, append(append([]nats.Option{nats.Secure(conf)}, options...), more...)...)
	}, nil
}

// SessionOptions are what a connection of a session needs, besides the way to the broker.
func SessionOptions(c wire.Credential, key nkeys.KeyPair) ([]nats.Option, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	sign := func(nonce []byte) ([]byte, error) {
		if err := checkNonce(nonce); err != nil {
			return nil, err
		}
		return key.Sign(nonce)
	}
	jwt := func() (string, error) { return c.JWT, nil }
	return []nats.Option{nats.UserJWT(jwt, sign), nats.CustomInboxPrefix("_INBOX." + wire.SessionName(c.Name, public))}, nil
}

// OpenSession has the broker let a key act in a person's name for a while. by signs with
// that person's own key; authority is the mesh's, PEM, "" where it was not pinned.
func OpenSession(ctx context.Context, by *Requests, name, authority string, q wire.Delegation) (wire.Credential, error) {
	r, err := askSession(ctx, by, name, q)
	if err != nil {
		return wire.Credential{}, err
	}
	if authority == "" {
		if r.Credential == nil {
			return wire.Credential{}, errors.New("the broker gave no credential")
		}
		return *r.Credential, nil
	}
	c, err := credentialOf(r, authority, q.Key)
	if err == nil && (c.Name != name || c.Role != q.Role || c.Until.IsZero()) {
		err = fmt.Errorf("the broker gave a credential of %s as %s, and %s as %s was asked for", c.Name, c.Role, name, q.Role)
	}
	return c, err
}

// EndSession ends one. name is the person's, or the session's own in NATS.
func EndSession(ctx context.Context, by *Requests, name, key string) error {
	_, err := askSession(ctx, by, name, wire.Delegation{Op: wire.DelegateEnd, Key: key})
	return err
}

// sessionWithin bounds one request about a session.
const sessionWithin = 10 * time.Second

func askSession(ctx context.Context, by *Requests, name string, q wire.Delegation) (r wire.AccessReply, err error) {
	if err := q.Validate(); err != nil {
		return r, err
	}
	subject, err := wire.DelegateSubject(name)
	if err != nil {
		return r, err
	}
	data, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, sessionWithin)
	defer cancel()
	m, err := by.Do(ctx, subject, data)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return r, fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	if r.Error != nil {
		return r, r.Error
	}
	return r, nil
}
