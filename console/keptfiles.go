package console

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// keptFiles are the files that the leading controller keeps what is saved by, as the bucket
// of leases has them; nil where it keeps none.
func (c *Client) keptFiles(ctx context.Context, leases jetstream.Stream) *wire.KeptFiles {
	m, err := c.last(ctx, leases, prefixOf(wire.ControlBucket)+wire.FilesKey)
	var f wire.KeptFiles
	if err != nil || m.Header.Get(headerOperation) != "" || json.Unmarshal(m.Data, &f) != nil {
		return nil
	}
	return &f
}

// KeptFiles are those of [BrokerInfo] alone; nil where the controller keeps none.
func (c *Client) KeptFiles(ctx context.Context) (*wire.KeptFiles, error) {
	leases, err := c.open(ctx, streamOf(wire.ControlBucket))
	if err != nil {
		return nil, noMesh("ask the broker", err)
	}
	return c.keptFiles(ctx, leases), nil
}

// warnKept warns of a change of what a controller saved from its files, was: while it keeps
// them it makes the monitor what it was.
func (o *Outcome) warnKept(was *wire.Saved) {
	if was != nil && was.Author == string(wire.RoleController) {
		o.Warnings = append(o.Warnings, fmt.Sprintf("%s: the controller keeps it as its files have it (%s), and changes this back: change it there", was.Name, was.Change))
	}
}
