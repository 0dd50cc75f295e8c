package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
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

// save writes a saved monitor for who signed it, exactly as it was signed, with
// the authority's word that it was let in: the controller obeys nothing else.
// Revisions are compared by JetStream, as if the console had written it itself;
// history stays.
func (s *service) save(ctx context.Context, m *nats.Msg) {
	name := strings.TrimPrefix(m.Subject, gateSave+".")
	to := nats.NewMsg("$KV." + wire.MonitorsBucket + "." + name)
	to.Data = m.Data
	operation, proof := m.Header.Get(headerOperation), m.Header.Get(wire.ProofHeader)
	over, err := strconv.ParseUint(m.Header.Get(headerExpect), 10, 64)
	if err != nil {
		refuse(m, fmt.Sprintf("%s: want the revision that was read, got %.40q", headerExpect, m.Header.Get(headerExpect)))
		return
	}
	store, err := s.stored(ctx, monitorsStream)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	who, err := s.receiver.Saver(proof, to.Subject, operation, m.Data, store, over, changers...)
	if err != nil {
		s.a.log.Warn("refused", "subject", to.Subject, "by", who.Name, "error", err)
		refuse(m, err.Error())
		return
	}
	e := wire.Audit{Where: whereMonitors, By: who.Name, Did: "save", What: []string{name}}
	if err = wire.CheckToken(name); operation == "DEL" {
		err = wire.CheckElement(name) // what was a name once can be deleted
	}
	switch rollup := m.Header.Get(headerRollup); {
	case err != nil:
		err = fmt.Errorf("monitor name %w", err)
	case rollup != "":
		err = fmt.Errorf("Nats-Rollup: the history of a monitor is kept, got %.20q", rollup)
	case operation == "DEL":
		e.Did = "delete"
	case operation != "" && operation != "PUT":
		err = fmt.Errorf("%s: want DEL: the history of a monitor is kept, got %.20q", headerOperation, operation)
	default:
		e.Detail, err = checkSaved(m.Data, name, who.Name)
	}
	var accepted string
	if err == nil {
		accepted, err = s.a.accept(who, to.Subject, operation, proof, m.Data)
	}
	if err != nil {
		refuse(m, err.Error())
		return
	}
	for header, value := range map[string]string{headerExpect: m.Header.Get(headerExpect), headerOperation: operation, wire.ProofHeader: proof, wire.AcceptedHeader: accepted} {
		if value != "" {
			to.Header.Set(header, value)
		}
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

// storeFor is how long it is believed that a bucket is the same one.
const storeFor = time.Second

const monitorsStream = "KV_" + wire.MonitorsBucket

// life is that of a bucket, as it was at a moment.
type life struct {
	id string
	at time.Time
}

// stored names the life of what a stream keeps: see [wire.StoreID].
func (s *service) stored(ctx context.Context, name string) (string, error) {
	s.mu.Lock()
	known := s.lives[name]
	s.mu.Unlock()
	if time.Since(known.at) < storeFor {
		return known.id, nil
	}
	stream, err := s.js.Stream(ctx, name)
	if err != nil {
		return "", err
	}
	id := wire.StoreID(stream.CachedInfo().Created)
	s.mu.Lock()
	s.lives[name] = life{id, time.Now()}
	s.mu.Unlock()
	return id, nil
}

// checkSaved says what is wrong with a monitor that somebody saves, and what
// that one says of the change.
func checkSaved(data []byte, name, by string) (change string, err error) {
	m, err := wire.DecodeSaved(data, 0)
	switch {
	case err != nil:
		return "", err
	case m.Name != name:
		return "", fmt.Errorf("name: want %q, which is the key, got %.64q", name, m.Name)
	case m.Author != by:
		return "", fmt.Errorf("author: want %q, who signs it, got %.64q", by, m.Author)
	}
	return m.Change, m.Validate()
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
