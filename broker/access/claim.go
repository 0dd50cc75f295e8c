package access

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// claimPatience is how long other agents of an id have to answer. It is within
// what the agent waits beyond its own round trip.
const claimPatience = 400 * time.Millisecond

// claim asks, for an agent, who else takes commands under its id, and passes
// the answers on. One without Info says that nobody does.
func (s *service) claim(_ context.Context, m *nats.Msg) {
	id, err := s.caller(m, wire.RoleAgent)
	if err != nil || m.Subject != "access.claim."+id {
		return
	}
	var q wire.Command
	if json.Unmarshal(m.Data, &q) != nil {
		return
	}
	subject, err := wire.CommandSubject(id)
	if err != nil {
		return
	}
	question, err := json.Marshal(wire.Command{Op: wire.OpInfo, Instance: q.Instance})
	if err != nil {
		return
	}
	s.claims.Go(func() {
		if err := s.passAnswers(m, subject, question); err != nil {
			s.a.log.Warn("access: ask who else has the id", "id", id, "error", err)
		}
	})
}

func (s *service) passAnswers(m *nats.Msg, subject string, question []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), claimPatience) // Serve waits for it
	defer cancel()
	inbox := s.nc.NewInbox()
	sub, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer sub.Unsubscribe()
	if err := s.nc.PublishRequest(subject, inbox, question); err != nil {
		return err
	}
	for {
		r, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			nobody, err := json.Marshal(wire.Reply{OK: true})
			if err != nil {
				return err
			}
			return m.Respond(nobody)
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := m.Respond(r.Data); err != nil {
			return err
		}
	}
}
