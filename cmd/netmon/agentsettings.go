package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"netmon/agent/policyfile"
	"netmon/console"
	"netmon/internal/host"
	"netmon/probes/kinds"
	"netmon/wire"
)

// agentOptionsOf is what agentFlags say.
func agentOptionsOf(c *cli.Context) (s host.AgentOptions, err error) {
	s.Version, s.Domain, s.Kinds = version, c.String("js-domain"), kinds.All()
	s.Labels, err = parseLabels(c.StringSlice("label"))
	if idErr := wire.CheckToken(c.String("id")); idErr != nil {
		return s, usage("%w", errors.Join(fmt.Errorf("--id %w", idErr), err))
	}
	if err != nil {
		return s, err
	}
	s.Spool.MaxAge = c.Duration("spool-age")
	if s.Spool.MaxBytes, err = console.ParseSize(c.String("spool-size")); err != nil {
		return s, usage("--spool-size: %w", err)
	}
	s.Policy, s.File, err = policyfile.Find(c.String("policy"), s.Kinds)
	return s, err
}
