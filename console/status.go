package console

import (
	"context"

	"netmon/console/view"
	"netmon/wire"
)

// Status is the state of a saved monitor at one moment, and that on each agent.
type Status = view.Status

// AgentStatus is the state of a monitor on one agent.
type AgentStatus = view.AgentStatus

// Status asks for the state of a monitor now, and for its last result on each agent.
// ErrNotFound says that it is not saved.
func (c *Client) Status(ctx context.Context, name string) (Status, error) {
	store, err := c.Monitors(ctx)
	if err != nil {
		return Status{}, err
	}
	saved, err := store.Get(ctx, name)
	if err != nil {
		return Status{}, err
	}
	all, err := c.statuses(ctx, []wire.Saved{saved}, true)
	if err != nil {
		return Status{}, err
	}
	return all[0], nil
}

// Statuses asks for the states of these monitors now, in their order. Where a
// controller leads, it reads no result.
func (c *Client) Statuses(ctx context.Context, monitors []wire.Saved) ([]Status, error) {
	if len(monitors) == 0 {
		return nil, nil
	}
	return c.statuses(ctx, monitors, false)
}

// StatusesInIncidents are Statuses that also say in which open incident each is, and
// what mutes that.
func (c *Client) StatusesInIncidents(ctx context.Context, monitors []wire.Saved) ([]Status, error) {
	if len(monitors) == 0 {
		return nil, nil
	}
	states, err := c.statusesBy(ctx, ModelOptions{Saved: monitors, Parts: PartStates | PartIncidents})
	if err == nil {
		err = c.mute(ctx, monitors, states)
	}
	return states, err
}

// statuses asks a model that is given once what is stored.
func (c *Client) statuses(ctx context.Context, monitors []wire.Saved, results bool) ([]Status, error) {
	o := ModelOptions{Saved: monitors, KeepResults: results, Parts: PartStates | PartResults}
	if !results {
		o.Parts = PartStates
	}
	return c.statusesBy(ctx, o)
}

func (c *Client) statusesBy(ctx context.Context, o ModelOptions) ([]Status, error) {
	m := c.Model(o)
	if err := m.Load(ctx); err != nil {
		return nil, err
	}
	// What came to be while it was read is not counted as silence.
	now := m.readFrom()
	out := make([]Status, len(o.Saved))
	for i, saved := range o.Saved {
		out[i], _ = m.mesh.Status(saved.Name, now)
	}
	return out, nil
}
