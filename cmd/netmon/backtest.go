package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func backtestCommand() *cli.Command {
	return &cli.Command{
		Name:      "backtest",
		ArgsUsage: cmdline.Monitors,
		Usage:     "judge past results by other rules, and show the difference",
		UsageText: "netmon backtest -f FILE [NAME...] [--tag team=shop] [--from 1d] [--to 1h] [--prune] [-o table|json]",
		Description: "Judges stored results twice, by the rules that are saved and by those in the files:\nhow often each monitor would have changed its state, for how long, which verdicts\nwould be new or gone. " +
			"Nothing is changed.\nA file is one that apply takes, or says only what is different: monitors with a name,\nverdict, depends_on or slo, or defaults alone, for all. With NAMEs only those are shown.\nWhere a channel is saved, or stands in a file, the messages are counted that each\nwould have been sent, of all monitors: by the saved rules, windows and groups, and by\nthose in the files beside them (with --prune, in place of them).\n" +
			"Runs that were not measured are missing: a back-test cannot cross-check. Heartbeats\nare not stored: an agent counts as there while its results come. docs/verdicts.md\n\n" +
			"   netmon backtest -f rules.yaml --from 7d\n   echo 'defaults: {verdict: {quorum: any}}' | netmon backtest -f - web",
		Flags: []cli.Flag{brokerFlag(), fileFlag(), outputFlag("table", "json"), tagFlag(),
			&cli.BoolFlag{Name: "prune", Usage: "as if what is in no file were deleted, in the lists of settings that the files have"},
			timeFlag("from", "1d", "`TIME` to begin with, such as 7d for a week ago or 2026-11-29"),
			timeFlag("to", "", "`TIME` to end with (default: now)"),
		},
		Action: backtest,
	}
}

func backtest(c *cli.Context) error {
	if len(c.StringSlice("file")) == 0 {
		return usage("which rules? %s", c.Command.UsageText)
	}
	from, to, err := span(c)
	if err != nil {
		return err
	}
	form := c.String("output")
	switch form {
	case "", "table", "json":
	default:
		return usage("--output: want table or json, got %q", form)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return err
		}
		ignored := func(err error) { fmt.Fprintln(c.App.ErrWriter, "netmon: ignored:", console.PrintableText(err.Error())) }
		saved, err := store.List(ctx)
		switch {
		case err == nil:
		case len(saved) == 0, errors.Is(err, console.ErrUnreachable), ctx.Err() != nil:
			return err
		default:
			ignored(err) // those that cannot be read run nowhere
		}
		tried, err := monitorfile.ReadRules(c.StringSlice("file"), c.App.Reader, saved)
		if err != nil {
			return usage("%w", err)
		}
		settings, err := cl.ListSettings(ctx, wire.SortChannel, wire.SortRule, wire.SortWindow, wire.SortGroup, wire.SortSilence)
		if err != nil {
			if len(settings) == 0 {
				return err
			}
			ignored(err)
		}
		chosen, err := chosenMonitors(ctx, c, cl)
		if err != nil {
			return err
		}
		far := progressAlone(c, "results")
		defer far.end()
		b, err := cl.Backtest(ctx, saved, tried.Monitors, console.BacktestOptions{From: from, To: to, Monitors: chosen,
			Settings: settings, TriedSettings: console.TriedSettings(settings, tried, c.Bool("prune")), Progress: far.show, Odd: ignored})
		if err != nil {
			return err
		}
		if form == "json" {
			_, err := output.List(c.App.Writer, form, "Backtests", []console.Backtest{b})
			return err
		}
		return output.Backtest(c.App.Writer, c.App.ErrWriter, b, len(chosen) > 0)
	})
}
