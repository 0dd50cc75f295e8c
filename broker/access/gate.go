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

const refusedCode = retry.RefusedCode

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

// failure is the answer about an error, in JetStream's form. One that passes is reported
// as such, and the console asks again.
func (s *service) failure(err error) []byte {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode == retry.NotAvailable: // as it says itself
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
	operationDelete = "DEL"
)

// saving is a bucket that people save in, through a gate.
type saving struct {
	gate   string
	bucket string
	where  string // the audit's own word
	// key says what is wrong with a key under which something is saved or deleted.
	key func(key string, deleted bool) error
	// check says what is wrong with what is saved under a key by somebody, and what
	// that one says of the change.
	check func(data []byte, key, by string) (change string, err error)
	// line is what the audit calls it, and the name that it is about.
	line func(key string, deleted bool) (did, name string)
}

func (b saving) stream() string            { return "KV_" + b.bucket }
func (b saving) subject(key string) string { return "$KV." + b.bucket + "." + key }

// savings lists them.
func savings() []saving { return []saving{savedMonitors(), savedSettings()} }

// saved is how the gate of a bucket is answered.
func (s *service) saved(b saving) func(context.Context, *nats.Msg) {
	return func(ctx context.Context, m *nats.Msg) { s.save(ctx, b, m) }
}

// save writes what is saved under a key for who signed it, exactly as it was signed,
// with the authority's word that it was let in: controller and notifiers obey nothing
// else. Revisions are compared by JetStream, as if the console had written it itself;
// history stays.
func (s *service) save(ctx context.Context, b saving, m *nats.Msg) {
	key := strings.TrimPrefix(m.Subject, b.gate+".")
	to := nats.NewMsg(b.subject(key))
	to.Data = m.Data
	operation, proof := m.Header.Get(headerOperation), m.Header.Get(wire.ProofHeader)
	over, err := expected(m)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	store, err := s.stored(ctx, b.stream())
	if err != nil {
		m.Respond(s.failure(err))
		return
	}
	who, err := s.saves.Saver(proof, to.Subject, operation, m.Data, store, over, savers...)
	defer s.confirm(who)()
	if err != nil {
		s.warnings.report("refused", to.Subject, who.Name, err)
		refuse(m, err.Error())
		return
	}
	deleted := operation == operationDelete
	e := wire.Audit{Where: b.where, By: who.Name}
	var name string
	e.Did, name = b.line(key, deleted)
	e.What = []string{name}
	if err = b.key(key, deleted); err == nil {
		err = keepsHistory(m)
	}
	if err == nil && !deleted {
		e.Detail, err = b.check(m.Data, key, who.Name)
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
	if n := wire.ParseEdition(m.Header.Get(wire.EditionHeader)); n > 0 { // for people alone: nothing obeys it
		to.Header.Set(wire.EditionHeader, strconv.FormatUint(n, 10))
	}
	s.write(ctx, m, to, stored{e, b.stream(), over})
}

// expected is the revision that a change is for, 0 for none.
func expected(m *nats.Msg) (uint64, error) {
	said := m.Header.Get(headerExpect)
	over, err := strconv.ParseUint(said, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: want the revision that was read, got %.40q", headerExpect, said)
	}
	return over, nil
}

// keepsHistory says what is wrong with the headers of a change of a key.
func keepsHistory(m *nats.Msg) error {
	rollup, operation := m.Header.Get(headerRollup), m.Header.Get(headerOperation)
	switch {
	case rollup != "":
		return fmt.Errorf("%s: history is kept, got %.20q", headerRollup, rollup)
	case operation != "" && operation != operationDelete: // also PUT, which some readers take for a value, and some for none
		return fmt.Errorf("%s: want %s, or none: history is kept, got %.20q", headerOperation, operationDelete, operation)
	}
	return nil
}

// storeFor is how long it is believed that a bucket is the same one.
const storeFor = time.Second

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
