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
		Usage:     "check files of monitors, channels and rules, without a broker",
		UsageText: "netmon validate -f FILE [-f FILE|FOLDER|-]...",
		Flags:     []cli.Flag{fileFlag()},
		Action: func(c *cli.Context) error {
			wanted, err := wantedFromFlag(c)
			if err != nil {
				return err
			}
			warnPlain(c.App.ErrWriter, wanted.Monitors...)
			fmt.Fprintf(c.App.Writer, "%s, all right\n", wanted.Count())
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
			wanted, err := wantedFromFlag(c)
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				plan, err := opsOf(cl).Plan(ctx, wanted, c.Bool("prune"))
				if err != nil {
					return err
				}
				return printDiff(c.App.Writer, plan)
			})
		},
	}
}

func pruneFlag() cli.Flag {
	return &cli.BoolFlag{Name: "prune", Usage: "also delete what stands in no file, of the lists that the files have"}
}

// printDiff writes what a plan changes; the exit code says whether it does.
func printDiff(w io.Writer, plan console.Plan) error {
	err := monitorfile.Diff(w, plan)
	if err == nil && !plan.Empty() {
		err = exit.With(exitNo, nil)
	}
	return err
}
