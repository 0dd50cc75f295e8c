package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// OwnNotifier is the name of the notifier of the broker's own process, in [Authority.Built].
const OwnNotifier = "notifier"

// storeReport stores what a notifier says of its channels and of its notices, as it was
// understood. Of its headers it keeps the id alone: one by which a stream is emptied, or
// a batch begun, would reach the incidents in the same stream. Fields that are none of
// these messages could make one into a request, once it is given back as an answer.
// What is about a channel that nobody saved, or an incident that there never was, is
// refused, and so is, for a while, what takes more of the stream than its part: a stolen
// key cannot fill it.
func (s *service) storeReport(ctx context.Context, m *nats.Msg) {
	to := nats.NewMsg(strings.TrimPrefix(m.Subject, gateReports+"."))
	keepID(m, to)
	ctx, cancel := context.WithTimeout(ctx, gateTry)
	defer cancel()
	told, err := s.readReport(ctx, to.Subject, m.Data)
	if err == nil {
		to.Data, err = json.Marshal(told)
	}
	if err == nil && len(to.Data) > wire.MaxDelivery {
		err = fmt.Errorf("it is %d bytes long: want at most %d", len(to.Data), wire.MaxDelivery)
	}
	if _, is := told.(wire.Delivery); is && err == nil { // of a channel's status there are few
		err = s.admitReport(ctx, len(to.Data))
	}
	var ack *jetstream.PubAck
	if err == nil {
		ack, err = retry.Publish(ctx, s.js, to)
	}
	if err != nil && ctx.Err() != nil { // it ended before it was known, and that says nothing about the message
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	s.respond(m, to.Subject, ack, err)
}

// admitReport says why so many bytes may not be stored now: the notifier tries again then.
func (s *service) admitReport(ctx context.Context, n int) error {
	stream, err := retry.Stream(ctx, s.js, wire.IncidentsStream)
	if err != nil {
		return err
	}
	if most := stream.CachedInfo().Config.MaxBytes; most > 0 && !s.reports.spend(n+reportOverhead, most/reportsPart, reportsRefill, time.Now()) {
		return &jetstream.APIError{Code: 503, ErrorCode: retry.NotAvailable, Description: fmt.Sprintf("deliveries already fill 1/%d of the stream %s: try again later", reportsPart, wire.IncidentsStream)}
	}
	return nil
}

// respond answers a notifier, where it wants an answer.
func (s *service) respond(m *nats.Msg, subject string, ack *jetstream.PubAck, err error) {
	var answer []byte
	if err == nil {
		answer, err = json.Marshal(ack)
	}
	if err != nil {
		s.warnings.report("refused", subject, "", err)
		answer = s.failure(err)
	}
	if m.Reply != "" {
		m.Respond(answer)
	}
}

// readReport reads what a notifier reports on a subject, or says what is wrong with it.
func (s *service) readReport(ctx context.Context, subject string, data []byte) (told any, err error) {
	if strings.HasPrefix(subject, "channels.") {
		status, err := wire.DecodeChannelStatus(subject, data)
		if err == nil {
			err = s.savedChannel(ctx, status.Channel)
		}
		return status, err
	}
	d, err := wire.DecodeDelivery(subject, data)
	if err == nil {
		err = s.savedChannel(ctx, d.Channel)
	}
	var incident string
	if err == nil {
		incident, err = wire.IncidentSubject(d.Incident)
	}
	if err != nil {
		return nil, err
	}
	return d, s.present(ctx, wire.IncidentsStream, incident, fmt.Errorf("incident: none has the id %q", d.Incident))
}

// savedChannel says whether a channel is saved, or was: what became of a notice is
// reported, too, when the channel was deleted meanwhile.
func (s *service) savedChannel(ctx context.Context, name string) error {
	key, err := wire.SettingKey(wire.SortChannel, name)
	if err != nil {
		return err
	}
	return s.present(ctx, settingsStream, savedSettings().subject(key), fmt.Errorf("channel: none is saved as %q", name))
}

// present is missing where a stream has nothing on a subject. A copy may be behind, and
// what is refused is not sent again: so the server that leads the stream is asked, too.
func (s *service) present(ctx context.Context, name, subject string, missing error) error {
	stream, err := retry.Stream(ctx, s.js, name)
	if err == nil {
		_, err = retry.Last(ctx, s.js, stream, subject)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		_, err = retry.Newest(ctx, s.js, name, subject)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return missing
	}
	return err
}

// maxLease bounds a notifier's lease, bytes.
const maxLease = 1 << 10

// lease writes a notifier's lease of a channel. The bucket is the one in which the
// controllers' lease is, and a roll-up of one key reaches all.
func (s *service) lease(ctx context.Context, m *nats.Msg) {
	channel := strings.TrimPrefix(m.Subject, gateLease+".")
	to := nats.NewMsg(channelLeases + "." + channel)
	to.Data = m.Data
	over, err := expected(m)
	if err == nil {
		err = errors.Join(keepsHistory(m), wire.CheckToken(channel), checkLease(m))
	}
	if err != nil {
		s.respond(m, to.Subject, nil, err)
		return
	}
	if operation := m.Header.Get(headerOperation); operation != "" {
		to.Header.Set(headerOperation, operation)
	}
	answer, err := s.replace(ctx, m, to, "KV_"+wire.ControlBucket, over)
	if err != nil && !retry.Conflict(err) { // of several notifiers all but one hear of a conflict
		s.warnings.report("access: lease", to.Subject, "", err)
	}
	if m.Reply != "" {
		m.Respond(answer)
	}
}

// checkLease says what is wrong with the value of a lease.
func checkLease(m *nats.Msg) error {
	if m.Header.Get(headerOperation) == operationDelete {
		if len(m.Data) > 0 {
			return fmt.Errorf("want nothing in a deletion, got %d bytes", len(m.Data))
		}
		return nil
	}
	if len(m.Data) > maxLease {
		return fmt.Errorf("the lease is %d bytes long: want at most %d", len(m.Data), maxLease)
	}
	var l wire.Lease
	if err := wire.DecodeStrict(m.Data, &l); err != nil {
		return fmt.Errorf("the lease: %w", err)
	}
	if l.ID == "" || l.Since.IsZero() {
		return errors.New("the lease: want id and since")
	}
	return nil
}
