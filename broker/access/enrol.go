package access

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// ErrShutOut says that an identity was revoked, and was not let in again.
var ErrShutOut = errors.New("was shut out")

// Enrol lets a program of the broker's own host in, by an identity in a folder,
// as if it had joined by a token; url is where it connects to. One that is in
// keeps its key, and has these labels from now on. One that was revoked stays out.
// One that was let in like this and has lost its folder gets a new key.
func (a *Authority) Enrol(dir, url string, c wire.AccessCommand) (identity.Identity, error) {
	have, err := identity.Load(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return have, err
	}
	a.mu.Lock()
	if !slices.Contains(a.enrolled, dir) {
		a.enrolled = append(a.enrolled, dir)
	}
	a.mu.Unlock()
	if err == nil {
		key, err := identity.PublicKey(dir)
		if err != nil {
			return have, err
		}
		switch known, err := a.registry.relabel(c, key); {
		case err != nil:
			return have, err
		case known && have.Authority != string(a.certs().authority): // it missed a change of ours
			if err := a.reissueIn(dir); err != nil {
				return have, err
			}
			if have, err = identity.Load(dir); err != nil {
				return have, err
			}
			fallthrough
		case known:
			have.URL, have.Credential.Labels = url, c.Labels
			return have, have.SaveInfo(dir)
		case have.Authority != string(a.certs().authority):
			return have, fmt.Errorf("the identity in %s belongs to another mesh: choose another state folder", dir)
		}
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return have, err
	}
	token, err := a.keys().userJWT(c.Role, c.Name, public(key))
	if err != nil {
		return have, err
	}
	if err := a.registry.enrol(c, public(key)); err != nil {
		return have, err
	}
	id := identity.Identity{URL: url, Authority: string(a.certs().authority), Credential: wire.Credential{Name: c.Name, Role: c.Role, JWT: token, Labels: c.Labels}}
	return id, errors.Join(a.relist(), id.Save(dir, key))
}

// relabel gives somebody who is in by this key its labels; known is false for
// anybody else.
func (b *registry) relabel(c wire.AccessCommand, key string) (known bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[c.Name]
	switch {
	case e == nil || e.Role != c.Role || e.Key != key && e.Next != key && !e.had(key):
		return false, nil
	case !e.Revoked.IsZero():
		return true, fmt.Errorf("%s %w (netmon access revoke)", c.Name, ErrShutOut)
	case e.Key != key && e.Next != key:
		return false, nil
	}
	return true, b.change(func(d *draft) error {
		d.edit(c.Name).Labels = c.Labels
		return nil
	})
}

func (e *entry) had(key string) bool {
	return slices.ContainsFunc(e.Old, func(o oldKey) bool { return o.Key == key })
}

// enrol puts somebody in without a token.
func (b *registry) enrol(c wire.AccessCommand, key string) error {
	if err := checkEntry(c); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(d *draft) error {
		e := d.edit(c.Name)
		switch {
		case e == nil:
			e = &entry{}
		case !e.Revoked.IsZero():
			return fmt.Errorf("%s %w (netmon access revoke)", c.Name, ErrShutOut)
		case e.Key != "" && (e.By != ownHost || e.Role != c.Role):
			return errInUse(e)
		case e.many():
			return fmt.Errorf("%q is the name of a token by which agents join: choose another", c.Name)
		}
		now := b.now().UTC()
		e.shutOut(now)
		d.set(&entry{Old: e.Old, Over: e.Over, Last: e.Last, Identity: wire.Identity{Name: c.Name, Role: c.Role, Labels: c.Labels, By: ownHost, Made: now, Joined: now, Key: key,
			Suspended: e.Suspended, Until: e.Until, Why: e.Why}})
		return nil
	})
}
