package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"netmon/wire"
)

// UnknownAgentError says that a selector chooses no agent that is known, so that it may be
// misspelt.
type UnknownAgentError struct {
	Selector string
	Known    []string // ids of agents
}

func (e *UnknownAgentError) Error() string {
	what := "no agent is called " + fmt.Sprintf("%q", e.Selector)
	if strings.Contains(e.Selector, "=") {
		what = "no agent has the label " + e.Selector
	}
	if len(e.Known) == 0 {
		return what + ", and none has joined yet"
	}
	const most = 10
	known := strings.Join(e.Known[:min(most, len(e.Known))], ", ")
	if more := len(e.Known) - most; more > 0 {
		known += fmt.Sprintf(" and %d more", more)
	}
	if near := wire.DidYouMean(e.Selector, e.Known); near != "" {
		return what + near + " known are " + known
	}
	return what + ": known are " + known
}

// CheckAgents looks whether each selector chooses an agent that is known, or is one by
// which one of these monitors is placed. Else it is an [UnknownAgentError].
func (c *Client) CheckAgents(ctx context.Context, on wire.Selectors, monitors []string) error {
	agents, err := c.Agents(ctx)
	if err != nil {
		return err
	}
	var store *Store
	for _, sel := range on {
		one := wire.Selectors{sel}
		if sel == wire.Everywhere || slices.ContainsFunc(agents, func(a Agent) bool { return one.Match(a.Agent, a.Labels) }) {
			continue
		}
		if store == nil {
			if store, err = c.Monitors(ctx); err != nil {
				return err
			}
		}
		named := slices.ContainsFunc(monitors, func(name string) bool {
			m, err := store.Get(ctx, name)
			return err == nil && (slices.Contains(m.Agents, sel) || slices.Contains(m.Except, sel))
		})
		if !named {
			e := &UnknownAgentError{Selector: sel}
			for _, a := range agents {
				e.Known = append(e.Known, a.Agent)
			}
			return e
		}
	}
	return nil
}
