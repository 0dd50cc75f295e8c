package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/timetext"
)

func uptimeCommand() *cli.Command {
	return &cli.Command{
		Name:      "uptime",
		ArgsUsage: cmdline.Monitors,
		Usage:     "uptime, outages and error budgets of monitors, for reports",
		UsageText: "netmon uptime [NAME...] [--tag team=shop] [--from 30d] [--to TIME] [--by day|week|month] [--slo 99.9] [-o FORM]",
		Description: "Uptime is the part of the known time in which the verdict was not down. Unknown time,\ntime in which nobody judged and planned maintenance (windows) are apart: they are\nneither up nor down. What was before a monitor is not unknown: SINCE says from when on\nit is known, where that is after --from.\n" +
			"An objective leaves a part of a whole window for being down: that of the monitor (slo\nin a file) of its own window, --slo of the time asked for; with --by each row has the\nbudget of its whole day, week or month. BUDGET LEFT is what is left of it. How fast it\nis spent: over an hour and 5 minutes, 6 hours and 30 minutes, 3 days and 6 hours.\nPlanned time, MTTR and MTBF are in -o wide. With one NAME outages and who reached it\nare shown, too. docs/history.md\n" + timeHelp + "\n\n" +
			"   netmon uptime web --from 90d --by month --slo 99.9\n   netmon uptime --tag team=shop --from 30d -o csv",
		Flags: []cli.Flag{brokerFlag(), listFlag(), tagFlag(),
			timeFlag("from", "30d", "`TIME` to begin with"),
			timeFlag("to", "", "`TIME` to end with (default: now)"),
			cmdline.Takes(cmdline.OneOf("day", "week", "month"), &cli.StringFlag{Name: "by", Usage: "a row for each `day`, week or month of the local time"}),
			cmdline.Takes(cmdline.Text, &cli.Float64Flag{Name: "slo", DefaultText: "that of each monitor", Usage: "the objective in `PERCENT` of the time asked for, such as 99.9"}),
		},
		Action: uptime,
	}
}

func uptime(c *cli.Context) error {
	if err := checkForm(c); err != nil {
		return err
	}
	from, to, err := span(c)
	if err != nil {
		return err
	}
	f := console.UptimeFilter{From: from, To: to, By: c.String("by")}
	if f.By != "" && !slices.Contains([]string{"day", "week", "month"}, f.By) {
		return usage("--by: want day, week or month, got %q", f.By)
	}
	if c.IsSet("slo") {
		if f.SLO = c.Float64("slo") / 100; !(f.SLO > 0 && f.SLO < 1) {
			return usage("--slo: want more than 0 and less than 100, such as 99.9, got %v", c.Float64("slo"))
		}
	}
	f.Agents = c.NArg() == 1
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
			return err
		}
		none := "no monitor was judged since " + timetext.Zoned(from)
		list, _, err := cl.Uptime(ctx, f)
		if err != nil {
			return err
		}
		return printList(c, output.Uptime(list, f.By != "", f.Agents, none))
	})
}
