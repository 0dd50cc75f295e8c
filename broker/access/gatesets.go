package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// Names of what NATS's object stores write (its ADR-20).
const (
	configsStream = "OBJ_" + wire.ConfigsBucket
	configsMeta   = "$O." + wire.ConfigsBucket + ".M."
	headerRollup  = "Nats-Rollup"
)

// saveSet writes what is known about a saved configuration, whose pieces are there
// already, for who signed it: the name, the digest of the content and the
// revision that it replaces. The authority's word is beside it, for whoever reads it.
func (s *service) saveSet(ctx context.Context, m *nats.Msg) {
	rest := strings.TrimPrefix(m.Subject, gateSets+".")
	to := nats.NewMsg(configsMeta + rest)
	to.Data = m.Data
	who, p, info, err := s.checkSet(ctx, to.Subject, rest, m)
	defer s.confirm(who)()
	if err != nil {
		s.warnings.report("refused", to.Subject, who.Name, err)
		m.Respond(s.failure(err))
		return
	}
	e := wire.Audit{Where: whereMonitors, By: who.Name, Did: "config-save", What: []string{info.Name}}
	if info.Deleted {
		e.Did = "config-delete"
	}
	accepted, err := s.a.accept(who, to.Subject, "", "", m.Data)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	to.Header.Set(headerRollup, "sub")
	to.Header.Set(wire.AcceptedHeader, accepted)
	s.write(ctx, m, to, stored{e, configsStream, p.Revision})
}

// stored is where something is saved, and what the audit is to know of it.
type stored struct {
	line   wire.Audit
	stream string
	over   uint64 // the revision that it replaces; 0 is none
}

// write stores what somebody saves, and brings the answer.
func (s *service) write(ctx context.Context, m, to *nats.Msg, in stored) {
	answer, err := s.replace(ctx, m, to, in.stream, in.over)
	// In line before the console knows, and saves more: the audit is in order.
	written := s.noted(in.line, err)
	m.Respond(answer)
	written()
}

// replace stores a message over another one, and returns the answer.
func (s *service) replace(ctx context.Context, m, to *nats.Msg, stream string, over uint64) (answer []byte, err error) {
	keepID(m, to)
	ctx, cancel := context.WithTimeout(ctx, gateTry)
	defer cancel()
	sequence, err := retry.Replace(ctx, s.js, stream, to, over)
	if err == nil {
		answer, err = json.Marshal(jetstream.PubAck{Stream: stream, Sequence: sequence})
	}
	if err != nil {
		return s.failure(err), err
	}
	return answer, nil
}

// keepID keeps the id by which a stream knows a message that comes again.
func keepID(m, to *nats.Msg) {
	if id := m.Header.Get(jetstream.MsgIDHeader); wire.CheckToken(id) == nil {
		to.Header.Set(jetstream.MsgIDHeader, id)
	}
}

// checkSet says who signed what is known about a saved configuration.
func (s *service) checkSet(ctx context.Context, subject, rest string, m *nats.Msg) (who wire.Member, p wire.Proof, info jetstream.ObjectInfo, err error) {
	if err := json.Unmarshal(m.Data, &info); err != nil {
		return who, p, info, fmt.Errorf("not what an object store writes: %w", err)
	}
	if rest != base64.URLEncoding.EncodeToString([]byte(info.Name)) || wire.CheckToken(info.Name) != nil {
		return who, p, info, fmt.Errorf("name: want the one of the subject, a token, got %.64q", info.Name)
	}
	if v := m.Header.Get(headerRollup); v != "sub" {
		return who, p, info, fmt.Errorf("%s: want sub, got %.20q", headerRollup, v)
	}
	store, err := s.stored(ctx, configsStream)
	if err != nil {
		return who, p, info, err
	}
	proof := info.Metadata[wire.SetProof]
	if p, err = wire.DecodeProof(proof); err != nil && proof != "" {
		return who, p, info, err
	}
	who, err = s.receiver.Saver(proof, subject, wire.SetOperation(info.Deleted), []byte(info.Digest), store, p.Revision, changers...)
	if author := info.Metadata[wire.SetAuthor]; err == nil && author != who.Name {
		err = fmt.Errorf("author: want %q, who signs it, got %.64q", who.Name, author)
	}
	return who, p, info, err
}
