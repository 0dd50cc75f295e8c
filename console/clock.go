package console

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// ClockOffset is how far this host's clock is ahead of the broker's, and by how
// much that figure may be wrong: half of the round trip in which it was taken.
func (c *Client) ClockOffset(ctx context.Context) (offset, within time.Duration, err error) {
	stream, err := c.open(ctx, wire.AgentsStream)
	if err != nil {
		return 0, 0, noMesh("ask for the broker's time", err)
	}
	for range 5 { // the shortest round trip says most
		var begin time.Time
		var took time.Duration
		info, err := retry.Get(ctx, c.nc, func(ctx context.Context) (*jetstream.StreamInfo, error) {
			begin = time.Now()
			info, err := stream.Info(ctx)
			took = time.Since(begin)
			return info, err
		})
		if err != nil {
			return 0, 0, noMesh("ask for the broker's time", err)
		}
		if half := took / 2; within == 0 || half < within {
			within, offset = half, begin.Add(half).Sub(info.TimeStamp)
		}
	}
	return offset, within, nil
}
