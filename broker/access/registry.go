package access

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// How long a token may wait for its use.
const (
	tokenDefault = time.Hour
	mostEntries  = 100_000 // identities in the registry
	mostLabels   = 64      // of one identity
	mostOldKeys  = 50      // of one identity, from which on it no longer changes its key
	mostUses     = 10_000  // of one token
	mostMembers  = 4000    // operators and admins: their list fits into a message
	rotateEvery  = time.Minute
	rotateADay   = 5    // keys that one identity may leave behind in a day
	mostLeft     = 8000 // old keys of one account: what is left of mostRevoked is for revoking
)

// reserved are names that subjects or the audit use for something else.
var reserved = []string{wire.Everywhere, string(roleController), LocalAdmin, "join", whereAccess, whereMonitors, whereSettings, OwnNotifier}

// LocalAdmin is the name of who runs commands on the broker's own host.
const LocalAdmin = "local"

// registry holds the identities. It is a file, written before anybody learns of it.
type registry struct {
	path string
	now  func() time.Time

	mu      sync.Mutex        // guards what follows
	entries map[string]*entry // by name; each is as it is on disk, and never changed in place
	byToken map[string]string // names by the token's secret, used or not
	byJoin  map[string]string // secrets by what names them
	byKey   map[string]string // names by the keys that they have, or had
	acting  map[string]bool   // names that have sessions, or ended ones that are not forgotten
	count   uint64            // of changes
	adopted bool              // what was saved before anybody had to sign is accepted
}

// entry is one identity, or a token by which several agents join (see many),
// which has a name among them.
type entry struct {
	wire.Identity
	TokenHash string     `json:"token_hash,omitempty"` // identity.TokenSecret; the token itself is not kept
	Next      string     `json:"next,omitempty"`       // key that takes over from Key once it is confirmed
	NextAt    time.Time  `json:"next_at,omitzero"`     // when Next was named
	Old       []oldKey   `json:"old,omitempty"`        // keys that were shut out
	Renewal   *renewal   `json:"renewal,omitempty"`    // token by which another key takes over; never changed in place
	Last      suspension `json:"last,omitzero"`        // of an agent that stored too much
	Over      []overKey  `json:"over,omitempty"`       // of sessions that ended, until their credentials have long expired
}

type oldKey struct {
	Key  string    `json:"key"`
	Role wire.Role `json:"role"` // that it had
	At   time.Time `json:"at"`
}

// commands says whether a role's commands count.
func commands(r wire.Role) bool { return r == wire.RoleOperator || r == wire.RoleAdmin }

// commanders counts those whose commands count, or will.
func (b *registry) commanders() (n int) {
	for _, e := range b.entries {
		if commands(e.Role) && e.Revoked.IsZero() && (e.Key != "" || !b.expired(e.Expires)) {
			n++
		}
	}
	return n
}

// rotate notes the key that follows, for who signed by the key in use. Asked
// again for one that it has, or that follows, it says the same again: the answer
// may have been lost. The key that follows takes over by signing: see confirm.
func (b *registry) rotate(name, by, key string) (id wire.Identity, err error) {
	if !nkeys.IsValidPublicUserKey(key) {
		return id, fmt.Errorf("key: want the public NKey of a user, U..., got %.80q", key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	err = b.change(func(d *draft) error {
		e := b.entries[name]
		switch {
		case e == nil || e.Key == "" || !e.Revoked.IsZero():
			return fmt.Errorf("%s has not joined with a token", name)
		case by != e.Key:
			return errors.New("it is signed by a key that is not the one in use: try again")
		case e.Key == key || e.Next == key:
			id = e.Identity // nothing changes
			return nil
		case b.byKey[key] != "":
			return errors.New("key: it was used before: make a new one")
		case within(b.now(), e.NextAt, rotateEvery):
			return fmt.Errorf("its key was changed less than %v ago: try again later", rotateEvery)
		case len(e.Old) >= mostOldKeys:
			return fmt.Errorf("it has had %d keys, which is the limit: let it join again under another name, and revoke this one", mostOldKeys)
		case b.left(accountOf(e.Role)) >= e.mostLeft():
			return fmt.Errorf("%d keys were shut out, and no key can be changed any more, only revoked: see docs/security.md", e.mostLeft())
		case e.leftToday(b.now()) >= rotateADay:
			return fmt.Errorf("it changed its key %d times within a day, which is the limit: try again tomorrow; if a key was stolen, revoke it", rotateADay)
		}
		e = d.edit(name)
		if e.Next != "" { // given up: it never signed anything
			e.Old = append(e.Old, oldKey{e.Next, e.Role, b.now().UTC()})
		}
		e.Next, e.NextAt = key, b.now().UTC()
		id = e.Identity
		return nil
	})
	return id, err
}

// confirm notes that a key signed something. Is it one that follows, then it is
// in use, and the previous one is shut out: its thief could name a key of his own
// in its place. done is false where nothing changed.
func (b *registry) confirm(key string) (id wire.Identity, done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := b.byKey[key]
	if e := b.entries[name]; e == nil || key == "" || e.Next != key || !e.Revoked.IsZero() {
		return id, false, nil
	}
	err = b.change(func(d *draft) error {
		e := d.edit(name)
		now := b.now().UTC()
		e.Old = append(e.Old, oldKey{e.Key, e.Role, now})
		e.Key, e.Next = key, ""
		e.endSessions(now, allSessions) // a thief of the previous key may have opened some
		id = e.Identity
		return nil
	})
	return id, err == nil, err
}

// revoke shuts an identity out, and makes its token worthless.
func (b *registry) revoke(by, name string) (wire.Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.change(func(d *draft) error {
		e := d.edit(name)
		if e == nil {
			return fmt.Errorf("there is no identity %q: netmon access ls lists them", name)
		}
		if !e.Revoked.IsZero() {
			return nil
		}
		now, key := b.now().UTC(), e.Key
		e.shutOut(now)
		e.Revoked, e.Revoker, e.Key, e.Renewal = now, by, key, nil // the key that it had
		return nil
	})
	if err != nil {
		return wire.Identity{}, err
	}
	return b.show(b.entries[name]), nil
}

// listMost is how many identities are in one answer, far under the payload limit.
const listMost = 200

// list shows identities by name, those after a name; next is where to continue.
func (b *registry) list(after string) (page []wire.Identity, next string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	page = []wire.Identity{}
	for _, name := range slices.Sorted(maps.Keys(b.entries)) {
		switch {
		case name <= after:
		case len(page) == listMost:
			return page, page[len(page)-1].Name
		default:
			page = append(page, b.show(b.entries[name]))
		}
	}
	return page, ""
}

// ownHost made the identities of programs on the broker's own host.
const ownHost = "the broker's own host"

// local gives the broker's own host another key, and shuts the previous one out.
func (b *registry) local(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(d *draft) error {
		now := b.now().UTC()
		e := &entry{Identity: wire.Identity{Name: LocalAdmin, Role: wire.RoleAdmin, By: ownHost, Made: now, Joined: now, Key: key}}
		if was := d.edit(LocalAdmin); was != nil {
			was.shutOut(now)
			e.Old, e.Over = was.Old, was.Over
		}
		d.set(e)
		return nil
	})
}

// mostLeft is how many keys of its account may be shut out until an identity
// no longer changes its key. Those that came by a line for several, which one thief
// may have been, leave half of it to the others.
func (e *entry) mostLeft() int {
	if e.Token != "" {
		return mostLeft / 2
	}
	return mostLeft
}

// mayAddShared says why there may be no further agent that comes by a line for
// several: whoever came by one must be able to be shut out, all of them.
func (b *registry) mayAddShared(role wire.Role) error {
	account := accountOf(role)
	n := b.left(account)
	for _, e := range b.entries {
		if e.Key != "" && e.Revoked.IsZero() && accountOf(e.Role) == account {
			n++
		}
	}
	if n >= mostRevoked {
		return fmt.Errorf("%d keys are in use or shut out, and no more could be shut out: let each further agent in by a line of its own (netmon token new agent --id NAME)", n)
	}
	return nil
}

// left counts the keys of an account that were shut out; mu is held.
func (b *registry) left(account string) (n int) {
	is := map[wire.Role]bool{}
	for _, r := range wire.Roles {
		is[r] = accountOf(r) == account
	}
	for _, e := range b.entries {
		for _, o := range e.Old {
			if is[o.Role] {
				n++
			}
		}
	}
	return n
}

// within says whether something was less than a while ago. What lies ahead was
// noted by a clock that was ahead, and is over.
func within(now, at time.Time, while time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < while
}

// leftToday counts the keys that an identity left behind within a day.
func (e *entry) leftToday(now time.Time) (n int) {
	for _, o := range e.Old {
		if within(now, o.At, 24*time.Hour) {
			n++
		}
	}
	return n
}

// shutOut puts the keys that let somebody in among those that were shut out,
// where they stay for good: what they signed in with does not expire. Sessions end.
func (e *entry) shutOut(now time.Time) {
	e.endSessions(now, allSessions)
	if !e.Revoked.IsZero() {
		return // they are there
	}
	for _, k := range []string{e.Key, e.Next} {
		if k != "" {
			e.Old = append(e.Old, oldKey{k, e.Role, now})
		}
	}
	e.Key, e.Next = "", ""
}

func (b *registry) show(e *entry) wire.Identity {
	id := e.Identity
	switch {
	case !e.Revoked.IsZero():
		id.State = "revoked"
		id.Suspended, id.Until, id.Why = time.Time{}, time.Time{}, ""
	case !e.Suspended.IsZero():
		id.State = "suspended"
	case e.Next != "":
		id.State = "rotating"
	case e.Key != "":
		id.State = "joined"
	case e.many() && e.Used >= e.Uses:
		id.State = "used"
	case b.expired(e.Expires):
		id.State = "expired"
	case e.many():
		id.State = "open"
	default:
		id.State = "invited"
	}
	switch {
	case e.Renewal != nil && !b.expired(e.Renewal.Expires):
		id.Expires = e.Renewal.Expires
	case e.Key != "" || id.State == "revoked":
		id.Expires = time.Time{}
	}
	return id
}

// get is the identity of a name that is in.
func (b *registry) get(name string) (wire.Identity, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[name]
	if e == nil || e.Key == "" || !e.Revoked.IsZero() {
		return wire.Identity{}, false
	}
	return b.show(e), true
}

// revoked are the keys of an account's roles that are shut out, for good or for
// a while: one that is no longer among them is let in again.
func (b *registry) revoked(account string) map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]time.Time{}
	for _, e := range b.entries {
		for _, o := range e.Old {
			if accountOf(o.Role) == account {
				out[o.Key] = o.At
			}
		}
		if account == accountConsoles {
			e.revokedSessions(out, b.now())
		}
		if e.Suspended.IsZero() || !e.Revoked.IsZero() || accountOf(e.Role) != account {
			continue
		}
		for _, k := range []string{e.Key, e.Next} {
			if k != "" {
				out[k] = e.Suspended
			}
		}
	}
	return out
}
