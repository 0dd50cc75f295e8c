package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		ArgsUsage: cmdline.Monitor,
		Usage:     "explain a monitor's state: who sees what, and which rules applied",
		UsageText: "netmon explain NAME [--at TIME] [-o json]",
		Description: "With --at it explains the state at that time. The rules are in docs/verdicts.md.\n" + timeHelp + "\n\n" +
			"   netmon explain web\n   netmon explain web --at 90m\n   netmon explain web --at \"yesterday 14:00\"",
		Flags: []cli.Flag{brokerFlag(), outputFlag("text", "json"),
			timeFlag("at", "", "`TIME`, such as 90m for 90 minutes ago (default: now)"),
		},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "monitor")
			if err != nil {
				return err
			}
			if err := wire.CheckToken(name); err != nil {
				return usage("name %w", err)
			}
			form := c.String("output")
			if form != "" && form != "text" && form != "json" {
				return usage("--output: want text or json, got %q", form)
			}
			var at time.Time
			if c.IsSet("at") {
				if at, err = parseTime("at", c.String("at"), time.Now()); err != nil {
					return err
				}
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				x, err := cl.Explain(ctx, name, at)
				if err != nil {
					return err
				}
				if form == "json" {
					_, err := output.List(c.App.Writer, form, "Explanations", []console.Explanation{x})
					return err
				}
				x.Lines(c.App.Writer)
				return nil
			})
		},
	}
}
