package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// ErrNoIdentities says that a mesh has no identities, or that we have none there.
var ErrNoIdentities = errors.New("this broker has no identities, or you connect without yours")

// SessionPerson is whoever a session acts for, by a key that is at hand: for [ConnectAs]
// with [identity.ConnectWith]. authority is the mesh's, PEM.
func SessionPerson(authority string, c wire.Credential, key nkeys.KeyPair) (Person, error) {
	public, err := key.PublicKey()
	if err != nil {
		return Person{}, err
	}
	return Person{Name: c.Name, Signer: identity.SignBy(key), Authority: authority, Session: public}, nil
}

// Delegate lets a key act in our name, in a role that is at most our own, viewer or
// operator, for a while: a minute to a day. of says for people which program holds it.
// The credential lets the key in until then; [Client.EndDelegation], a change of our own
// key and netmon access revoke end it earlier.
func (c *Client) Delegate(ctx context.Context, key string, role wire.Role, lasts time.Duration, of string) (wire.Credential, error) {
	if err := c.mayDelegate(); err != nil {
		return wire.Credential{}, err
	}
	q := wire.Delegation{Op: wire.DelegateOpen, Key: key, Role: role, For: wire.Duration(lasts), Of: of}
	credential, err := identity.OpenSession(ctx, c.access, c.natsName(), c.authority(), q)
	return credential, explainSession("open a session", err)
}

// EndDelegation ends what Delegate began, for a key of ours. A client that connects by
// such a key may end that one alone.
func (c *Client) EndDelegation(ctx context.Context, key string) error {
	if err := c.mayDelegate(); err != nil {
		return err
	}
	return explainSession("end a session", identity.EndSession(ctx, c.access, c.natsName(), key))
}

func (c *Client) mayDelegate() error {
	if !c.access.Signs() || c.nc.Opts.UserJWT == nil {
		return fmt.Errorf("%w: there is nothing to log in with (docs/security.md)", ErrNoIdentities)
	}
	return nil
}

func explainSession(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDenied):
		return fmt.Errorf("%s: the broker does not let us: its netmon is older and has no sessions: update it there (%w)", what, err)
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%s: %w: nobody answers for access: is the broker, or netmon controller --access, still starting?", what, ErrUnreachable)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// natsName is by which name NATS knows us.
func (c *Client) natsName() string {
	if c.who.Session == "" {
		return c.who.Name
	}
	return wire.SessionName(c.who.Name, c.who.Session)
}

// authority is the one that we pinned, PEM; "" where we did not.
func (c *Client) authority() string {
	if c.who.Folder == "" {
		return c.who.Authority
	}
	id, err := identity.Load(c.who.Folder) // again: another one may have taken over
	if err != nil {
		return c.who.Authority
	}
	return id.Authority
}
