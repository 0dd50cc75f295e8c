package access

import (
	"cmp"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// tokenError is all that somebody without a valid token learns.
type tokenError struct{}

func (tokenError) Error() string {
	return "this token is not valid here: it has no uses left, it expired, or it is mistyped: ask for a new one (netmon token new)"
}

// Code lets whoever joins distinguish it from an error that the next try may not have.
func (tokenError) Code() wire.Code { return wire.CodeToken }

var errToken error = tokenError{}

// admission is what became of a request to join.
type admission struct {
	wire.Identity
	again    bool   // it was let in before, by this token and with this key: the answer may have been lost
	replaced bool   // previous keys were shut out
	why      string // it was not let in, for our own log; "" where nobody was ever given such a token: anybody may try those
}

// detail is what the audit has of somebody who was let in.
func (in admission) detail() string {
	text := string(in.Role)
	if in.Token != "" {
		text += ", by the token " + in.Token
	}
	if in.replaced {
		text += ", in place of the previous key"
	}
	return text
}

// opens says whether a token may let a key in. It is all that is asked of the
// registry for those who guess, and for those who repeat what was used.
func (b *registry) opens(secret, key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[b.byToken[secret]]
	switch {
	case e == nil || !e.Revoked.IsZero():
		return false
	case e.many():
		return e.Used < e.Uses || b.cameBy(e, key) != nil
	case e.renewedBy(secret):
		return true
	}
	return e.Joined.IsZero() || e.Key == key
}

// renewedBy says whether a secret is that of the token by which another key
// takes over.
func (e *entry) renewedBy(secret string) bool {
	return e.Renewal != nil && e.Renewal.TokenHash == secret
}

// cameBy is the agent that a token for several let in with a key, nil for none.
func (b *registry) cameBy(token *entry, key string) *entry {
	e := b.entries[b.byKey[key]]
	if e == nil || e.Token != token.Name || e.Key != key || !e.Revoked.IsZero() {
		return nil
	}
	return e
}

// join lets a key in by a token. Asked again for the same key it says the same
// again, and the token has no use less: the answer may have been lost, and is
// worth nothing without the key. A request that cannot be met takes no use either.
func (b *registry) join(secret string, q wire.Join) (admission, error) {
	if !nkeys.IsValidPublicUserKey(q.Key) {
		return admission{}, fmt.Errorf("key: want the public NKey of a user, U..., got %.80q", q.Key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name, known := b.byToken[secret]
	e := b.entries[name]
	switch {
	case !known:
		return admission{}, errToken
	case !e.Revoked.IsZero():
		return notBy(e, "was revoked")
	case e.many():
		return b.joinMany(e, q)
	case e.renewedBy(secret):
		return b.joinOne(e, e.Renewal.Expires, e.Renewal.Role, q)
	case !e.Joined.IsZero() && e.Key == q.Key:
		return admission{Identity: e.Identity, again: true}, nil
	case !e.Joined.IsZero():
		return notBy(e, "was used before")
	}
	return b.joinOne(e, e.Expires, e.Role, q)
}

// notBy is the answer to whoever hands in a token that lets nobody in any more.
func notBy(e *entry, why string) (admission, error) {
	return admission{why: "the token of " + e.Name + " " + why}, errToken
}

// joinOne lets a key in by the token that was made for one name, for the first
// time or, by a renewal, in place of the previous keys.
func (b *registry) joinOne(e *entry, expires time.Time, role wire.Role, q wire.Join) (in admission, err error) {
	switch {
	case b.expired(expires):
		return notBy(e, "expired at "+expires.Format(time.RFC3339))
	case b.byKey[q.Key] != "":
		return admission{why: "the key belongs to " + b.byKey[q.Key]}, errToken
	case q.Name != "" && q.Name != e.Name:
		return in, errNotUsed("the line is for %s, and not for %s: join under the line's id, or ask for a line for this one (netmon token new agent --id %s)", e.Name, q.Name, q.Name)
	}
	if err := checkJoiner(role, q.As); err != nil {
		return in, err
	}
	if e.Renewal != nil {
		if err := b.mayRenew(e, role); err != nil {
			return in, errNotUsed("%w", err)
		}
	}
	in.replaced = e.Renewal != nil
	err = b.change(func(d *draft) error {
		e, now := d.edit(e.Name), b.now().UTC()
		if in.replaced {
			e.renew(q.Key, now)
		} else {
			e.Key, e.Joined = q.Key, now
		}
		in.Identity = e.Identity
		return nil
	})
	return in, err
}

// joinMany lets an agent in by a token for several, under a name that nobody had.
func (b *registry) joinMany(token *entry, q wire.Join) (in admission, err error) {
	name := cmp.Or(q.Name, q.Host)
	have := b.cameBy(token, q.Key)
	switch {
	case have != nil && have.Name == name:
		return admission{Identity: have.Identity, again: true}, nil
	case b.byKey[q.Key] != "":
		return admission{why: "the key belongs to " + b.byKey[q.Key]}, errToken
	case token.Used >= token.Uses:
		return notBy(token, fmt.Sprintf("was used %d times", token.Used))
	case b.expired(token.Expires):
		return notBy(token, "expired at "+token.Expires.Format(time.RFC3339))
	}
	if err := checkJoiner(token.Role, q.As); err != nil {
		return in, err
	}
	c := wire.AccessCommand{Name: name, Role: wire.RoleAgent, Labels: token.Labels}
	if err := checkEntry(c); err != nil {
		return in, errNotUsed("%v: choose another id", err)
	}
	if have := b.entries[name]; have != nil {
		return admission{why: "the token of " + token.Name + " was used for a name that is taken"}, errTaken(have)
	}
	if len(b.entries) >= mostEntries {
		return in, errNotUsed("%w", errFull())
	}
	if err := b.mayAddShared(wire.RoleAgent); err != nil {
		return in, errNotUsed("%w", err)
	}
	err = b.change(func(d *draft) error {
		now := b.now().UTC()
		d.edit(token.Name).Used++
		in.Identity = wire.Identity{Name: name, Role: wire.RoleAgent, Labels: token.Labels, Key: q.Key, By: token.By, Token: token.Name, Made: now, Joined: now}
		d.set(&entry{Identity: in.Identity})
		return nil
	})
	return in, err
}

// errNotUsed is the answer to whoever has a token that is as good as before.
func errNotUsed(format string, args ...any) error {
	return fmt.Errorf("the token was not used: "+format, args...)
}

// errTaken says that a name is not for whoever holds a token for several.
func errTaken(e *entry) error {
	if !e.Revoked.IsZero() {
		return errNotUsed("%q was shut out here: choose another id for this agent; to let it in again: netmon token new agent --id %s", e.Name, e.Name)
	}
	return errNotUsed("%q is in use here: choose another id for this agent; if it is the same one and lost its state: netmon token new agent --id %s --replace", e.Name, e.Name)
}

// joiners are those who hand in lines, in words.
var joiners = map[wire.Joiner]string{wire.JoinAgent: "an agent", wire.JoinConsole: "a person", wire.JoinNotifier: "a notifier"}

// checkJoiner says where a token belongs that was handed in by the other command.
func checkJoiner(role wire.Role, as wire.Joiner) error {
	of := role.Joiner()
	switch {
	case of == as:
		return nil
	case of == wire.JoinAgent:
		return errNotUsed("the line is for an agent, and not for %s: netmon agent --join LINE, on the host that it is to measure from", cmp.Or(joiners[as], "a person"))
	case of == wire.JoinNotifier:
		return errNotUsed("the line is for a notifier, and not for %s: netmon notifier --join LINE, on the host that is to send", cmp.Or(joiners[as], "a person"))
	}
	return errNotUsed("the line is for a person (%s), and not for %s: netmon context add NAME --join LINE, as that person", role, cmp.Or(joiners[as], "an agent"))
}
