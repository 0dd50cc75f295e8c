package access

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// joinConnections is how many who hold only a token may be connected at once.
const joinConnections = 64

// forGood is later than any credential can be signed. Each digit is in an account
// once for each key that was shut out.
var forGood = time.Unix(9_999_999_999, 0)

// mostRevoked is how many keys of one account can be shut out: NATS takes no
// account of more than jwt.MaxTokenSize.
const mostRevoked = 10_000

// Account is one account as the server takes it.
type Account struct {
	Name string
	Key  string // public
	JWT  string
}

// operatorJWT is what a server trusts.
func (k *keys) operatorJWT() (string, error) {
	c := jwt.NewOperatorClaims(public(k.operator))
	c.Name = "netmon"
	c.SystemAccount = public(k.accounts[accountSystem])
	return c.Encode(k.operator)
}

// accountJWTs are the accounts with what they import of each other, and with
// what was revoked of each: public keys and when.
func (k *keys) accountJWTs(revoked func(account string) map[string]time.Time) ([]Account, error) {
	var out []Account
	for _, name := range accountNames {
		c := jwt.NewAccountClaims(public(k.accounts[name]))
		c.Name = name
		for _, g := range grants() {
			if g.account != name {
				continue
			}
			s := jwt.NewUserScope()
			s.Key, s.Role, s.Description, s.Template = public(k.roles[g.role]), string(g.role), g.describe, g.template()
			c.SigningKeys.AddScopedSigner(s)
		}
		switch name {
		case accountMesh:
			c.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
				MemoryMaxStreamBytes: jwt.NoLimit, DiskMaxStreamBytes: jwt.NoLimit}
		case accountJoin:
			c.SigningKeys.Add(public(k.join))
			c.Limits.Conn = joinConnections
		}
		if name == accountAgents {
			c.AddMapping(askClaim, jwt.WeightedMapping{Subject: "agent.{{wildcard(1)}}.cmd"})
		}
		k.cross(c)
		for key := range revoked(name) {
			// For good, and not until now by this host's clock, which may have been
			// ahead when the key was signed. Keys are never given twice.
			c.RevokeAt(key, forGood)
		}
		var problems jwt.ValidationResults
		c.Validate(&problems)
		if errs := problems.Errors(); len(errs) > 0 {
			return nil, fmt.Errorf("account %s: %w", name, errs[0])
		}
		token, err := c.Encode(k.operator)
		if err == nil && len(token) > jwt.MaxTokenSize {
			err = fmt.Errorf("%d of its keys were shut out, and a NATS server takes about %d at most: make a new store, and let all join again", len(c.Revocations), mostRevoked)
		}
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		out = append(out, Account{Name: name, Key: c.Subject, JWT: token})
	}
	return out, nil
}

// cross adds what an account exports, and imports.
func (k *keys) cross(c *jwt.AccountClaims) {
	exported := map[string]bool{} // one export may serve two accounts
	for _, x := range crossings() {
		kind := jwt.Service
		if x.stream {
			kind = jwt.Stream
		}
		if id := kind.String() + " " + x.remote; c.Name == x.of && !exported[id] {
			exported[id] = true
			e := &jwt.Export{Name: x.remote, Subject: jwt.Subject(x.remote), Type: kind}
			if !x.stream {
				answersOf()[x.remote].set(e)
			}
			c.Exports.Add(e)
		}
		if c.Name == x.account {
			i := &jwt.Import{Name: x.local, Account: public(k.accounts[x.of]), Subject: jwt.Subject(x.remote), Type: kind, Share: x.named}
			if x.local != x.remote {
				i.LocalSubject = jwt.RenamingSubject(x.local)
			}
			c.Imports.Add(i)
		}
	}
}

// userJWT lets a public key in as a role. It does not expire: it ends by revocation.
func (k *keys) userJWT(role wire.Role, name, key string) (string, error) {
	return k.userUntil(role, name, key, time.Time{})
}

// userUntil is userJWT for a key that is let in for a while. Zero is for good.
func (k *keys) userUntil(role wire.Role, name, key string, until time.Time) (string, error) {
	for _, g := range grants() {
		if g.role != role {
			continue
		}
		c := jwt.NewUserClaims(key)
		c.Name = name
		c.IssuerAccount = public(k.accounts[g.account])
		c.Tags.Add(wire.RoleTag(role))
		c.SetScoped(true)
		if !until.IsZero() {
			c.Expires = until.Unix()
		}
		return c.Encode(k.roles[role])
	}
	return "", fmt.Errorf("there is no role %q", role)
}

// joinJWT is what a client is taken for that shows nothing: one that may do
// nothing but hand in a token.
func (k *keys) joinJWT() (string, error) {
	key, err := nkeys.CreateUser() // nobody keeps its seed
	if err != nil {
		return "", err
	}
	c := jwt.NewUserClaims(public(key))
	c.Name = "join"
	c.IssuerAccount = public(k.accounts[accountJoin])
	c.BearerToken = true
	c.Pub.Allow.Add(wire.AccessJoinSubject)
	c.Sub.Allow.Add(JoinInbox + ".>")
	c.NatsLimits = jwt.NatsLimits{Subs: 4, Data: jwt.NoLimit, Payload: 4 << 10}
	return c.Encode(k.join)
}

// systemJWT lets a key in to the servers' own account, where a server that is
// not embedded learns of changed accounts.
func (k *keys) systemJWT(key string) (string, error) {
	c := jwt.NewUserClaims(key)
	c.Name = "netmon-access"
	c.Pub.Allow.Add(updateClaims)
	c.Sub.Allow.Add("_INBOX.>")
	return c.Encode(k.accounts[accountSystem])
}

// updateClaims is where nats-server takes an account that changed.
const updateClaims = "$SYS.REQ.CLAIMS.UPDATE"
