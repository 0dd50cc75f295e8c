package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"netmon/agent"
	"netmon/agent/policy"
	"netmon/agent/spool"
	"netmon/console"
	"netmon/wire"
)

// agentSettings are what agentFlags say.
type agentSettings struct {
	labels map[string]string
	spool  spool.Options
	policy *policy.Policy
	file   string // that the policy is of
}

func agentSettingsOf(c *cli.Context) (s agentSettings, err error) {
	s.labels, err = parseLabels(c.StringSlice("label"))
	if idErr := wire.CheckToken(c.String("id")); idErr != nil {
		return s, usage("%w", errors.Join(fmt.Errorf("--id %w", idErr), err))
	}
	if err != nil {
		return s, err
	}
	s.spool.MaxAge = c.Duration("spool-age")
	if s.spool.MaxBytes, err = parseSize(c.String("spool-size")); err != nil {
		return s, usage("--spool-size: %w", err)
	}
	s.policy, s.file, err = findPolicy(c.String("policy"))
	return s, err
}

// newAgent makes an agent, which is at home in the folder state.
func newAgent(s agentSettings, state string, log *slog.Logger, joined membership, opened func()) (*agent.Agent, error) {
	labels := s.labels
	if joined.labels != nil {
		labels = joined.labels
	}
	state, err := filepath.Abs(state)
	if err != nil {
		return nil, err
	}
	log.Info("policy", "file", s.file, "says", console.PolicyText(s.policy.Summary()))
	return agent.New(agent.Options{ID: joined.id, Labels: labels, State: state, Policy: s.policy, Version: version, Connect: joined.connect, Trust: joined.trust, Rotate: joined.rotate, Follow: joined.follow, Log: log, Opened: opened,
		Spool: s.spool})
}
