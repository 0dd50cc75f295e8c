package main

import (
	"github.com/urfave/cli/v2"

	"netmon/internal/membership"
)

// decideForAgent is decideEndpoint for one that may know its broker by itself:
// which of this host's is meant matters only where it does not.
func decideForAgent(c *cli.Context) error {
	given := c.IsSet("broker") || len(c.StringSlice("creds")) > 0
	err := decideEndpoint(c)
	if err != nil && !given {
		invocationOf(c).broker.err = err
		return nil
	}
	return err
}

// memberBy is who the flags of netmon agent say it is.
func memberBy(c *cli.Context) (membership.Membership, error) {
	line, err := membership.ReadLine(c.Context, c.App.Reader, c.String("join"))
	if err != nil {
		return membership.Membership{}, err
	}
	return membership.Find(c.Context, membership.Wanted{
		ID: c.String("id"), IDGiven: c.IsSet("id"), State: c.String("state"), Labels: len(c.StringSlice("label")) > 0, Line: line,
		Endpoint: endpointOf(c), BrokerGiven: c.IsSet("broker"), CredsGiven: len(c.StringSlice("creds")) > 0,
		Undecided: invocationOf(c).broker.err, Say: c.App.ErrWriter,
	})
}
