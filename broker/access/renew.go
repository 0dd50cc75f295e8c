package access

import (
	"fmt"
	"time"

	"netmon/wire"
)

// renewal is a token by which whoever has a name in use gets another key: an
// agent that lost its state, say. The one in use holds until then.
type renewal struct {
	TokenHash string            `json:"token_hash"`       // identity.TokenSecret
	Role      wire.Role         `json:"role"`             // from then on
	Labels    map[string]string `json:"labels,omitempty"` // from then on; nil keeps those that there are
	By        string            `json:"by,omitempty"`     // who made it
	Made      time.Time         `json:"made"`
	Expires   time.Time         `json:"expires"`
}

// renewable notes a renewal for an entry of a draft, in place of an earlier one.
func (b *registry) renewable(e *entry, c wire.AccessCommand, r renewal) error {
	var p wire.Problems
	switch {
	case e.Key == "" || !e.Revoked.IsZero():
		p.Add("", errNotInUse(c.Name))
	case e.Role.Joiner() != c.Role.Joiner():
		p.Addf("name", "%q is in use by somebody whose role is %s, and a line for the role %s cannot replace it: choose another name", c.Name, e.Role, c.Role)
	default:
		p.Add("", b.mayRenew(e, c.Role))
	}
	if err := p.Err(); err != nil {
		return err
	}
	e.Renewal = &r
	return nil
}

func errNotInUse(name string) error {
	var p wire.Problems
	p.Addf("name", "%q is not in use, so there is nothing to replace", name)
	return p.Err()
}

// mayRenew says why another key may not take over from an entry's, in a role:
// only revoke may shut out the last keys of an account.
func (b *registry) mayRenew(e *entry, role wire.Role) error {
	switch {
	case b.left(accountOf(e.Role)) >= mostLeft:
		return fmt.Errorf("%d keys were shut out, and no key can be changed any more, only revoked: see docs/security.md", mostLeft)
	case commands(role) && !commands(e.Role) && b.commanders() >= mostMembers:
		return errCommanders()
	}
	return nil
}

// renew has a key take over from those of an entry of a draft, which are shut
// out. What the name stands for stays: its labels, and whether it is suspended.
func (e *entry) renew(key string, now time.Time) {
	r := e.Renewal
	e.shutOut(now)
	e.Renewal, e.TokenHash = nil, r.TokenHash // asked again for the key, the answer is the same
	e.Key, e.Role, e.By, e.Made, e.Joined, e.Token = key, r.Role, r.By, r.Made, now, ""
	if r.Labels != nil {
		e.Labels = r.Labels
	}
}
