package controller

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// How far incidents are decided is on keeper.position. It is written in one atomic
// batch with the incidents that follow, and its number fences whoever kept them before.
// Verdicts on groups, which belong into another stream, are in that batch, too, on
// keeper.group.<name>: who continues publishes what was not published yet.
const (
	keptPosition    = "keeper.position"
	keptGroups      = "keeper.group."
	keptFormat      = 1
	incidentsWithin = 5 * time.Second // for the broker to take a batch, before it is checked whether it did
	batchBytes      = 4 << 20         // of the messages of a batch, at most, but for one
)

// keptAt is what keeper.position says.
type keptAt struct {
	Format     int       `json:"format"`
	By         string    `json:"by"`          // one life of a leader
	Number     uint64    `json:"number"`      // counts
	At         time.Time `json:"at"`          // how late it was
	Verdicts   uint64    `json:"verdicts"`    // number of the last verdict that was read
	VerdictsOf time.Time `json:"verdicts_of"` // the life of their stream
	Incidents  uint64    `json:"incidents"`   // number of the last trouble or delivery
	Audit      uint64    `json:"audit"`       // number of the last line of the audit
	AuditOf    time.Time `json:"audit_of"`    // the life of its stream
}

// incidentStore writes incidents and how far they are decided. It is for one goroutine.
type incidentStore struct {
	js   jetstream.JetStream
	log  *slog.Logger
	at   keptAt // as it is stored
	over uint64 // number of that message
}

// begin reads how far incidents are decided, and writes it again as its own: whoever
// kept them before cannot write any more.
func (s *incidentStore) begin(ctx context.Context) error {
	by := rand.Text()
	for {
		last, err := retry.Get(ctx, s.js.Conn(), func(ctx context.Context) (jetstream.RawStreamMsg, error) {
			return lastOf(ctx, s.js, wire.IncidentsStream, keptPosition)
		})
		if err != nil {
			return fmt.Errorf("read how far incidents are decided: %w", err)
		}
		s.over, s.at = last.Sequence, keptAt{}
		if last.Sequence > 0 {
			if err := json.Unmarshal(last.Data, &s.at); err != nil || s.at.Format != keptFormat {
				s.log.Error("cannot read how far incidents are decided: deciding again what is wrong now", "format", s.at.Format, "error", err)
				s.at = keptAt{Number: s.at.Number}
			}
		}
		s.at.By = by
		if err := s.batch(ctx, nil, s.at); !errors.Is(err, errFenced) {
			return err
		}
	}
}

// write stores incidents as they are now, verdicts on groups, and how far they are
// decided: it tries until they are stored, ctx ends, or somebody else leads. Of what is
// too much for one batch all are stored before it says that they are decided.
func (s *incidentStore) write(ctx context.Context, incidents []wire.Incident, groups []wire.GroupVerdict, at keptAt) (bytes int, err error) {
	var messages []*nats.Msg
	size := 0
	add := func(m *nats.Msg) error {
		if len(messages) > 0 && (len(messages) >= batchMost/2 || size+len(m.Data) > batchBytes) {
			if err := s.batch(ctx, messages, s.at); err != nil {
				return err
			}
			messages, size = nil, 0
		}
		messages, size, bytes = append(messages, m), size+len(m.Data), bytes+len(m.Data)
		return nil
	}
	for i := range incidents {
		m, err := incidentMessage(&incidents[i])
		if err != nil {
			s.log.Error("could not write an incident", "incident", incidents[i].ID, "error", err)
			continue
		}
		if err := add(m); err != nil {
			return bytes, err
		}
	}
	for i := range groups {
		data, err := json.Marshal(&groups[i])
		if err == nil {
			err = wire.CheckToken(groups[i].Group)
		}
		if err != nil {
			s.log.Error("could not write a verdict on a group", "group", groups[i].Group, "error", err)
			continue
		}
		if err := add(newest(keptGroups+groups[i].Group, data)); err != nil {
			return bytes, err
		}
	}
	return bytes, s.batch(ctx, messages, at)
}

// batch stores messages and how far that is, however often it has to try.
func (s *incidentStore) batch(ctx context.Context, messages []*nats.Msg, at keptAt) error {
	at.Format, at.By, at.Number = keptFormat, s.at.By, s.at.Number+1
	data, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return untilStored(ctx, s.log, "incidents wait for the broker", func() error {
		try, cancel := context.WithTimeout(ctx, incidentsWithin)
		sequence, err := publishBatch(try, s.js.Conn(), messages, newest(keptPosition, data), s.over)
		cancel()
		if err != nil { // it may be stored anyway
			sequence, err = s.stored(ctx, data, err)
		}
		if err == nil {
			s.over, s.at = sequence, at
		}
		return err
	})
}

// stored checks whether the position is there after all. Another one is somebody else's.
func (s *incidentStore) stored(ctx context.Context, data []byte, why error) (sequence uint64, err error) {
	there, err := lastWithin(ctx, s.js, wire.IncidentsStream, keptPosition)
	switch {
	case err != nil:
		return 0, err
	case there.Sequence > 0 && bytes.Equal(there.Data, data):
		return there.Sequence, nil
	case there.Sequence == 0: // pushed out, or the stream was recreated
		s.over = 0
	case there.Sequence != s.over:
		return 0, errFenced
	}
	return 0, why
}

// incidentMessage is an incident as it is stored. One that is too long says less of each
// member.
func incidentMessage(i *wire.Incident) (*nats.Msg, error) {
	subject, err := wire.IncidentSubject(i.ID)
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(subject)
	if m.Data, err = json.Marshal(i); err != nil || len(m.Data) <= wire.MaxIncident {
		return m, err
	}
	short := *i
	short.Members = slices.Clone(i.Members)
	for n := range short.Members {
		short.Members[n].Blame, short.Members[n].Why = nil, wire.Clip(short.Members[n].Why, 100)
	}
	if m.Data, err = json.Marshal(&short); err == nil && len(m.Data) > wire.MaxIncident {
		err = fmt.Errorf("it is %d bytes long, want at most %d", len(m.Data), wire.MaxIncident)
	}
	return m, err
}
