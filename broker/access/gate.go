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

// refuse answers in JetStream's form, which each NATS client shows as an error.
func refuse(m *nats.Msg, description string) error {
	data, err := json.Marshal(map[string]any{"error": map[string]any{"code": 403, "err_code": 10200, "description": description}})
	if err != nil {
		return err
	}
	return m.Respond(data)
}

// pass sends a request on to JetStream and its answer back.
func (s *service) pass(ctx context.Context, m *nats.Msg, to *nats.Msg) error {
	r, err := s.nc.RequestMsgWithContext(ctx, to)
	if err != nil {
		return err
	}
	r.Subject, r.Reply = m.Reply, ""
	return m.RespondMsg(r)
}

// What consoles may say with a change of a saved monitor.
const (
	headerExpect    = "Nats-Expected-Last-Subject-Sequence"
	headerOperation = "KV-Operation"
)

// save writes a saved monitor in the name of who asked. Revisions are compared
// by JetStream, as if the console had written it itself; history stays.
func (s *service) save(ctx context.Context, m *nats.Msg) {
	by, err := s.caller(m, changers...)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	name := strings.TrimPrefix(m.Subject, gateSave+".")
	to := nats.NewMsg("$KV." + wire.MonitorsBucket + "." + name)
	e := wire.Audit{Where: whereMonitors, By: by, Did: "save", What: []string{name}}
	if v := m.Header.Get(headerExpect); v != "" {
		to.Header.Set(headerExpect, v)
	}
	op := m.Header.Get(headerOperation)
	if err = wire.CheckToken(name); op == "DEL" {
		err = wire.CheckElement(name) // what was a name once can be deleted
	}
	switch {
	case err != nil:
		err = fmt.Errorf("monitor name %w", err)
	case op == "DEL" && m.Header.Get("Nats-Rollup") == "":
		e.Did = "delete"
		to.Header.Set(headerOperation, op)
	case op != "" && op != "PUT":
		err = fmt.Errorf("%s: want DEL: the history of a monitor is kept, got %.20q", headerOperation, op)
	default:
		to.Data, e.Detail, err = signed(m.Data, name, by)
	}
	if err != nil {
		refuse(m, err.Error())
		return
	}
	var ack struct {
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	r, err := s.nc.RequestMsgWithContext(ctx, to)
	if err == nil {
		if json.Unmarshal(r.Data, &ack) == nil && ack.Error != nil {
			err = fmt.Errorf("%s", ack.Error.Description)
		}
		m.Respond(r.Data)
	}
	s.note(ctx, e, err)
}

// signed is a monitor with its true author.
func signed(data []byte, name, by string) (out []byte, change string, err error) {
	m, err := wire.DecodeSaved(data, 0)
	if err != nil {
		return nil, "", err
	}
	if m.Name != name {
		return nil, "", fmt.Errorf("name: want %q, which is the key, got %.64q", name, m.Name)
	}
	if err := m.Validate(); err != nil {
		return nil, "", err
	}
	m.Author = by
	out, err = json.Marshal(m)
	return out, m.Change, err
}

// consumerRequest is what JetStream takes to make a consumer.
type consumerRequest struct {
	Stream string                   `json:"stream_name"`
	Config jetstream.ConsumerConfig `json:"config"`
	Action string                   `json:"action,omitempty"`
}

// consumerLife bounds how long a consumer may stay that nobody reads by.
const consumerLife = time.Hour

// consumer makes a console's consumer, unless it would send what it reads to a
// place where the console may not write: JetStream itself does not ask who may
// write there.
func (s *service) consumer(ctx context.Context, m *nats.Msg) {
	by, err := s.caller(m, slices.Concat(changers, []wire.Role{wire.RoleViewer})...)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	rest := strings.TrimPrefix(m.Subject, gateConsumer+".")
	to := nats.NewMsg("$JS.API.CONSUMER.CREATE." + rest)
	if to.Data, err = allowedConsumer(by, rest, m.Data); err != nil {
		refuse(m, err.Error())
		return
	}
	if err = s.pass(ctx, m, to); err != nil {
		s.a.log.Warn("access: make a consumer", "for", by, "error", err)
	}
}

// allowedConsumer reads what a console asks for on a subject that ends in
// STREAM or STREAM.CONSUMER..., and writes it again as it was understood, or
// says why it may not have it.
func allowedConsumer(by, rest string, data []byte) ([]byte, error) {
	stream, _, _ := strings.Cut(rest, ".")
	var q consumerRequest
	if err := json.Unmarshal(data, &q); err != nil {
		return nil, err
	}
	switch to := q.Config.DeliverSubject; {
	case q.Stream != stream || !slices.Contains(append([]string{wire.AuditStream}, readable...), stream):
		return nil, fmt.Errorf("stream_name: want %q, as the subject says, got %.60q", stream, q.Stream)
	case to != "" && (!strings.HasPrefix(to, ConsoleInbox+"."+by+".") || strings.ContainsAny(to, "*> ")):
		return nil, fmt.Errorf("deliver_subject: want one below your own inbox, %s.%s, got %.60q", ConsoleInbox, by, to)
	case q.Config.Durable != "":
		return nil, fmt.Errorf("durable_name: a console's consumer ends with it, got %.60q", q.Config.Durable)
	case q.Config.InactiveThreshold > consumerLife:
		return nil, fmt.Errorf("inactive_threshold: want at most %v, got %v", consumerLife, q.Config.InactiveThreshold)
	}
	return json.Marshal(q)
}
