package access

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/identity"
	"netmon/wire"
)

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

// checkToken says what is wrong with a token that is to be.
func checkToken(c wire.AccessCommand) error {
	var p wire.Problems
	p.Add("", checkEntry(c))
	p.Add("", c.CheckExpires())
	switch {
	case c.Uses < 0 || c.Uses > mostUses:
		p.Addf("uses", "want 1 to %d, got %d", mostUses, c.Uses)
	case c.Uses > 1 && c.Role != wire.RoleAgent:
		p.Addf("uses", "a token for several is for agents, not for a %s", c.Role)
	case c.Uses > 1 && c.Replace:
		p.Addf("uses", "a token that replaces a key works once: want 1, got %d", c.Uses)
	}
	return p.Err()
}

// invite makes a token: for a name, for several agents, or for another key in
// place of one in use. What it made is shown as list does.
func (b *registry) invite(by string, c wire.AccessCommand) (token string, made wire.Identity, err error) {
	token = strings.ToLower(rand.Text()) // at least 128 random bits
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Uses > 1 && c.Name == "" {
		c.Name = b.freeName()
	}
	if c.Replace {
		if b.entries[c.Name] == nil {
			return "", made, errNotInUse(c.Name)
		}
		c.Role = cmp.Or(c.Role, b.entries[c.Name].Role)
	}
	if err := checkToken(c); err != nil {
		return "", made, err
	}
	err = b.change(func(d *draft) error {
		e := d.edit(c.Name)
		now := b.now().UTC()
		until := now.Add(cmp.Or(c.Expires.Std(), tokenDefault))
		switch {
		case c.Replace:
			return b.renewable(e, c, renewal{TokenHash: identity.TokenSecret(token), Role: c.Role, Labels: c.Labels, By: by, Made: now, Expires: until})
		case e != nil && e.Key != "" && e.Revoked.IsZero():
			var p wire.Problems
			p.Add("name", errInUse(e))
			return p.Err()
		case e != nil && e.many() && b.show(e).State == "open":
			var p wire.Problems
			p.Addf("name", "%q is a token by which agents may join until %s: choose another, or first end that one with netmon access revoke %s",
				c.Name, e.Expires.Format(time.RFC3339), c.Name)
			return p.Err()
		case e == nil && len(b.entries) >= mostEntries:
			return errFull()
		case commands(c.Role) && b.commanders() >= mostMembers:
			return errCommanders()
		case e == nil:
			e = &entry{}
		}
		fresh := &entry{Old: e.Old, Over: e.Over, TokenHash: identity.TokenSecret(token), Identity: wire.Identity{
			Name: c.Name, Role: c.Role, Labels: c.Labels, By: by, Made: now, Expires: until}}
		if c.Uses > 1 {
			fresh.Uses = c.Uses
		}
		d.set(fresh)
		return nil
	})
	if err != nil {
		return "", made, err
	}
	return token, b.show(b.entries[c.Name]), nil
}

// errInUse says who has a name, and the ways out.
func errInUse(e *entry) error {
	kind := map[wire.Joiner]string{wire.JoinAgent: "agent --id", wire.JoinConsole: "console --name", wire.JoinNotifier: "notifier --name"}[e.Role.Joiner()]
	return fmt.Errorf("%q is in use: its %s joined %s: choose another; to let the same one in again, with another key (it lost its state): netmon token new %s %s --replace; to shut that one out for good: netmon access revoke %s",
		e.Name, e.Role, e.Joined.Format(time.RFC3339), kind, e.Name, e.Name)
}

func errFull() error {
	return fmt.Errorf("the registry holds %d identities, which is the limit", mostEntries)
}

func errCommanders() error {
	return fmt.Errorf("there are %d operators and admins, which is the limit: revoke some first", mostMembers)
}

// freeName is one for a token that was given none.
func (b *registry) freeName() string {
	for {
		if name := "token-" + strings.ToLower(rand.Text()[:6]); b.entries[name] == nil {
			return name
		}
	}
}

// many says whether an entry is a token by which several agents join.
func (e *entry) many() bool { return e.Uses > 1 }

// secret is that of the token which a request to join names, "" for none.
func (b *registry) secret(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byJoin[id]
}

// expired says whether the time to use a token is over. One that lies further
// ahead than any was ever given was given by a clock that was ahead.
func (b *registry) expired(until time.Time) bool {
	now := b.now()
	return now.After(until) || until.After(now.Add(wire.MaxTokenLife.Std()))
}
