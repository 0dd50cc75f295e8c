package console

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
)

// What follows is every request to JetStream but those of internal/tail. Each is
// repeated until it is answered, ends with ctx, and says at once what the broker
// does not let us do.

func (c *Client) open(ctx context.Context, stream string) (jetstream.Stream, error) {
	ctx, done := c.denials.during(ctx)
	defer done()
	s, err := retry.Stream(ctx, c.js, stream)
	return s, denied(ctx, err)
}

func (c *Client) info(ctx context.Context, s jetstream.Stream, o ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	ctx, done := c.denials.during(ctx)
	defer done()
	info, err := retry.Info(ctx, c.js, s, o...)
	return info, denied(ctx, err)
}

// last reads the last message of a subject.
func (c *Client) last(ctx context.Context, s jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, done := c.denials.during(ctx)
	defer done()
	m, err := retry.Last(ctx, c.js, s, subject)
	return m, denied(ctx, err)
}

// replace stores a message over the last one of its subject, whose number is over,
// 0 for none, and returns its own.
func (c *Client) replace(ctx context.Context, stream string, m *nats.Msg, over uint64) (uint64, error) {
	ctx, done := c.denials.during(ctx)
	defer done()
	sequence, err := retry.Replace(ctx, c.js, stream, m, over)
	return sequence, denied(ctx, err)
}

// add stores a message behind others of its subject.
func (c *Client) add(ctx context.Context, m *nats.Msg) error {
	ctx, done := c.denials.during(ctx)
	defer done()
	_, err := retry.Publish(ctx, c.js, m)
	return denied(ctx, err)
}

// purge removes the messages of a subject.
func (c *Client) purge(ctx context.Context, s jetstream.Stream, subject string) error {
	ctx, done := c.denials.during(ctx)
	defer done()
	return denied(ctx, retry.Purge(ctx, c.js, s, subject))
}
