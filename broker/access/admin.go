package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// rotate signs another key for whoever asks.
func (s *service) rotate(ctx context.Context, m *nats.Msg) {
	if s.aboutAuthority(m) {
		return
	}
	who, err := s.owner(m, m.Subject, wire.Roles...)
	defer s.confirm(who)()
	if err == nil && m.Subject != "access.rotate."+who.Name {
		err = errNotYours
	}
	if err != nil {
		s.answer(m, wire.AccessReply{}, err)
		return
	}
	var q wire.Join
	if err := json.Unmarshal(m.Data, &q); err != nil {
		s.answer(m, wire.AccessReply{}, fmt.Errorf("not a request to change a key: %w", err))
		return
	}
	var c *wire.Credential
	s.a.rotation.changes(func(announced bool) {
		if announced { // a credential of the next authority is for the key in use
			err = errors.New("the authority of the mesh is being changed: try again afterwards (netmon access authority)")
			return
		}
		var id wire.Identity
		if id, err = s.a.registry.rotate(who.Name, who.Key, q.Key); err == nil {
			c, err = s.a.signs.Load().credential(id, q.Key)
		}
	})
	if err == nil {
		err = s.relist()
	}
	s.answer(m, wire.AccessReply{Credential: c}, err)
}

// confirm notes that somebody signs by a key that was to follow, whatever it is
// that is signed: it is in use, and the previous one is shut out. What it returns is
// for after the answer: see pushLoop.
func (s *service) confirm(who wire.Member) (after func()) {
	var id wire.Identity
	var done bool
	var err error
	s.a.rotation.changes(func(bool) { id, done, err = s.a.registry.confirm(who.Key) })
	if err != nil {
		s.warnings.report("access: the registry does not have the new key", "", who.Name, err)
	}
	if !done {
		return func() {}
	}
	err = s.relist()
	return func() {
		s.update(accountOf(id.Role))
		s.note(wire.Audit{Where: whereAccess, By: id.Name, Did: "rotate", What: []string{id.Name}}, err)
	}
}

func (s *service) admin(ctx context.Context, m *nats.Msg) {
	who, err := s.owner(m, wire.AccessAdminSubject, wire.RoleAdmin)
	defer s.confirm(who)()
	by := who.Name
	if err != nil {
		s.answer(m, wire.AccessReply{}, err)
		return
	}
	var q wire.AccessCommand
	if err := json.Unmarshal(m.Data, &q); err != nil {
		s.answer(m, wire.AccessReply{}, fmt.Errorf("not an access command: %w", err))
		return
	}
	e := wire.Audit{Where: whereAccess, By: by, Did: string(q.Op), What: []string{q.Name}, Detail: string(q.Role)}
	var r wire.AccessReply
	switch q.Op {
	case wire.AccessList:
		r.Identities, r.Next = s.a.registry.list(q.After)
		s.answer(m, r, nil)
		return
	case wire.AccessToken:
		var token string
		var made wire.Identity
		token, made, err = s.a.registry.invite(by, q)
		r.Identities = []wire.Identity{made}
		e.What, e.Detail = []string{cmp.Or(made.Name, q.Name)}, tokenDetail(q, made)
		r.Hosts = s.Hosts
		r.Line = identity.Line{URL: s.URL, Token: token, Pin: s.a.Pin()}.String()
	case wire.AccessRevoke:
		var id wire.Identity
		if id, err = s.a.registry.revoke(by, q.Name); err == nil && id.Role == wire.RoleAgent {
			short, cancel := context.WithTimeout(ctx, time.Second) // a stream that does not answer holds nothing up
			s.depart(short, q.Name)
			cancel()
		}
		r.Identities = []wire.Identity{id}
	case wire.AccessForget:
		err = s.removeGone(ctx, q.Name)
		s.note(e, err)
		s.answer(m, r, err)
		return
	case wire.AccessResume:
		var id wire.Identity
		id, err = s.resume(q.Name)
		r.Identities = []wire.Identity{id}
	case wire.AccessAuthority, wire.AccessAuthorityRotate, wire.AccessAuthorityAbort:
		s.authority(m, by, q)
		return
	case wire.AccessConsumers, wire.AccessConsumerRemove:
		s.adminConsumers(ctx, m, by, q)
		return
	default:
		s.answer(m, wire.AccessReply{}, fmt.Errorf("op: want one of %v, got %.40q", wire.AccessOps, q.Op))
		return
	}
	if q.Op == wire.AccessToken || err != nil {
		s.note(e, err)
		s.answer(m, r, err)
		return
	}
	s.answer(m, r, errors.Join(s.lagging(), s.relist()))
	s.update(accountOf(r.Identities[0].Role))
	s.note(e, nil)
}

// tokenDetail is what the audit has of a token that was made.
func tokenDetail(q wire.AccessCommand, made wire.Identity) string {
	text := string(cmp.Or(q.Role, made.Role))
	switch {
	case q.Uses > 1:
		text += fmt.Sprintf(", for %d of them", q.Uses)
	case q.Replace:
		text += ", in place of the key in use"
	}
	return text
}
