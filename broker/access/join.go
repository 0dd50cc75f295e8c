package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// joins answers those who hand in a token. Anybody who reaches the broker may
// do so, as often as the network takes it: what is done for each before its
// token is known is a hash and a look into a map. Tokens that may let in wait in a
// queue of their own, behind no wrong one. What does not fit in a queue is
// asked to come again at once, unencrypted, and not dropped: an unanswered
// request is memory in the server.
type joins struct {
	s      *service
	sealer identity.Sealer
	known  chan joinRequest
	wrong  chan joinRequest
	busy   []byte
}

type joinRequest struct {
	m      *nats.Msg
	q      wire.Join
	secret string // of the token, "" where the request does not prove that it is there
}

// How many may wait.
const (
	knownQueue = 64
	wrongQueue = 256
)

func newJoins(s *service) (*joins, error) {
	sealer, err := identity.NewSealer()
	if err != nil {
		return nil, err
	}
	busy, err := json.Marshal(wire.AccessReply{Error: &wire.Error{Code: wire.CodeBusy, Message: "too many join at once: try again"}})
	if err != nil {
		return nil, err
	}
	return &joins{s: s, sealer: sealer, busy: busy, known: make(chan joinRequest, knownQueue), wrong: make(chan joinRequest, wrongQueue)}, nil
}

// route sorts a request. It waits for nothing.
func (j *joins) route(m *nats.Msg) {
	var q wire.Join
	if err := json.Unmarshal(m.Data, &q); err != nil {
		j.s.answer(m, wire.AccessReply{}, fmt.Errorf("not a request to join: %w", err))
		return
	}
	if q.ID == "" || q.As == "" || !nkeys.IsValidPublicCurveKey(q.Curve) { // before the token is used
		j.s.answer(m, wire.AccessReply{}, errTooOld)
		return
	}
	secret, queue := j.s.a.registry.secret(q.ID), j.wrong
	if secret != "" && !identity.CheckJoin(secret, q) {
		secret = ""
	}
	if secret != "" && j.s.a.registry.opens(secret, q.Key) {
		queue = j.known
	}
	select {
	case queue <- joinRequest{m, q, secret}:
	default:
		m.Respond(j.busy)
	}
}

var errTooOld = fmt.Errorf("this netmon is too old to join here, and its token was not used: update it, then join by the same line")

// work answers one queue until ctx ends.
func (j *joins) work(ctx context.Context, queue <-chan joinRequest) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-queue:
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			j.join(ctx, r)
			cancel()
		}
	}
}

func (j *joins) join(ctx context.Context, r joinRequest) {
	s := j.s
	var in admission
	var c *wire.Credential
	var err, unsigned error
	s.a.rotation.changes(func(bool) {
		if in, err = s.a.registry.join(r.secret, r.q); err == nil {
			c, unsigned = s.a.signs.Load().credential(in.Identity, r.q.Key)
		}
	})
	if err != nil {
		if in.why != "" && s.first(in.why) {
			s.a.log.Warn("refused a request to join", "reason", in.why)
			s.note(wire.Audit{Where: whereAccess, Did: "join", Detail: in.why}, err)
		}
		j.seal(r, wire.AccessReply{}, err)
		return
	}
	err = unsigned
	if !in.again {
		err = errors.Join(err, s.relist())
		s.a.log.Info("joined", "name", in.Name, "role", in.Role, "token", cmp.Or(in.Token, in.Name), "replaced", in.replaced)
		s.note(wire.Audit{Where: whereAccess, By: in.Name, Did: "join", What: []string{in.Name}, Detail: in.detail()}, err)
	}
	if in.replaced { // whoever has the previous key is gone before the new one asks who has its name
		account := accountOf(in.Role)
		s.update(account)
		if err := s.pushed(ctx, account); err != nil {
			s.a.log.Warn("a new key replaced one that may still be connected; trying again", "name", in.Name, "error", err)
		}
	}
	j.seal(r, wire.AccessReply{Credential: c}, err)
}

// seal answers whoever asked, and nobody else.
func (j *joins) seal(r joinRequest, reply wire.AccessReply, err error) {
	if err != nil {
		errs := wire.Invalid(err)
		reply = wire.AccessReply{Error: &errs[0]}
	}
	reply.OK = reply.Error == nil
	data, err := j.sealer.Seal(reply, r.q.Curve)
	if err == nil {
		err = r.m.Respond(data)
	}
	if err != nil {
		j.s.warnings.report("access: answer", r.m.Subject, "", err)
	}
}
