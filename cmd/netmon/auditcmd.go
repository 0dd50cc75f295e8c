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
		UsageText: "netmon audit [--since DURATION] [--follow] [-o FORM]",
		Description: "Authors are those that the broker verified. Where it verifies nobody, they are not\nknown here; netmon history shows what consoles said of themselves.\n\n" +
			"   netmon audit --since 24h\n   netmon audit --follow -o ndjson",
		Flags: []cli.Flag{brokerFlag(), listFlag(),
			&cli.DurationFlag{Name: "since", Value: 24 * time.Hour, Usage: "go back as long as this `DURATION`"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what follows, until Ctrl-C", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
			}
			since := time.Now().Add(-c.Duration("since"))
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
