package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/timetext"
)

func getVerdictsCommand() *cli.Command {
	return &cli.Command{
		Name:      "verdicts",
		ArgsUsage: cmdline.Monitors,
		Usage:     "changes of states: when, how long, why and whose fault",
		UsageText: "netmon get verdicts [NAME...] [--tag team=shop] [--from 1d] [--to 1h] [--agent ID] [--all] [-o FORM] [--watch]",
		Description: "Newest last; … marks a state that still lasts. Without names, verdicts on agents and on\nthe broker are included. " +
			"A verdict is written\nagain when other agents see the same state: --all shows these, too.\n" + timeHelp + "\n\n" +
			"   netmon get verdicts web --from 7d\n   netmon get verdicts --agent paris\n   netmon get verdicts --watch -o ndjson",
		Flags: []cli.Flag{brokerFlag(), listFlag(), tagFlag(),
			timeFlag("from", "1d", "`TIME` of the first one"),
			timeFlag("to", "", "`TIME` of the last one (default: now)"),
			cmdline.Takes(cmdline.Agent, &cli.StringSliceFlag{Name: "agent", Usage: "only verdicts on the agent `ID`; may be repeated"}),
			&cli.BoolFlag{Name: "all", DisableDefaultText: true, Usage: "also those that change no state"},
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, DisableDefaultText: true, Usage: "print what comes from now on, until Ctrl-C"},
		},
		Action: getVerdicts,
	}
}

func getVerdicts(c *cli.Context) error {
	if err := checkForm(c); err != nil {
		return err
	}
	now := time.Now()
	from, err := parseTime("from", c.String("from"), now)
	if err != nil {
		return err
	}
	f := console.VerdictFilter{Monitors: c.Args().Slice(), Agents: c.StringSlice("agent"), From: from, All: c.Bool("all")}
	if c.IsSet("to") {
		if f.To, err = parseTime("to", c.String("to"), now); err != nil {
			return err
		}
		if !from.Before(f.To) {
			return usage("--from %s is not before --to %s", c.String("from"), c.String("to"))
		}
	}
	if err := errors.Join(checkNames(c.Args().Slice()), checkNames(f.Agents)); err != nil {
		return usage("%w", err)
	}
	if c.Bool("watch") {
		if c.IsSet("to") || c.IsSet("from") {
			return usage("--watch prints what comes from now on: leave out --from and --to")
		}
		return watchVerdicts(c, f)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		var err error
		if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
			return err
		}
		list, err := cl.Verdicts(ctx, f)
		if err != nil {
			return err
		}
		none := "no state changed since " + timetext.Zoned(from)
		if len(f.Monitors)+len(f.Agents) > 0 {
			none += " of " + console.Printable(strings.Join(append(f.Monitors, f.Agents...), ", "))
		}
		if err := printList(c, output.Verdicts(list, none)); err != nil {
			return err
		}
		if leads, err := cl.Leads(ctx); err == nil && !leads {
			fmt.Fprintln(c.App.ErrWriter, "netmon: no controller leads now: no verdict is added")
		}
		return nil
	})
}

// watchVerdicts prints each verdict as it comes.
func watchVerdicts(c *cli.Context, f console.VerdictFilter) error {
	form := c.String("output")
	switch form {
	case "", "table", "wide", "ndjson", "csv", "name":
	default:
		return usage("--watch prints table, wide, ndjson, csv or name, got -o %s", form)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		var err error
		if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
			return err
		}
		rows := output.NewFollower[console.VerdictChange](c.App.Writer, form)
		trouble := func(err error) {
			if err != nil {
				fmt.Fprintln(c.App.ErrWriter, "netmon: waiting:", console.Printable(err.Error()))
			}
		}
		err = cl.FollowVerdicts(ctx, f, trouble, func(x console.VerdictChange) error {
			return rows.Add(output.Verdicts([]console.VerdictChange{x}, ""))
		})
		if err == nil && ctx.Err() != nil {
			return context.Canceled
		}
		return err
	})
}
