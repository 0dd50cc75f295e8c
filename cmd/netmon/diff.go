package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
)

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		ArgsUsage: cmdline.Files,
		Usage:     "check files of monitors, without a broker",
		UsageText: "netmon validate -f FILE [-f FILE|FOLDER|-]...",
		Flags:     []cli.Flag{fileFlag()},
		Action: func(c *cli.Context) error {
			monitors, err := monitorsFromFlag(c)
			if err != nil {
				return err
			}
			warnPlain(c.App.ErrWriter, monitors...)
			fmt.Fprintf(c.App.Writer, "%d monitors, all right\n", len(monitors))
			return nil
		},
	}
}

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:        "diff",
		ArgsUsage:   cmdline.Files,
		Usage:       "show what apply would change",
		UsageText:   "netmon diff -f FILE [-f FILE|FOLDER|-]... [--prune]",
		Description: "Exit 0: nothing, 1: something.",
		Flags:       []cli.Flag{brokerFlag(), fileFlag(), pruneFlag()},
		Action: func(c *cli.Context) error {
			monitors, err := monitorsFromFlag(c)
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				plan, err := opsOf(cl).Plan(ctx, monitors, c.Bool("prune"))
				if err != nil {
					return err
				}
				return printDiff(c.App.Writer, plan)
			})
		},
	}
}

func pruneFlag() cli.Flag {
	return &cli.BoolFlag{Name: "prune", Usage: "also delete the saved monitors that stand in no file"}
}

// printDiff writes what a plan changes; the exit code says whether it does.
func printDiff(w io.Writer, plan console.Plan) error {
	err := monitorfile.Diff(w, plan)
	if err == nil && len(plan.Changes) > 0 {
		err = exit.With(exitNo, nil)
	}
	return err
}
