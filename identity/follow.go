package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// Followed is what became of the authorities that a folder trusts.
type Followed struct {
	Pin     string // fingerprint of the authority that this is about; "" where nothing is new
	Over    bool   // it took over, and the previous one no longer counts
	Dropped bool   // it was given up before it took over
}

// Follow asks the broker, over nc, whether another authority takes over, keeps
// it in the folder of an identity, and says so, signed. One that took over is from
// then on the only one. trust is the folder's, nil where it has none: no list
// counts that is older than one that it has.
func Follow(ctx context.Context, nc *nats.Conn, dir string, trust *Trust) (Followed, error) {
	id, err := read(dir)
	if err != nil {
		return Followed{}, err
	}
	key, err := PublicKey(dir)
	if err != nil {
		return Followed{}, err
	}
	subject, err := wire.RotateSubject(id.Credential.Name)
	if err != nil {
		return Followed{}, err
	}
	said, err := askAuthority(ctx, nc, subject, key)
	if err != nil {
		return Followed{}, err
	}
	own, kept, err := pinned(dir)
	if err != nil {
		return Followed{}, err
	}
	l, over, err := checkList(own, kept, said.List)
	if err == nil && trust != nil {
		err = trust.Take(said.List)
	}
	switch {
	case err != nil:
		return Followed{}, err
	case over:
		if trust == nil {
			err = kept.takeOver(dir)
		}
		return Followed{Pin: kept.pin(), Over: true}, err
	case kept != nil && l.Number < kept.Number:
		return Followed{}, fmt.Errorf("it is list %d, and list %d named the authority that takes over: an older one never counts again", l.Number, kept.Number)
	case l.Next == "":
		return Followed{Pin: kept.pin(), Dropped: kept != nil}, dropNext(dir)
	}
	var f Followed
	if kept.pin() != l.Next || !kept.isFor(key) {
		f.Pin = l.Next
		if kept, err = offered(said, l, id, key); err == nil {
			err = kept.write(dir)
		}
		if err != nil {
			return Followed{}, err
		}
	}
	return f, acknowledgeKept(ctx, nc, dir, subject, key, l.Next)
}

// offered is the next authority of an answer, if it is the one that the list
// names and its credential lets this identity's key in.
func offered(said wire.NextAuthority, l wire.Trust, id Identity, key string) (*next, error) {
	if Fingerprint([]byte(said.Authority)) != l.Next {
		return nil, errors.New("the authority that is offered is not the one that the list names")
	}
	c, err := credentialOf(wire.AccessReply{OK: true, Credential: said.Credential}, said.Authority, key)
	if err != nil {
		return nil, fmt.Errorf("the authority that takes over: %w", err)
	}
	n := &next{Number: l.Number, Authority: said.Authority, Credential: c}
	if c.Name != id.Credential.Name || c.Role != id.Credential.Role || !n.isFor(key) {
		return nil, errors.New("the credential of the authority that takes over is for somebody else")
	}
	return n, nil
}

// ErrNoAuthority says that the broker does not publish its authority: its netmon
// may be older.
var ErrNoAuthority = errors.New("the broker does not report its authority")

func askAuthority(ctx context.Context, nc *nats.Conn, subject, key string) (wire.NextAuthority, error) {
	data, err := json.Marshal(wire.Join{Key: key, Ask: true})
	if err != nil {
		return wire.NextAuthority{}, err
	}
	m, err := nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return wire.NextAuthority{}, err
	}
	var r wire.AccessReply
	switch err := json.Unmarshal(m.Data, &r); {
	case err != nil:
		return wire.NextAuthority{}, fmt.Errorf("the broker's answer cannot be read: %w", err)
	case r.Error != nil:
		return wire.NextAuthority{}, fmt.Errorf("%w: %w", ErrNoAuthority, r.Error)
	case r.Takeover == nil:
		return wire.NextAuthority{}, ErrNoAuthority
	}
	return *r.Takeover, nil
}

// acknowledgeKept acknowledges that an authority is on disk.
func acknowledgeKept(ctx context.Context, nc *nats.Conn, dir, subject, key, pin string) error {
	data, err := json.Marshal(wire.Join{Key: key, Kept: pin})
	if err != nil {
		return err
	}
	requests := NewRequests(SignByFile(Creds(dir)), func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) { return nc.RequestMsgWithContext(ctx, m) })
	m, err := requests.Do(ctx, subject, data)
	if err != nil {
		return err
	}
	var r wire.AccessReply
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	if r.Error != nil {
		return r.Error
	}
	return nil
}
