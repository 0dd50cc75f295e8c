package access

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// How long a token may wait for its use.
const (
	tokenDefault = time.Hour
	tokenMost    = 30 * 24 * time.Hour
	mostEntries  = 100_000 // identities in the book
	mostLabels   = 64      // of one identity
	mostOldKeys  = 50      // of one identity, from which on it changes its key no more
	mostMembers  = 4000    // operators and admins: their list fits into a message
	rotateEvery  = time.Minute
	rotateADay   = 5    // keys that one identity may leave behind in a day
	mostLeft     = 8000 // old keys of one account: what is left of mostRevoked is for revoking
)

// reserved are names that subjects or the audit use for something else.
var reserved = []string{wire.Everywhere, string(roleController), LocalAdmin, "join", whereAccess, whereMonitors}

// LocalAdmin is the name of who runs commands on the broker's own host.
const LocalAdmin = "local"

// errToken is all that somebody without a valid token is told.
var errToken = errors.New("this token is not valid here: it was used, it is too old, or it is mistyped: ask for a new one (netmon token new)")

// book holds the identities. It is a file, written before anybody is told.
type book struct {
	path string
	now  func() time.Time

	mu      sync.Mutex        // guards what follows
	entries map[string]*entry // by name; each is as it is on disk, and never changed in place
	byToken map[string]string // names by the token's secret, used or not
	byJoin  map[string]string // secrets by what names them
	byKey   map[string]string // names by the keys that they have, or had
	count   uint64            // of changes
	adopted bool              // what was saved before anybody had to sign is accepted
}

// bookFile is how it is kept. Before format 2 it was the identities alone.
type bookFile struct {
	Format     int               `json:"format"`
	Number     uint64            `json:"number"`            // of changes
	Adopted    bool              `json:"adopted,omitempty"` // see book
	Identities map[string]*entry `json:"identities"`
}

const bookFormat = 2

// entry is one identity.
type entry struct {
	wire.Identity
	TokenHash string     `json:"token_hash,omitempty"` // identity.TokenSecret; the token itself is not kept
	Next      string     `json:"next,omitempty"`       // key that takes over from Key once it is confirmed
	NextAt    time.Time  `json:"next_at,omitzero"`     // when Next was named
	Old       []oldKey   `json:"old,omitempty"`        // keys that were shut out
	Last      suspension `json:"last,omitzero"`        // of an agent that stored too much
}

type oldKey struct {
	Key  string    `json:"key"`
	Role wire.Role `json:"role"` // that it had
	At   time.Time `json:"at"`
}

const bookName = "identities.json"

func openBook(dir string) (*book, error) {
	b := &book{path: filepath.Join(dir, bookName), now: time.Now}
	data, err := os.ReadFile(b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing, and with it who was shut out: restore it from a backup of the folder; without one, remove the whole folder and let all join again", b.path)
	case err != nil:
		return nil, fmt.Errorf("book of identities: %w", err)
	}
	if err := b.decode(data); err != nil {
		return nil, fmt.Errorf("book of identities: %s: %w", b.path, err)
	}
	for name, e := range b.entries {
		if e == nil || e.Name != name {
			return nil, fmt.Errorf("book of identities: %s: %q holds no identity of that name", b.path, name)
		}
	}
	b.byToken, b.byJoin, b.byKey = map[string]string{}, map[string]string{}, map[string]string{}
	for name, e := range b.entries {
		b.index(name, nil, e)
	}
	return b, nil
}

func (b *book) decode(data []byte) error {
	var head struct {
		Format json.RawMessage `json:"format"` // an identity may have the name, too
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if len(head.Format) == 0 || head.Format[0] == '{' { // of netmon 0.1.0
		if err := json.Unmarshal(data, &b.entries); err != nil || b.entries == nil {
			return cmp.Or(err, errors.New("want an object, got null"))
		}
		return nil
	}
	var f bookFile
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Format != bookFormat || f.Identities == nil {
		return fmt.Errorf("format %d: want %d, with identities", f.Format, bookFormat)
	}
	b.entries, b.count, b.adopted = f.Identities, f.Number, f.Adopted
	return nil
}

// newBook writes an empty one.
func newBook(dir string) error {
	return identity.WriteSecret(filepath.Join(dir, bookName), []byte("{\"format\":2,\"number\":0,\"identities\":{}}\n"))
}

// write puts the next book on disk.
func (b *book) write(entries map[string]*entry) error {
	data, err := json.MarshalIndent(bookFile{bookFormat, b.count + 1, b.adopted, entries}, "", " ")
	if err == nil {
		err = identity.WriteSecret(b.path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the book of identities: %w", err)
	}
	b.count++
	return nil
}

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

// commands says whether a role's commands count.
func commands(r wire.Role) bool { return r == wire.RoleOperator || r == wire.RoleAdmin }

// commanders counts those whose commands count, or will.
func (b *book) commanders() (n int) {
	for _, e := range b.entries {
		if commands(e.Role) && e.Revoked.IsZero() && (e.Key != "" || !b.expired(e)) {
			n++
		}
	}
	return n
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

// rotate notes the key that follows, for who signed by the key in use. Asked
// again for one that it has, or that follows, it says the same again: the answer
// may have been lost. The key that follows takes over by signing: see confirm.
func (b *book) rotate(name, by, key string) (id wire.Identity, err error) {
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
			return fmt.Errorf("it had %d keys, which is as many as it may: let it join again under another name, and revoke this one", mostOldKeys)
		case b.left(accountOf(e.Role)) >= mostLeft:
			return fmt.Errorf("%d keys were shut out, and only revoking may go on: see docs/security.md", mostLeft)
		case e.leftToday(b.now()) >= rotateADay:
			return fmt.Errorf("it left %d keys behind within a day, which is as many as it may: try again tomorrow; what was stolen, revoke", rotateADay)
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
// in use, and the one before is shut out: its thief could name a key of his own
// in its place. done is false where nothing changed.
func (b *book) confirm(key string) (id wire.Identity, done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := b.byKey[key]
	if e := b.entries[name]; e == nil || key == "" || e.Next != key || !e.Revoked.IsZero() {
		return id, false, nil
	}
	err = b.change(func(d *draft) error {
		e := d.edit(name)
		e.Old = append(e.Old, oldKey{e.Key, e.Role, b.now().UTC()})
		e.Key, e.Next = key, ""
		id = e.Identity
		return nil
	})
	return id, err == nil, err
}

// revoke shuts an identity out, and makes its token worthless.
func (b *book) revoke(by, name string) (wire.Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.change(func(d *draft) error {
		e := d.edit(name)
		if e == nil {
			return fmt.Errorf("there is no identity %q: netmon access ls shows those that there are", name)
		}
		if !e.Revoked.IsZero() {
			return nil
		}
		now, key := b.now().UTC(), e.Key
		e.shutOut(now)
		e.Revoked, e.Revoker, e.Key = now, by, key // which it had
		return nil
	})
	if err != nil {
		return wire.Identity{}, err
	}
	return b.show(b.entries[name]), nil
}

// listMost is how many identities are in one answer, far under the payload limit.
const listMost = 200

// list shows identities by name, those after a name; next is where to go on.
func (b *book) list(after string) (page []wire.Identity, next string) {
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

// local gives the broker's own host another key, and shuts the one before out.
func (b *book) local(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(d *draft) error {
		now := b.now().UTC()
		e := &entry{Identity: wire.Identity{Name: LocalAdmin, Role: wire.RoleAdmin, By: ownHost, Made: now, Joined: now, Key: key}}
		if was := d.edit(LocalAdmin); was != nil {
			was.shutOut(now)
			e.Old = was.Old
		}
		d.set(e)
		return nil
	})
}

// left counts the keys of an account that were shut out; mu is held.
func (b *book) left(account string) (n int) {
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
// where they stay for good: what they signed in with does not expire.
func (e *entry) shutOut(now time.Time) {
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

func (b *book) show(e *entry) wire.Identity {
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
	case b.expired(e):
		id.State = "expired"
	default:
		id.State = "invited"
	}
	if id.State != "invited" && id.State != "expired" {
		id.Expires = time.Time{}
	}
	return id
}

// get is the identity of a name that is in.
func (b *book) get(name string) (wire.Identity, bool) {
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
func (b *book) revoked(account string) map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]time.Time{}
	for _, e := range b.entries {
		for _, o := range e.Old {
			if accountOf(o.Role) == account {
				out[o.Key] = o.At
			}
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
