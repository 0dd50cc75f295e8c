package access

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"netmon/identity"
	"netmon/wire"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

// errToken is all that somebody without a valid token is told.
var errToken = errors.New("this token is not valid here: it was used, it is too old, or it is mistyped: ask for a new one (netmon token new)")

// checkEntry says what is wrong with an identity that is to be.
func checkEntry(c wire.AccessCommand) error {
	var p wire.Problems
	p.Add("name", wire.CheckToken(c.Name))
	if slices.Contains(reserved, c.Name) {
		p.Addf("name", "%q has a meaning of its own: choose another", c.Name)
	}
	if !slices.Contains(wire.Roles, c.Role) {
		p.Addf("role", "want one of %v, got %q", wire.Roles, c.Role)
	}
	if len(c.Labels) > 0 && c.Role != wire.RoleAgent {
		p.Addf("labels", "are for agents, not for a %s", c.Role)
	}
	if len(c.Labels) > mostLabels {
		p.Addf("labels", "want at most %d, got %d", mostLabels, len(c.Labels))
	}
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		p.Add("labels", wire.CheckLabel(k, c.Labels[k]))
	}
	return p.Err()
}

// invite makes a token for a name.
func (b *book) invite(by string, c wire.AccessCommand) (token string, err error) {
	var p wire.Problems
	p.Add("", checkEntry(c))
	life := c.Expires.Std()
	if life == 0 {
		life = tokenDefault
	}
	if life < time.Second || life > tokenMost {
		p.Addf("expires", "want 1s to %v, got %v", tokenMost, life)
	}
	if err := p.Err(); err != nil {
		return "", err
	}
	token = strings.ToLower(rand.Text()) // at least 128 random bits
	b.mu.Lock()
	defer b.mu.Unlock()
	return token, b.change(func(d *draft) error {
		e := d.edit(c.Name)
		switch {
		case e != nil && e.Key != "" && e.Revoked.IsZero():
			var p wire.Problems
			p.Addf("name", "%q is in use: its %s joined %s: choose another, or first shut that one out with netmon access revoke %s",
				c.Name, e.Role, e.Joined.Format(time.RFC3339), c.Name)
			return p.Err()
		case e == nil && len(b.entries) >= mostEntries:
			return fmt.Errorf("the book holds %d identities, which is as many as it may", mostEntries)
		case commands(c.Role) && b.commanders() >= mostMembers:
			return fmt.Errorf("there are %d operators and admins, which is as many as there may be: revoke some first", mostMembers)
		case e == nil:
			e = &entry{}
		}
		now := b.now().UTC()
		d.set(&entry{Old: e.Old, TokenHash: identity.TokenSecret(token), Identity: wire.Identity{
			Name: c.Name, Role: c.Role, Labels: c.Labels, By: by, Made: now, Expires: now.Add(life)}})
		return nil
	})
}

// secret is that of the token which a request to join names, "" for none.
func (b *book) secret(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byJoin[id]
}

// expired says whether the time to use a token is over. One that lies further
// ahead than any was ever given was given by a clock that was ahead.
func (b *book) expired(e *entry) bool {
	now := b.now()
	return now.After(e.Expires) || e.Expires.After(now.Add(tokenMost))
}

// opens says whether a token may let a key in. It is all that is asked of the
// book for those who guess, and for those who repeat what was used.
func (b *book) opens(secret, key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[b.byToken[secret]]
	return e != nil && e.Revoked.IsZero() && (e.Joined.IsZero() || e.Key == key)
}

// join uses up a token for a key. Asked again for the same key it says the same
// again: the answer may have been lost, and is worth nothing without the key.
// why is for our own log, and "" where nobody was ever given such a token:
// anybody may try those.
func (b *book) join(secret, key string) (id wire.Identity, again bool, why string, err error) {
	if !nkeys.IsValidPublicUserKey(key) {
		return id, false, "", fmt.Errorf("key: want the public NKey of a user, U..., got %.80q", key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name, known := b.byToken[secret]
	e := b.entries[name]
	switch {
	case !known:
		return id, false, "", errToken
	case !e.Revoked.IsZero():
		why = "the token of " + e.Name + " was revoked"
	case !e.Joined.IsZero() && e.Key == key:
		return e.Identity, true, "", nil
	case !e.Joined.IsZero():
		why = "the token of " + e.Name + " was used before"
	case b.expired(e):
		why = "the token of " + e.Name + " expired at " + e.Expires.Format(time.RFC3339)
	case b.byKey[key] != "":
		why = "the key belongs to " + b.byKey[key]
	}
	if why != "" {
		return id, false, why, errToken
	}
	err = b.change(func(d *draft) error {
		e := d.edit(name)
		e.Key, e.Joined = key, b.now().UTC()
		id = e.Identity
		return nil
	})
	return id, false, "", err
}
