package console

import (
	"context"

	"netmon/wire"
)

// SavedMark is one state of all saved monitors and settings: while it is the same, nothing
// was saved or deleted.
type SavedMark struct {
	monitors, settings lastSaved
}

type lastSaved struct {
	store    string // life of the bucket
	revision uint64
}

// SavedMark asks for that of now. It costs two requests, however much is saved.
func (c *Client) SavedMark(ctx context.Context) (m SavedMark, err error) {
	if m.monitors, err = c.lastSaved(ctx, wire.MonitorsBucket, "the saved monitors"); err == nil {
		m.settings, err = c.lastSaved(ctx, wire.AlertingBucket, "the settings")
	}
	return m, err
}

func (c *Client) lastSaved(ctx context.Context, bucket, what string) (lastSaved, error) {
	stream, err := c.open(ctx, streamOf(bucket))
	if err != nil {
		return lastSaved{}, noMesh("open "+what, err)
	}
	info := stream.CachedInfo()
	return lastSaved{wire.StoreID(info.Created), info.State.LastSeq}, nil
}
