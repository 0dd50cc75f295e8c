package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// delegators are the roles that may let a session act in their name.
var delegators = []wire.Role{wire.RoleViewer, wire.RoleOperator, wire.RoleAdmin}

var errSession = errors.New("a session may not do this: sign in with your own key, by netmon's commands")

// owner is sender, for what a session may not do in a person's name.
func (s *service) owner(m *nats.Msg, subject string, roles ...wire.Role) (wire.Member, error) {
	who, err := s.sender(m, subject, roles...)
	if err != nil {
		return who, err
	}
	if _, own := s.a.registry.member(who.Key); !own {
		err = identity.Refuse(wire.CodeDenied, errSession)
		s.warnings.report("refused", subject, who.Name, err)
	}
	return who, err
}

// delegate opens and ends sessions: see wire.Delegation.
func (s *service) delegate(_ context.Context, m *nats.Msg) {
	who, err := s.sender(m, m.Subject, delegators...)
	defer s.confirm(who)()
	_, own := s.a.registry.member(who.Key)
	name := who.Name
	if !own {
		name = wire.SessionName(who.Name, who.Key)
	}
	var q wire.Delegation
	if err == nil && m.Subject != "access.delegate."+name {
		err = errNotYours
	}
	if err == nil {
		q, err = wire.DecodeDelegation(m.Data)
	}
	if err == nil && !own && (q.Op != wire.DelegateEnd || q.Key != who.Key) {
		err = identity.Refuse(wire.CodeDenied, errSession)
		s.warnings.report("refused", m.Subject, who.Name, err)
	}
	switch {
	case err != nil:
		s.answer(m, wire.AccessReply{}, err)
	case q.Op == wire.DelegateOpen:
		s.open(m, who, q)
	default:
		s.end(m, who, q)
	}
}

func (s *service) open(m *nats.Msg, who wire.Member, q wire.Delegation) {
	var c *wire.Credential
	var opened wire.Session
	var fresh bool
	var err error
	s.a.rotation.changes(func(bool) {
		if opened, fresh, err = s.a.registry.openSession(who.Name, who.Key, q); err == nil {
			c, err = s.a.signs.Load().session(who.Name, opened)
		}
	})
	if err == nil {
		err = s.relist()
	}
	s.answer(m, wire.AccessReply{Credential: c}, err)
	if fresh || err != nil {
		s.note(sessionLine(who.Name, "session-open", who.Name, opened), err)
	}
}

func (s *service) end(m *nats.Msg, who wire.Member, q wire.Delegation) {
	done, err := s.a.registry.endSession(who.Name, q.Key)
	if err == nil {
		err = errors.Join(s.lagging(), s.relist())
	}
	s.answer(m, wire.AccessReply{}, err)
	if done {
		s.update(accountConsoles)
		s.note(wire.Audit{Where: whereAccess, By: who.Name, Did: "session-end", What: []string{who.Name}, Detail: q.Key}, nil)
	}
}

// sessionLine is what the audit has of a session.
func sessionLine(by, did, name string, o wire.Session) wire.Audit {
	e := wire.Audit{Where: whereAccess, By: by, Did: did, What: []string{name}}
	if o.Key != "" {
		e.Detail = fmt.Sprintf("%s, until %s, %s, of %q", o.Role, o.Until.Format(time.RFC3339), o.Key, o.Of)
	}
	return e
}

// sessionsEvery is how often it is checked whether a session's time is over. It does not
// count from then on, whether or not it was checked.
const sessionsEvery = time.Second

// watchSessions ends the sessions whose time is over, until ctx ends.
func (s *service) watchSessions(ctx context.Context) {
	failed := false
	for {
		list, err := s.a.registry.endOver()
		if err != nil && !failed {
			s.a.log.Error("access: sessions that are over could not be ended; trying again", "error", err)
		}
		failed = err != nil
		if len(list) > 0 {
			_ = s.relist() // pushLoop tries again, and reports it
			s.update(accountConsoles)
		}
		for _, o := range list {
			s.note(sessionLine(theBroker, "session-end", o.name, o.Session), nil)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sessionsEvery):
		}
	}
}
