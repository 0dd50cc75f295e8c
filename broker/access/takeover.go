package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// Announce makes the keys of the next authority, and has the list name it: who
// is in asks for it then. Where they are made already, it continues without those
// that are named, or, with all, without all that are missing now.
func (a *Authority) Announce(by string, without []string, all bool) error {
	r := a.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	_, members := a.registry.members()
	for _, name := range without {
		if !slices.ContainsFunc(members, func(m wire.Member) bool { return m.Name == name }) {
			return fmt.Errorf("without: nobody named %q is let in: netmon access ls lists all", name)
		}
	}
	f := r.f
	switch f.Stage {
	case stageSwitching:
		return errors.New("the switch is in progress: wait for its end")
	case stageSwitched:
		if !f.Accepted {
			return errors.New("the last change is not complete: what is saved is still being accepted again: try again in a moment")
		}
		for _, m := range f.missing(members) { // they trust the previous authority, too, until they come
			if !all && !slices.Contains(without, m.Name) {
				return fmt.Errorf("the last change is not complete: %s has not followed yet: wait for it, or begin another change without %s, which then has to join again", m.Name, m.Name)
			}
		}
	}
	next := r.next
	if f.Stage != stageAnnounced {
		dir := filepath.Join(a.dir, nextFolder)
		err := os.RemoveAll(dir) // what was cut short left
		if err == nil {
			err = os.Mkdir(dir, 0o700)
		}
		if err == nil {
			next, err = openSigning(dir, a.certs().hosts(), time.Now())
		}
		if err != nil {
			return fmt.Errorf("make the keys of the next authority: %w", err)
		}
		f = rotationFile{Stage: stageAnnounced, Began: time.Now().UTC(), By: by, Pin: next.pin()}
	}
	f.Without = slices.Concat(f.Without, without)
	if all {
		for _, m := range f.missing(members) {
			f.Without = append(f.Without, m.Name)
		}
	}
	f.Without = slices.Compact(slices.Sorted(slices.Values(f.Without)))
	if err := r.write(f); err != nil {
		return err
	}
	r.next = next
	a.trust.announce(f.Pin)
	return a.relist()
}

// Abort gives a change of the authority up that was announced.
func (a *Authority) Abort() error {
	r := a.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.f.Stage {
	case stageAnnounced:
	case stageSwitching, stageSwitched:
		return errors.New("the next authority has already taken over, and the previous one is gone: begin another change")
	default:
		return errors.New("there is no change of the authority to give up")
	}
	if err := r.write(rotationFile{}); err != nil {
		return err
	}
	r.next = nil
	a.trust.announce("")
	return errors.Join(a.relist(), os.RemoveAll(filepath.Join(a.dir, nextFolder)))
}

// Ready says whether nobody is waited for any more, or a switch was begun.
func (a *Authority) Ready() bool {
	r := a.rotation
	_, members := a.registry.members()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f.Stage == stageSwitching || r.f.Stage == stageAnnounced && len(r.f.missing(members)) == 0
}

// Switch puts the next authority in the place of the previous one, in this folder
// and in this process. Servers that run know nothing of it: see [Authority.Secure].
func (a *Authority) Switch() error {
	r := a.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.f
	switch f.Stage {
	case stageAnnounced:
		// Nobody joins or changes a key while this is locked: see changes.
		if _, members := a.registry.members(); len(f.missing(members)) > 0 {
			return nil // who came meanwhile is waited for
		}
		f.Stage, f.Before, f.Account = stageSwitching, string(a.certs().authority), a.Account()
		if err := r.write(f); err != nil {
			return err
		}
		a.behind.Store(true)
	case stageSwitching:
	default:
		return nil
	}
	if err := moveNext(a.dir); err != nil {
		return fmt.Errorf("put the next authority in its place: %w", err)
	}
	if r.next != nil {
		r.next.certs.in(a.dir)
		a.signs.Store(r.next)
		r.next = nil
	}
	return a.complete()
}

// complete does what follows once the next authority is in force, which may be
// done twice; the lock of rotation is held.
func (a *Authority) complete() error {
	s := a.signs.Load()
	a.trust.rekey(s.keys.operator, s.cert)
	a.operators.Store(identity.NewOperators(string(s.certs.authority), a.rotation.f.Before))
	// What the folder held that let somebody in: lines, and the key of this host's own admin.
	err := a.registry.void()
	if err == nil {
		err = a.renewAdmin()
	}
	if err == nil {
		err = a.relist()
	}
	if err != nil {
		return err
	}
	a.reissue()
	f := a.rotation.f
	f.Stage, f.Accepted, f.Over = stageSwitched, false, nil
	return a.rotation.write(f)
}

// renewAdmin gives this host's own admin another key, unless it was done before.
// The previous key was in the folder, too: it is always shut out.
func (a *Authority) renewAdmin() error {
	have, err := identity.Load(a.Admin())
	if err == nil {
		return a.WriteAdmin(a.Admin(), have.URL)
	}
	if _, in := a.registry.get(LocalAdmin); !in {
		return nil
	}
	a.log.Warn("the key of this host's own admin cannot be read, and is shut out: the next start of the broker makes another", "error", err)
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	return a.registry.local(public(key)) // which nobody keeps
}

// reissue gives the programs of this host that were let in by Enrol their new
// credentials at once: their connections may have no TLS, and so no sign of which
// authority the broker has.
func (a *Authority) reissue() {
	a.mu.Lock()
	dirs := slices.Clone(a.enrolled)
	a.mu.Unlock()
	for _, dir := range dirs {
		if err := a.reissueIn(dir); err != nil {
			a.log.Error("access: new credentials for a program of this host; its next start tries again", "folder", dir, "error", err)
		}
	}
}

func (a *Authority) reissueIn(dir string) error {
	key, err := identity.PublicKey(dir)
	if err != nil {
		return err
	}
	who, in := a.registry.member(key)
	if !in {
		return nil // it was shut out
	}
	id, _ := a.registry.get(who.Name)
	c, err := a.signs.Load().credential(id, key)
	if err != nil {
		return err
	}
	return identity.Reissue(dir, string(a.certs().authority), *c)
}

// Former is the account in which the authority before kept the mesh's streams; ""
// where there was none.
func (a *Authority) Former() string {
	a.rotation.mu.Lock()
	defer a.rotation.mu.Unlock()
	return a.rotation.f.Account
}

// makeAdmin gives this host's own admin a key, and shuts the previous one out.
func (a *Authority) makeAdmin(dir, url string) error {
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	token, err := a.keys().userJWT(wire.RoleAdmin, LocalAdmin, public(key))
	if err != nil {
		return err
	}
	id := identity.Identity{URL: url, Authority: string(a.certs().authority), Credential: wire.Credential{Name: LocalAdmin, Role: wire.RoleAdmin, JWT: token}}
	if err := a.registry.local(public(key)); err != nil {
		return err
	}
	return errors.Join(a.relist(), id.Save(dir, key))
}

// void has the tokens no longer count that nobody used: their secrets are in the registry.
// Sessions end: what let them in was by the authority before.
func (b *registry) void() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(d *draft) error {
		for name, e := range b.entries {
			if e.Key == "" && e.Revoked.IsZero() && e.TokenHash != "" { // also one for several
				e := d.edit(name)
				e.TokenHash, e.Expires = "", b.now().UTC()
			}
			if e.Renewal != nil {
				d.edit(name).Renewal = nil
			}
			if len(e.Sessions)+len(e.Over) > 0 { // no key of this authority lets them in
				e := d.edit(name)
				e.Sessions, e.Over = nil, nil
			}
		}
		return nil
	})
}

// lines counts the tokens that somebody may still use.
func (b *registry) lines() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if e.Key == "" && e.Revoked.IsZero() && e.TokenHash != "" && !b.expired(e.Expires) {
			n++
		}
		if e.Renewal != nil && !b.expired(e.Renewal.Expires) {
			n++
		}
	}
	return n
}
