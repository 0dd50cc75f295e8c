package controller

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// storeOver sends a message until it is stored behind the one numbered over on its
// subject, and finds out what became of it where it was sent before: at is its number.
// Where another one is in its place, somebody else leads.
func storeOver(ctx context.Context, js jetstream.JetStream, log *slog.Logger, stream string, m *nats.Msg, over uint64) (at uint64, err error) {
	return storeWhere(ctx, js, log, stream, m, func(there jetstream.RawStreamMsg) bool { return there.Sequence == over })
}

// storeWhere is storeOver for a message that goes behind the one for which ours is true.
func storeWhere(ctx context.Context, js jetstream.JetStream, log *slog.Logger, stream string, m *nats.Msg, ours func(there jetstream.RawStreamMsg) bool) (at uint64, err error) {
	var why error
	told := false
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		there, err := lastWithin(ctx, js, stream, m.Subject)
		switch {
		case err != nil:
			why = err
		case there.Sequence > 0 && string(there.Data) == string(m.Data):
			return there.Sequence, nil
		case there.Sequence != 0 && !ours(there): // one that was pushed out is not somebody else's
			return 0, errFenced
		default:
			try, cancel := context.WithTimeout(ctx, publishWithin)
			ack, err := js.PublishMsg(try, &nats.Msg{Subject: m.Subject, Data: m.Data}, jetstream.WithExpectLastSequencePerSubject(there.Sequence))
			cancel()
			if err == nil {
				return ack.Sequence, nil
			}
			why = err
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if !told && pause > 500*time.Millisecond {
			told = true
			log.Warn("decisions wait for the broker", "subject", m.Subject, "error", why)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// lastWithin is lastOf, within publishWithin.
func lastWithin(ctx context.Context, js jetstream.JetStream, stream, subject string) (m jetstream.RawStreamMsg, err error) {
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	return lastOf(ctx, js, stream, subject)
}

// lastOf asks the server that leads a stream, since a copy may be behind, for the last
// message of a subject. Its zero value is none.
func lastOf(ctx context.Context, js jetstream.JetStream, stream, subject string) (m jetstream.RawStreamMsg, err error) {
	req, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return m, err
	}
	answer, err := js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, req)
	if err != nil {
		return m, err
	}
	var r struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	switch err := json.Unmarshal(answer.Data, &r); {
	case err != nil:
		return m, err
	case r.Error != nil && r.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return m, nil
	case r.Error != nil:
		return m, r.Error
	}
	return jetstream.RawStreamMsg{Subject: subject, Sequence: r.Message.Sequence, Data: r.Message.Data, Time: r.Message.Time}, nil
}
