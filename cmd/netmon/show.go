package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		ArgsUsage: cmdline.Monitor,
		Usage:     "tell all about one monitor: where it runs, its last results",
		UsageText: "netmon show NAME",
		Flags:     []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "monitor")
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				about, err := cl.About(ctx, name)
				if err != nil {
					return err
				}
				about.Lines(c.App.Writer, styles(c.App.Writer))
				return nil
			})
		},
	}
}
