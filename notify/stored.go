package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// lastDelivery is what became of the last notice about an incident, the zero Delivery
// for the first. What this notifier knows counts: it may not be stored, and a copy of the
// stream may lag.
func (s *sending) lastDelivery(incident string) (wire.Delivery, error) {
	subject, err := wire.DeliverySubject(s.name, incident)
	if err != nil {
		return wire.Delivery{}, err
	}
	var d wire.Delivery
	m, err := retry.Last(s.held, s.js, s.incidents, subject)
	if err == nil {
		d, err = wire.DecodeDelivery(m.Subject, m.Data)
	} else if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = nil
	}
	if own, is := s.memory.recall(incident); err == nil && is != unknown && (own.N > d.N || own.N == d.N && own.Attempts >= d.Attempts) {
		return own, nil
	}
	return d, err
}

// thread is the one that the next message continues with: a channel may have become one of
// another service.
func (s *sending) thread(last wire.Delivery) string {
	if last.Kind != s.channel.saved.Kind {
		return ""
	}
	return last.Thread
}

// incident reads one as it is now, that is, of is its N or an earlier one. A copy of the
// stream may be behind, even one that has nothing of it yet: the server that leads the
// stream is asked then.
func (c *connection) incident(id string, of uint64) (wire.Incident, error) {
	subject, err := wire.IncidentSubject(id)
	if err != nil {
		return wire.Incident{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), retry.Patience)
	defer cancel()
	i, err := decodeIncident(retry.Last(ctx, c.js, c.incidents, subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && i.N < of {
		i, err = decodeIncident(retry.Newest(ctx, c.js, wire.IncidentsStream, subject))
	}
	if err == nil && i.N < of {
		return wire.Incident{}, jetstream.ErrMsgNotFound
	}
	return i, err
}

func decodeIncident(m *jetstream.RawStreamMsg, err error) (wire.Incident, error) {
	if err != nil {
		return wire.Incident{}, err
	}
	return wire.DecodeIncident(m.Subject, m.Data)
}

// lost says of an incident whether it was looked for in vain for so long that it is not
// stored any more.
func (s *sending) lost(incident string, there bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, before := s.missed[incident]
	switch {
	case there:
		delete(s.missed, incident)
	case !before:
		s.missed[incident] = time.Now()
	case time.Since(since) >= s.timings.gone:
		delete(s.missed, incident)
		return true
	}
	return false
}

// note stores what became of a notice. What cannot be stored is not sent once more by
// this notifier: it is stored when the notice comes again.
func (s *sending) note(d wire.Delivery) error {
	d.Fit()
	s.memory.remember(d, unsaved)
	return s.storeUnsaved(d.Incident)
}

// storeUnsaved stores what is not stored yet. What the mesh will never take is stored
// without its texts, and where it takes not even that there is nobody to notify.
func (s *sending) storeUnsaved(incident string) error {
	d, is := s.memory.recall(incident)
	if is != unsaved {
		return nil
	}
	err := s.store(d)
	if retry.Final(err) {
		s.o.Log.Warn("the mesh does not accept what became of a notice", "channel", s.name, "incident", incident, "outcome", d.Outcome, "error", err)
		short := d
		short.Error, short.Answer, short.Thread = "", "", ""
		err = s.store(short)
	}
	if err != nil && !retry.Final(err) {
		return fmt.Errorf("store what became of it: %w", err)
	}
	s.memory.remember(d, saved)
	return nil
}

func (s *sending) store(d wire.Delivery) error {
	subject, err := wire.DeliverySubject(d.Channel, d.Incident)
	if err != nil {
		return err
	}
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = retry.Publish(context.WithoutCancel(s.held), s.js, &nats.Msg{Subject: subject, Data: data})
	return err
}
