package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// agentRow is an agent as programs get it.
type agentRow struct {
	State string `json:"state"` // online, offline or left
	Seen  string `json:"seen"`
	wire.Alive
	Verdict *wire.AgentVerdict `json:"verdict,omitempty"` // what the judge says of it

	ago string
	off time.Duration // of its clock
}

func selectorFlag() cli.Flag {
	return cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "selector", Aliases: []string{"l"}, Usage: "only `AGENTS` of these ids or labels, such as region=eu"})
}

// selected keeps the agents that -l chooses, all where it is not given.
func selected(c *cli.Context, flag string, agents []console.Agent) ([]console.Agent, error) {
	if !c.IsSet(flag) {
		return agents, nil
	}
	sel, err := wire.ParseSelectors(c.String(flag))
	if err != nil {
		return nil, usage("--%s: %w", flag, err)
	}
	return slices.DeleteFunc(agents, func(a console.Agent) bool { return !sel.Match(a.Agent, a.Labels) }), nil
}

func getAgents(c *cli.Context) error {
	if err := checkForm(c); err != nil {
		return err
	}
	if _, err := selected(c, "selector", nil); err != nil {
		return err
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		model := cl.Model(console.ModelOptions{Parts: console.PartAgents | console.PartVerdicts})
		if c.Bool("watch") {
			return watchList(ctx, c, model, func() output.Listing[agentRow] {
				agents, _ := selected(c, "selector", slices.Clone(model.Agents())) // it was read before
				return agentListing(c, agents)
			})
		}
		if err := model.Load(ctx); err != nil {
			return err
		}
		agents, err := selected(c, "selector", slices.Clone(model.Agents()))
		if err != nil {
			return err
		}
		return printList(c, agentListing(c, agents))
	})
}

func agentsCommand() *cli.Command {
	return &cli.Command{
		Name:      "agents",
		ArgsUsage: cmdline.Nothing,
		Usage:     "remove dead agents from lists",
		UsageText: "netmon agents forget AGENT...",
		Action: func(c *cli.Context) error {
			return usage("agents what? want forget, got %q; netmon get agents lists them", c.Args().First())
		},
		Subcommands: []*cli.Command{{
			Name:      "forget",
			ArgsUsage: cmdline.AgentsAway,
			Usage:     "remove dead agents from lists, counts and placement",
			UsageText: "netmon agents forget AGENT...",
			Description: "An agent that sends no heartbeat is listed as offline for a day, and its monitors wait\nfor it. This removes it at once. Its results stay, and a heartbeat brings it back.\n" +
				"Monitors that name it still do. An agent that is online cannot be forgotten: stop it,\nor shut it out with netmon access revoke, which also forgets it.",
			Flags:  []cli.Flag{brokerFlag()},
			Action: forgetAgents,
		}},
	}
}

func forgetAgents(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("want the names of agents: %s", c.Command.UsageText)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		var errs []error
		for _, name := range c.Args().Slice() {
			err := cl.ForgetAgent(ctx, name)
			if err == nil {
				fmt.Fprintf(c.App.Writer, "%s is forgotten\n", name)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

func agentListing(c *cli.Context, agents []console.Agent) output.Listing[agentRow] {
	rows := make([]agentRow, len(agents))
	for i, a := range agents {
		rows[i] = agentRow{a.State(), a.Seen.UTC().Format("2006-01-02T15:04:05.000Z"), a.Alive, a.Verdict, console.Ago(a.Seen), console.ClockOff(a)}
		if a.Kinds == nil {
			rows[i].Kinds = []string{} // a list for programs, whatever the agent sent
		}
	}
	none := "no agent has joined in the last day: netmon agent --broker URL --id NAME"
	if c.IsSet("selector") {
		none = "no agent is chosen by " + c.String("selector")
	}
	return output.Listing[agentRow]{Kind: "Agents", Items: rows, None: none,
		Name: func(a agentRow) string { return a.Agent },
		Columns: []output.Column[agentRow]{
			{Title: "AGENT", Cut: output.Naming, Cell: func(a agentRow) string { return a.Agent }},
			{Title: "STATE", Cell: func(a agentRow) string { return a.State }},
			{Title: "STATUS", Seldom: true, Cut: output.Prose, Cell: agentRow.status},
			{Title: "SEEN", Cell: func(a agentRow) string { return a.ago }},
			{Title: "MONITORS", Cell: func(a agentRow) string { return strconv.Itoa(a.Monitors) }},
			{Title: "PENDING", Extra: true, Cell: func(a agentRow) string { return strconv.Itoa(a.Pending) }},
			{Title: "DROPPED", Extra: true, Cell: func(a agentRow) string { return strconv.FormatUint(a.Dropped, 10) }},
			{Title: "SKIPPED", Extra: true, Cell: func(a agentRow) string { return strconv.FormatUint(a.Skipped, 10) }},
			{Title: "LABELS", Cut: output.Place, Cell: func(a agentRow) string { return console.LabelText(a.Labels) }},
			{Title: "VERSION", Cut: output.Place, Cell: func(a agentRow) string { return a.Version }},
			{Title: "HOST", Cut: output.Place, Cell: func(a agentRow) string { return a.Host }},
		},
		Wide: []output.Column[agentRow]{
			{Title: "CLOCK", Cell: func(a agentRow) string { return clockText(a.off) }},
			{Title: "STARTED", Time: func(a agentRow) time.Time { return a.Started }},
			{Title: "RESULTS", Cell: func(a agentRow) string { return strconv.FormatUint(a.Results, 10) }},
			{Title: "KINDS", Cell: agentRow.kinds},
			{Title: "FAMILIES", Cell: func(a agentRow) string { return strings.Join(a.Families, ",") }},
			{Title: "POLICY", Cell: func(a agentRow) string { return console.PolicyText(a.Policy) }},
		},
		After: func(w io.Writer) {
			for _, a := range agents {
				if why := console.AgentVerdictText(a.Verdict); why != "" {
					fmt.Fprintln(w, why)
				}
				for _, n := range console.AgentNotes(a) {
					fmt.Fprintf(w, "%s: %s\n", a.Agent, console.Printable(n))
				}
			}
		},
		Steady: func(a agentRow) string { // not the time of each heartbeat
			return fmt.Sprint(a.State, a.status(), a.Monitors, a.Dropped, a.Skipped, a.Labels, a.Version, a.Host, a.Started, a.Notes, a.Refused, a.Cannot)
		},
	}
}

// kinds are those that the agent runs, then those that its owner leaves off.
func (a agentRow) kinds() string {
	text := strings.Join(a.Kinds, ",")
	if len(a.Disabled) > 0 {
		text += "; off: " + strings.Join(slices.Sorted(maps.Keys(a.Disabled)), ",")
	}
	return text
}

// status is how much the agent's word counts, where that is less than it might be.
func (a agentRow) status() string {
	if a.Verdict == nil || a.Verdict.Status == wire.AgentAble {
		return ""
	}
	return string(a.Verdict.Status)
}

// clockText says how far a clock is off.
func clockText(off time.Duration) string {
	if off == 0 {
		return "right"
	}
	return console.OffText(off)
}
