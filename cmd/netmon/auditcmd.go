package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:      "audit",
		ArgsUsage: cmdline.Nothing,
		Usage:     "show who changed what: commands, saved monitors, who was let in",
		UsageText: "netmon audit [--since TIME] [--follow] [-o FORM]",
		Description: "Shows the people that the broker verified. A broker without access control verifies\nnobody; there, netmon history shows the names that consoles gave.\n\n" +
			"   netmon audit --since 7d\n   netmon audit --follow -o ndjson",
		Flags: []cli.Flag{brokerFlag(), listFlag(),
			timeFlag("since", "1d", "go back to this `TIME`, such as 7d for a week ago, or yesterday"),
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "keep following, until Ctrl-C", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
			}
			since, err := parseTime("since", c.String("since"), time.Now())
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				if c.Bool("follow") {
					return followAudit(ctx, c, cl, since)
				}
				var all []wire.Audit
				if err := cl.Audit(ctx, since, false, func(e wire.Audit) { all = append(all, e) }); err != nil {
					return err
				}
				return printList(c, output.Audit(all))
			})
		},
	}
}

// followAudit prints each change as it comes.
func followAudit(ctx context.Context, c *cli.Context, cl *console.Client, since time.Time) error {
	form := c.String("output")
	if form != "" && form != "ndjson" && form != "table" {
		return usage("--follow -o %s: want table or ndjson: the others need an end", form)
	}
	var failed error
	err := cl.Audit(ctx, since, true, func(e wire.Audit) {
		if form == "ndjson" {
			data, err := json.Marshal(e)
			if err != nil {
				failed = err
				return
			}
			fmt.Fprintln(c.App.Writer, string(data))
			return
		}
		fmt.Fprintln(c.App.Writer, output.AuditLine(e))
	})
	if failed != nil {
		return failed
	}
	return err
}
