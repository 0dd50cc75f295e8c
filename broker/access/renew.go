package access

import (
	"fmt"
	"time"

	"netmon/wire"
)

// renewal is a token by which whoever has a name in use gets another key: an
// agent that lost its state, say. The one in use holds until then.
type renewal struct {
	TokenHash string            `json:"token_hash"` // identity.TokenSecret
	Role      wire.Role         `json:"role"`       // from then on
	Labels    map[string]string `json:"labels,omitempty"`
	By        string            `json:"by,omitempty"` // who made it
	Made      time.Time         `json:"made"`
	Expires   time.Time         `json:"expires"`
}

// renewable notes a renewal for an entry of a draft, in place of one of before.
// Without labels of its own it keeps the entry's.
func (b *book) renewable(e *entry, c wire.AccessCommand, r renewal) error {
	var p wire.Problems
	switch {
	case e == nil || e.Key == "" || !e.Revoked.IsZero():
		p.Addf("name", "%q is not in use: leave out --replace", c.Name)
	case (e.Role == wire.RoleAgent) != (c.Role == wire.RoleAgent):
		p.Addf("name", "%q is the %s of before, and not a %s: choose another", c.Name, e.Role, c.Role)
	case commands(c.Role) && !commands(e.Role) && b.commanders() >= mostMembers:
		p.Addf("role", "there are %d operators and admins, which is as many as there may be: revoke some first", mostMembers)
	default:
		p.Add("", b.roomToRenew(e))
	}
	if err := p.Err(); err != nil {
		return err
	}
	if r.Labels == nil {
		r.Labels = e.Labels
	}
	e.Renewal = &r
	return nil
}

// roomToRenew says why no more keys of an account may be shut out but by revoke.
func (b *book) roomToRenew(e *entry) error {
	if b.left(accountOf(e.Role)) < mostLeft {
		return nil
	}
	return fmt.Errorf("%d keys were shut out, and only revoking may go on: see docs/security.md", mostLeft)
}

// renew has a key take over from those of an entry of a draft, which are shut
// out. What the name stands for stays: its labels, and whether it is suspended.
func (e *entry) renew(key string, now time.Time) {
	r := e.Renewal
	e.shutOut(now)
	e.Renewal, e.TokenHash = nil, r.TokenHash // asked again for the key, the answer is the same
	e.Key, e.Role, e.Labels, e.By, e.Made, e.Joined, e.Token = key, r.Role, r.Labels, r.By, r.Made, now, ""
}
