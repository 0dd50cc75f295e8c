package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/plural"
	"netmon/wire"
)

func accessConsumers() *cli.Command {
	return &cli.Command{
		Name:        "consumers",
		ArgsUsage:   cmdline.Identity,
		Usage:       "list by what consoles read, or end some",
		UsageText:   "netmon access consumers [NAME] [-o FORM]",
		Description: "Each program that follows results has one or more. An identity may have 64 at once;\none that nobody reads by goes after 5 minutes. NAME is an identity; all without one.",
		Flags:       []cli.Flag{brokerFlag(), listFlag()},
		Subcommands: []*cli.Command{accessConsumersRm()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usage("unexpected %q: %s", c.Args().Get(1), c.Command.UsageText)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				consumers, err := cl.Consumers(ctx, c.Args().First())
				if err != nil {
					return err
				}
				return printList(c, output.Listing[wire.Consumer]{Kind: "Consumers", Items: consumers,
					None:    "nobody reads a stream",
					Name:    func(x wire.Consumer) string { return x.Name },
					Columns: consumerColumns})
			})
		},
	}
}

var consumerColumns = []output.Column[wire.Consumer]{
	{Title: "OWNER", Cut: output.Naming, Cell: func(x wire.Consumer) string { return x.Owner }},
	{Title: "STREAM", Cell: func(x wire.Consumer) string { return x.Stream }},
	{Title: "NAME", Cut: output.Naming, Cell: func(x wire.Consumer) string { return x.Name }},
	{Title: "AGE", Cell: func(x wire.Consumer) string { return console.Lasting(time.Since(x.Made)) }},
	{Title: "PENDING", Cell: func(x wire.Consumer) string { return strconv.FormatUint(x.Pending, 10) }},
	{Title: "FILTER", Cut: output.Prose, Cell: func(x wire.Consumer) string { return x.Filter }},
}

func accessConsumersRm() *cli.Command {
	return &cli.Command{
		Name:        "rm",
		ArgsUsage:   cmdline.Identity,
		Usage:       "end an identity's consumers, or one of them",
		UsageText:   "netmon access consumers rm NAME [CONSUMER]",
		Description: "A program that still reads makes a new one, if its identity may: shut that out with\nnetmon access revoke NAME.",
		Flags:       []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() < 1 || c.NArg() > 2 {
				return usage("want the name of an identity, and perhaps of a consumer: %s", c.Command.UsageText)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				removed, err := cl.RemoveConsumers(ctx, c.Args().Get(0), c.Args().Get(1))
				if err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "removed %s of %s\n", plural.Count(len(removed), "consumer", "consumers"), c.Args().Get(0))
				return nil
			})
		},
	}
}
