package retry

import (
	"context"
	"crypto/rand"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream opens a stream.
func Stream(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (jetstream.Stream, error) { return js.Stream(ctx, name) })
}

// Info asks anew after a stream that is open.
func Info(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, o ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Info(ctx, o...) })
}

// Last reads the last message of a subject.
func Last(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return s.GetLastMsgForSubject(ctx, subject)
	})
}

// Purge removes the messages of a subject.
func Purge(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, subject string) error {
	return Do(ctx, js.Conn(), func(ctx context.Context) error { return s.Purge(ctx, jetstream.WithPurgeSubject(subject)) })
}

// Publish stores a message, once: it is given an id that nobody guesses, unless it
// has one, and a try whose answer was lost is answered by the stream with the
// number that the message has there. That comes before a revision that is expected
// is compared, so that a write is never taken for somebody else's.
func Publish(ctx context.Context, js jetstream.JetStream, m *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	if m.Header.Get(jetstream.MsgIDHeader) == "" {
		m.Header.Set(jetstream.MsgIDHeader, rand.Text())
	}
	return Get(ctx, js.Conn(), func(ctx context.Context) (*jetstream.PubAck, error) { return js.PublishMsg(ctx, m, o...) })
}
