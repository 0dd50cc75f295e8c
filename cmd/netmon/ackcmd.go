package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func ackCommand() *cli.Command {
	return &cli.Command{
		Name:      "ack",
		ArgsUsage: cmdline.Incident,
		Usage:     "say that you take care of an incident: it is not told again, nor escalated, until it is worse",
		UsageText: "netmon ack ID|NAME [-m TEXT]",
		Description: "ID is that of netmon get incidents, or its beginning. NAME is that of a monitor,\na group or an agent: its open incident. Those who were told of it hear that you\ntake care.\n\n" +
			"   netmon ack 3f2a -m \"the disk is being replaced\"\n   netmon ack web",
		Flags: []cli.Flag{brokerFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "`TEXT` for the others"})},
		Action: func(c *cli.Context) error {
			return withIncident(c, func(ctx context.Context, cl *console.Client, x wire.Incident) (console.SettingOutcome, error) {
				if x.State != wire.IncidentOpen {
					return console.SettingOutcome{}, fmt.Errorf("incident %s is %s: there is nothing to take care of", x.ID, x.State)
				}
				return opsOf(cl).Ack(ctx, x.ID, c.String("message"))
			})
		},
	}
}

func unackCommand() *cli.Command {
	return &cli.Command{
		Name:        "unack",
		ArgsUsage:   cmdline.Incident,
		Usage:       "take an acknowledgement back",
		UsageText:   "netmon unack ID|NAME",
		Description: "The incident is told again and escalated as if nobody had acknowledged it.",
		Flags:       []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			return withIncident(c, func(ctx context.Context, cl *console.Client, x wire.Incident) (console.SettingOutcome, error) {
				return opsOf(cl).Unack(ctx, x.ID)
			})
		},
	}
}

// withIncident changes what is said of the incident that the command line names; one
// that went on as part of another is that one.
func withIncident(c *cli.Context, change func(context.Context, *console.Client, wire.Incident) (console.SettingOutcome, error)) error {
	text, err := oneArg(c, "incident")
	if err != nil {
		return err
	}
	if err := wire.CheckToken(text); err != nil {
		return usage("incident %w", err)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		x, err := cl.ResolveIncident(ctx, text)
		if err == nil && x.State == wire.IncidentMerged && x.Into != "" {
			x, err = cl.ResolveIncident(ctx, x.Into)
		}
		if err != nil {
			return err
		}
		o, err := change(ctx, cl, x)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "%s: %s\n", console.Printable(o.Head()), console.Printable(console.SummaryText(&x)))
		return nil
	})
}
