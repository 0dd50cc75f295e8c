package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// askAgain is how long an answer may take before the token is handed in again,
// and askSoon how long to wait where nobody takes it: in a flood the broker
// takes some, and answers the same key the same.
const (
	askAgain = time.Second
	askSoon  = 100 * time.Millisecond
)

// handIn exchanges a token for a credential by the authority, PEM. Everybody who holds a token may
// send something to where the answer comes, and read it: what is not sealed to
// the key that is made here is somebody else's.
func handIn(ctx context.Context, nc *nats.Conn, token string, key nkeys.KeyPair, as Joiner, authority string) (wire.Credential, error) {
	public, err := key.PublicKey()
	if err != nil {
		return wire.Credential{}, err
	}
	curve, err := nkeys.CreateCurveKeys()
	if err != nil {
		return wire.Credential{}, err
	}
	to, err := curve.PublicKey()
	if err != nil {
		return wire.Credential{}, err
	}
	secret := TokenSecret(token)
	q := wire.Join{ID: JoinID(secret), Key: public, Curve: to, As: as.As, Name: as.Name, Host: as.Host}
	q.Proof = ProveJoin(secret, q)
	data, err := json.Marshal(q)
	if err != nil {
		return wire.Credential{}, err
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return wire.Credential{}, err
	}
	defer sub.Unsubscribe()
	if err := sub.SetPendingLimits(256, 4<<20); err != nil {
		return wire.Credential{}, err
	}
	var strange, nobody error // what came unencrypted; that nothing takes tokens
	for {
		if err := nc.PublishRequest(wire.AccessJoinSubject, inbox, data); err != nil {
			return wire.Credential{}, err
		}
		r, err := await(ctx, sub, curve, &strange)
		switch {
		case err == nil:
			return credentialOf(r, authority, public)
		case errors.Is(err, nats.ErrNoResponders):
			nobody = err
			select {
			case <-ctx.Done():
			case <-time.After(askSoon):
			}
		case !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			return wire.Credential{}, err
		}
		if ctx.Err() != nil {
			return wire.Credential{}, cmp.Or(strange, nobody, fmt.Errorf("no answer came: %w", ctx.Err()))
		}
	}
}

// await waits a while for the answer to what was handed in.
func await(ctx context.Context, sub *nats.Subscription, curve nkeys.KeyPair, strange *error) (wire.AccessReply, error) {
	ctx, cancel := context.WithTimeout(ctx, askAgain)
	defer cancel()
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if errors.Is(err, nats.ErrSlowConsumer) {
			continue // somebody floods this inbox
		}
		if err != nil {
			return wire.AccessReply{}, err
		}
		r, err := open(m.Data, curve)
		if err == nil {
			return r, nil
		}
		if *strange == nil || !errors.Is(*strange, errOldBroker) {
			*strange = saysInTheOpen(m.Data)
		}
	}
}

// saysInTheOpen is what to say about an answer that is not sealed, should no other
// one come.
func saysInTheOpen(data []byte) error {
	var r wire.AccessReply
	switch err := json.Unmarshal(data, &r); {
	case err == nil && r.Credential != nil:
		return errOldBroker
	case err == nil && r.Error != nil && r.Error.Code == wire.CodeBusy:
		return errors.New("the broker is busy with others who join: try again with the same line")
	default:
		return fmt.Errorf("the answer is %w: is the broker older than this netmon?", errNotSealed)
	}
}

var errOldBroker = errors.New("the broker's answer is not encrypted, as those of older brokers: update it, and ask for a new line")
