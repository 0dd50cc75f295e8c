package access

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// What sessions may take. Each is in the account for a day after its credential expired,
// beside mostRevoked keys, and each operator's is on the list while it lasts.
const (
	sessionsOpen = 10  // of one identity at once
	sessionsMost = 30  // of one identity, with those that ended and are not forgotten
	sessionsAll  = 500 // of all identities, likewise
	// sessionKept is how long the key of a session is shut out after its credential
	// expired: a server's clock may be behind, and ours may have been ahead.
	sessionKept = 24 * time.Hour
	// sessionSlack is how far a clock may step back without ending what was opened before.
	sessionSlack = 5 * time.Minute
)

// overKey is the key of a session that ended.
type overKey struct {
	Key   string    `json:"key"`
	Until time.Time `json:"until"` // when its credential expires
}

// delegable are the roles that may be given to a session, by one's own.
var delegable = map[wire.Role][]wire.Role{
	wire.RoleViewer:   {wire.RoleViewer},
	wire.RoleOperator: {wire.RoleViewer, wire.RoleOperator},
	wire.RoleAdmin:    {wire.RoleViewer, wire.RoleOperator},
}

// openSession lets a key act in somebody's name, who signed by the key in use. Asked
// again for one that is open, it says the same again: the answer may have been lost.
// fresh is false then.
func (b *registry) openSession(name, by string, q wire.Delegation) (s wire.Session, fresh bool, err error) {
	if !nkeys.IsValidPublicUserKey(q.Key) {
		return s, false, fmt.Errorf("key: want the public NKey of a user, U..., got %.80q", q.Key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, now := b.entries[name], b.now().UTC()
	if e == nil || e.Key == "" || e.Key != by || !e.Revoked.IsZero() {
		return s, false, errors.New("it is signed by a key that is not the one in use: try again")
	}
	if i := slices.IndexFunc(e.Sessions, func(s wire.Session) bool { return s.Key == q.Key && s.Role == q.Role && !sessionOver(s, now) }); i >= 0 {
		return e.Sessions[i], false, nil
	}
	if err := b.maySession(e, q, now); err != nil {
		return s, false, err
	}
	s = wire.Session{Key: q.Key, Role: q.Role, Of: q.Of, Made: now, Until: now.Add(q.For.Std()).Truncate(time.Second)}
	err = b.change(func(d *draft) error {
		e := d.edit(name)
		e.Sessions = append(e.Sessions, s)
		return nil
	})
	return s, err == nil, err
}

// maySession says why an identity may not have one more session; mu is held.
func (b *registry) maySession(e *entry, q wire.Delegation, now time.Time) error {
	open := func(e *entry) (n int) {
		for _, s := range e.Sessions {
			if !sessionOver(s, now) {
				n++
			}
		}
		return n
	}
	all, operators := 0, 0
	for name := range b.acting {
		other := b.entries[name]
		all += len(other.Sessions) + len(other.Over)
		for _, s := range other.Sessions {
			if commands(s.Role) {
				operators++
			}
		}
	}
	switch may := delegable[e.Role]; {
	case len(may) == 0:
		return fmt.Errorf("a session acts for a person, and %s is a %s", e.Name, e.Role)
	case !slices.Contains(may, q.Role):
		return fmt.Errorf("role: want one of %v, as your own is %s, got %q", may, e.Role, q.Role)
	case b.byKey[q.Key] != "":
		return errors.New("key: it was used before: make a new one")
	case open(e) >= sessionsOpen:
		return fmt.Errorf("%s has %d sessions, which is the limit: end one first (log out); to end all of them, change your key: netmon access rotate", e.Name, sessionsOpen)
	case len(e.Sessions)+len(e.Over) >= sessionsMost:
		return fmt.Errorf("%s had %d sessions within about a day, which is the limit: try again later", e.Name, sessionsMost)
	case all >= sessionsAll:
		return fmt.Errorf("the mesh had %d sessions within about a day, which is the limit: try again later; netmon access ls shows those that are open", sessionsAll)
	case commands(q.Role) && b.commanders()+operators >= mostMembers:
		return errCommanders()
	}
	return nil
}

// endSession ends one that somebody has. done is false where it had ended before.
func (b *registry) endSession(name, key string) (done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	is := func(s wire.Session) bool { return s.Key == key }
	e := b.entries[name]
	switch {
	case e != nil && slices.ContainsFunc(e.Sessions, is):
	case e != nil && slices.ContainsFunc(e.Over, func(o overKey) bool { return o.Key == key }):
		return false, nil
	default:
		return false, fmt.Errorf("key: %s has no session with this key, got %.80q: netmon access ls shows those that are open", name, key)
	}
	err = b.change(func(d *draft) error {
		d.edit(name).endSessions(b.now().UTC(), is)
		return nil
	})
	return err == nil, err
}

// ended is a session that ended by itself, and whose it was.
type ended struct {
	name string
	wire.Session
}

// endOver ends the sessions whose time is over, and forgets those that nothing lets in
// any more.
func (b *registry) endOver() (list []ended, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err = b.change(func(d *draft) error {
		now := b.now().UTC()
		for _, name := range slices.Sorted(maps.Keys(b.acting)) {
			e := b.entries[name]
			if !slices.ContainsFunc(e.Sessions, func(s wire.Session) bool { return sessionOver(s, now) }) &&
				!slices.ContainsFunc(e.Over, func(o overKey) bool { return o.forgotten(now) || farAhead(o.Until, now) }) {
				continue
			}
			e = d.edit(name)
			for _, s := range e.endSessions(now, func(s wire.Session) bool { return sessionOver(s, now) }) {
				list = append(list, ended{name, s})
			}
			over := e.Over
			e.Over = nil
			for _, o := range over {
				if !o.forgotten(now) {
					e.over(o, now)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// endSessions ends those of an entry of a draft that end says, and returns them.
func (e *entry) endSessions(now time.Time, end func(wire.Session) bool) (list []wire.Session) {
	var kept []wire.Session
	for _, s := range e.Sessions {
		if !end(s) {
			kept = append(kept, s)
			continue
		}
		list = append(list, s)
		e.over(overKey{s.Key, s.Until}, now)
	}
	e.Sessions = kept
	return list
}

// over shuts the key of a session out: until nothing lets it in any more, or, where that
// is by a clock that was ahead, for good.
func (e *entry) over(o overKey, now time.Time) {
	if farAhead(o.Until, now) {
		e.Old = append(e.Old, oldKey{o.Key, wire.RoleViewer, now})
		return
	}
	e.Over = append(e.Over, o)
}

func allSessions(wire.Session) bool { return true }

// sessionOver says whether a session's time is over. One that is to begin was opened by a
// clock that was ahead.
func sessionOver(s wire.Session, now time.Time) bool {
	return !now.Before(s.Until) || now.Before(s.Made.Add(-sessionSlack))
}

func farAhead(until, now time.Time) bool {
	return until.After(now.Add(wire.MaxSession.Std() + sessionSlack))
}

func (o overKey) forgotten(now time.Time) bool { return !now.Before(o.Until.Add(sessionKept)) }

// signer is whose key it is, among those that are in: their own keys, and those of their
// sessions.
func (b *registry) signer(key string) (wire.Member, bool) {
	if who, own := b.member(key); own {
		return who, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[b.byKey[key]]
	if e == nil || key == "" || !e.Revoked.IsZero() {
		return wire.Member{}, false
	}
	for _, s := range e.Sessions {
		if s.Key == key && !sessionOver(s, b.now()) {
			return wire.Member{Key: key, Name: e.Name, Role: s.Role}, true
		}
	}
	return wire.Member{}, false
}

// sessions are the open ones of all, as those whose commands count, by name.
func (b *registry) sessions() (list []wire.Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.acting {
		e := b.entries[name]
		for _, s := range e.Sessions {
			if e.Revoked.IsZero() && !sessionOver(s, b.now()) {
				list = append(list, wire.Member{Key: s.Key, Name: e.Name, Role: s.Role})
			}
		}
	}
	slices.SortFunc(list, func(a, b wire.Member) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key)) })
	return list
}

// revokedSessions adds the keys of an entry's sessions that let nobody in any more.
func (e *entry) revokedSessions(out map[string]time.Time, now time.Time) {
	for _, o := range e.Over {
		out[o.Key] = o.Until
	}
	for _, s := range e.Sessions {
		if sessionOver(s, now) {
			out[s.Key] = s.Until
		}
	}
}
