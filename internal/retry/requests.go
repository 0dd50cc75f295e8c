package retry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream opens a stream.
func Stream(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (jetstream.Stream, error) { return js.Stream(ctx, name) })
}

// Info asks again after a stream that is open.
func Info(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, o ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Info(ctx, o...) })
}

// Last reads the last message of a subject.
func Last(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return s.GetLastMsgForSubject(ctx, subject)
	})
}

// Newest is [Last], but asks the server that leads the stream: a copy may be behind.
func Newest(ctx context.Context, js jetstream.JetStream, stream, subject string) (*jetstream.RawStreamMsg, error) {
	req, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		answer, err := js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, req)
		if err != nil {
			return nil, err
		}
		var r struct {
			Error   *jetstream.APIError `json:"error"`
			Message struct {
				Sequence uint64    `json:"seq"`
				Data     []byte    `json:"data"`
				Time     time.Time `json:"time"`
			} `json:"message"`
		}
		switch err := json.Unmarshal(answer.Data, &r); {
		case err != nil:
			return nil, err
		case r.Error != nil && r.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
			return nil, jetstream.ErrMsgNotFound
		case r.Error != nil:
			return nil, r.Error
		}
		return &jetstream.RawStreamMsg{Subject: subject, Sequence: r.Message.Sequence, Data: r.Message.Data, Time: r.Message.Time}, nil
	})
}

// First reads the first message of a subject.
func First(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	})
}

// Purge removes the messages of a subject.
func Purge(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, subject string) error {
	return Do(ctx, js.Conn(), func(ctx context.Context) error { return s.Purge(ctx, jetstream.WithPurgeSubject(subject)) })
}

// Publish stores a message, once: it is given an id that nobody guesses, unless it
// has one, and a try whose answer was lost is answered by the stream with the
// number that the message has there.
func Publish(ctx context.Context, js jetstream.JetStream, m *nats.Msg) (*jetstream.PubAck, error) {
	identify(m)
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.PubAck, error) { return js.PublishMsg(ctx, m) })
}

func identify(m *nats.Msg) {
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	if m.Header.Get(jetstream.MsgIDHeader) == "" {
		m.Header.Set(jetstream.MsgIDHeader, rand.Text())
	}
}

// Replace is [Publish] over the last message of the subject, whose number is over,
// 0 for none. The error is a [Conflict] where that is another one now.
//
// A stream without copies compares numbers before ids: it says of a message that it
// stored that another one is there. So what is there is read.
func Replace(ctx context.Context, js jetstream.JetStream, stream string, m *nats.Msg, over uint64) (sequence uint64, err error) {
	identify(m)
	tries := 0
	ack, err := Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.PubAck, error) {
		tries++
		return js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(over))
	})
	if err == nil {
		return ack.Sequence, nil
	}
	if Conflict(err) && tries > 1 {
		s, e := Stream(ctx, js, stream)
		if e != nil {
			return 0, e
		}
		last, e := Last(ctx, js, s, m.Subject)
		if e == nil && last.Header.Get(jetstream.MsgIDHeader) == m.Header.Get(jetstream.MsgIDHeader) {
			return last.Sequence, nil
		}
	}
	return 0, err
}

// Conflict says of the error of [Replace] that another message is there.
func Conflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
