package console

import (
	"context"

	"netmon/wire"
)

// Running calls handle with every monitor that an agent has, running or refused, in
// the order of their names, as the agent itself reports. whole asks for all that is
// needed to save them again.
func (c *Client) Running(ctx context.Context, agent string, whole bool, handle func(wire.MonitorReply)) error {
	for after := ""; ; {
		r, err := c.Command(ctx, agent, wire.Command{Op: wire.OpList, After: after, Whole: whole})
		if err != nil {
			return err
		}
		if r.Error != nil {
			return r.Error
		}
		for _, m := range r.Monitors {
			handle(m)
		}
		if r.Next <= after { // the end; or an agent that goes round in circles
			return nil
		}
		after = r.Next
	}
}
