package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// refusedCode is one that JetStream does not use.
const refusedCode jetstream.ErrorCode = 10200

// refuse answers in JetStream's form, which each NATS client shows as an error.
func refuse(m *nats.Msg, description string) error {
	data, err := json.Marshal(map[string]any{"error": jetstream.APIError{Code: 403, ErrorCode: refusedCode, Description: description}})
	if err != nil {
		return err
	}
	return m.Respond(data)
}

// gateTry is how long what consoles ask for may take here: they ask again after
// [retry.Try], and hear before that that they should.
const gateTry = retry.Try * 3 / 4

// failure is the answer about an error, in JetStream's form. One that passes is told
// as such, and the console asks again.
func (s *service) failure(err error) []byte {
	var api *jetstream.APIError
	switch {
	case retry.Passing(s.nc, err):
		api = &jetstream.APIError{Code: 503, ErrorCode: retry.NotAvailable, Description: "JetStream system temporarily unavailable"}
	case !errors.As(err, &api):
		api = &jetstream.APIError{Code: 403, ErrorCode: refusedCode, Description: err.Error()}
	}
	data, err := json.Marshal(map[string]any{"error": api})
	if err != nil { // plain fields can be written
		return nil
	}
	return data
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
		m.Respond(s.failure(err))
		return
	}
	who, err := s.receiver.Saver(proof, to.Subject, operation, m.Data, store, over, changers...)
	defer s.confirm(who)()
	if err != nil {
		s.warnings.tell("refused", to.Subject, who.Name, err)
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
	case operation != "": // also PUT, which some readers take for a value, and some for none
		err = fmt.Errorf("%s: want DEL, or none: the history of a monitor is kept, got %.20q", headerOperation, operation)
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
	for header, value := range map[string]string{headerOperation: operation, wire.ProofHeader: proof, wire.AcceptedHeader: accepted} {
		if value != "" {
			to.Header.Set(header, value)
		}
	}
	s.write(ctx, m, to, stored{e, monitorsStream, over})
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
	ctx, cancel := context.WithTimeout(ctx, gateTry)
	defer cancel()
	stream, err := retry.Stream(ctx, s.js, name)
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
