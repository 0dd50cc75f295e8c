package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// What a console's consumer may take. More than that is lowered and not refused:
// clients that we did not write ask for what they always ask for.
const (
	consumerLife    = 5 * time.Minute // without its console
	consumerAcks    = 1000            // messages delivered and not acknowledged
	consumerWaiting = 512             // pulls that wait
)

// consumerRequest is what JetStream takes to make a consumer.
type consumerRequest struct {
	Stream string                   `json:"stream_name"`
	Config jetstream.ConsumerConfig `json:"config"`
	Action string                   `json:"action,omitempty"`
}

// consumer makes a console's consumer, unless it would send what it reads to a
// place where the console may not write: JetStream itself does not ask who may
// write there.
func (s *service) consumer(ctx context.Context, m *nats.Msg) {
	who, err := s.asksByServer(m, wire.RoleViewer, wire.RoleOperator, wire.RoleAdmin, wire.RoleNotifier)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	rest := strings.TrimPrefix(m.Subject, gateConsumer+".")
	q, err := allowedConsumer(who, rest, m.Data)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	done, err := s.consumers.reserve(ctx, who.Name, who.Role, held{q.Stream, q.Config.Name})
	if err != nil {
		m.Respond(s.failure(err))
		return
	}
	answer, name, err := s.makeConsumer(ctx, rest, q)
	done(name)
	if err != nil {
		m.Respond(s.failure(err))
		s.warnings.report("access: make a consumer", m.Subject, who.Name, err)
		return
	}
	m.Respond(answer)
}

// makeConsumer makes one, and returns JetStream's answer, and its name, or "" where
// it was not made.
func (s *service) makeConsumer(ctx context.Context, rest string, q consumerRequest) (answer []byte, name string, err error) {
	data, err := json.Marshal(q)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, gateTry)
	defer cancel()
	r, err := s.nc.RequestWithContext(ctx, "$JS.API.CONSUMER.CREATE."+rest, data)
	if err != nil {
		return nil, "", err
	}
	var made struct {
		Name  string          `json:"name"`
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(r.Data, &made) != nil || made.Error != nil {
		made.Name = ""
	}
	return r.Data, made.Name, nil
}

// allowedConsumer reads what a console asks for on a subject that ends in
// STREAM or STREAM.CONSUMER..., and returns it as it was understood, within its
// bounds, or says why it may not have it.
func allowedConsumer(who wire.Asker, rest string, data []byte) (q consumerRequest, err error) {
	stream, _, _ := strings.Cut(rest, ".")
	if err := json.Unmarshal(data, &q); err != nil {
		return q, err
	}
	c := &q.Config
	switch to := c.DeliverSubject; {
	case q.Stream != stream || !slices.Contains(append([]string{wire.AuditStream}, readable...), stream):
		return q, fmt.Errorf("stream_name: want %q, as the subject says, got %.60q", stream, q.Stream)
	case to != "" && (!strings.HasPrefix(to, ConsoleInbox+"."+who.NATS()+".") || strings.ContainsAny(to, "*> ")):
		return q, fmt.Errorf("deliver_subject: want one below your own inbox, %s.%s, got %.60q", ConsoleInbox, who.NATS(), to)
	case c.Durable != "":
		return q, fmt.Errorf("durable_name: a console's consumer ends with it, got %.60q", c.Durable)
	case c.Name != "" && wire.CheckToken(c.Name) != nil:
		return q, fmt.Errorf("name: %w", wire.CheckToken(c.Name))
	}
	// On disk, a thousand of them hold up the broker's stop for half a minute.
	c.MemoryStorage, c.Replicas = true, 1
	if c.InactiveThreshold < 0 || c.InactiveThreshold > consumerLife {
		c.InactiveThreshold = consumerLife // 0 is the server's own 5 s
	}
	if c.AckPolicy != jetstream.AckNonePolicy && (c.MaxAckPending < 0 || c.MaxAckPending > consumerAcks) {
		c.MaxAckPending = consumerAcks
	}
	c.MaxWaiting = min(c.MaxWaiting, consumerWaiting)
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Metadata[ownerKey] = who.Name // a session's are counted with the person's
	return q, nil
}
