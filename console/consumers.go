package console

import (
	"context"

	"netmon/wire"
)

// Consumers lists by what consoles read: all of them, or those of one identity.
func (c *Client) Consumers(ctx context.Context, owner string) (all []wire.Consumer, err error) {
	for after := ""; ; {
		r, err := c.Access(ctx, wire.AccessCommand{Op: wire.AccessConsumers, Name: owner, After: after})
		if err != nil {
			return nil, err
		}
		all = append(all, r.Consumers...)
		if r.Next == "" || r.Next <= after {
			return all, nil
		}
		after = r.Next
	}
}

// RemoveConsumers ends one consumer of an identity, or, without a name, all.
func (c *Client) RemoveConsumers(ctx context.Context, owner, name string) ([]wire.Consumer, error) {
	r, err := c.Access(ctx, wire.AccessCommand{Op: wire.AccessConsumerRemove, Name: owner, Consumer: name})
	return r.Consumers, err
}
