package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/timetext"
)

func statsCommand() *cli.Command {
	return &cli.Command{
		Name:      "stats",
		ArgsUsage: cmdline.Monitors,
		Usage:     "percentiles, loss and jitter of monitors over hours or months",
		UsageText: "netmon stats NAME... [--tag team=shop] [--from 24h] [--to TIME] [--against 7d] [--agent ID] [-o FORM]",
		Description: "A row for each agent, and one for all together where there are several. P50± and\nP99± compare with the same time before, or with --against 7d with that of a week ago.\nThe number of runs, P90, MAX and P99± are in -o wide.\n" +
			"Percentiles are within 1.1 % of the exact ones. REACHED is of the runs that could\ntell: those in which the agent could not measure are in no figure. docs/history.md\n" + timeHelp + "\n\n" +
			"   netmon stats web --from 7d\n   netmon stats web db --from 1h --against 24h\n   netmon stats web --agent paris -o json",
		Flags: []cli.Flag{brokerFlag(), listFlag(), tagFlag(),
			timeFlag("from", "24h", "`TIME` to begin with"),
			timeFlag("to", "", "`TIME` to end with (default: now)"),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "against", Usage: "compare with the same time so long before, such as `7d` (default: the time just before)"}),
			cmdline.Takes(cmdline.Agent, &cli.StringSliceFlag{Name: "agent", Usage: "only from the agent `ID`; may be repeated"}),
		},
		Action: stats,
	}
}

func stats(c *cli.Context) error {
	if err := checkForm(c); err != nil {
		return err
	}
	from, to, err := span(c)
	if err != nil {
		return err
	}
	f := console.StatsFilter{Agents: c.StringSlice("agent"), From: from, To: to}
	if c.IsSet("against") {
		if f.Against, err = console.ParseSpan(c.String("against")); err != nil {
			return usage("--against: %w", err)
		}
	}
	if c.NArg() == 0 && len(c.StringSlice("tag")) == 0 {
		return usage("which monitors? %s", c.Command.UsageText)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
			return err
		}
		list, err := cl.Stats(ctx, f)
		if err != nil {
			return err
		}
		return printList(c, output.Stats(list, "no history of "+console.Printable(strings.Join(f.Monitors, ", "))+" since "+timetext.Zoned(from)))
	})
}
