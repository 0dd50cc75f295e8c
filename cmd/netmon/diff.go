package main

import (
	"context"
	"fmt"
	"io"
	"os"

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
			fmt.Fprintf(c.App.Writer, "%s: no mistakes\n", wanted.Count())
			return nil
		},
	}
}

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:        "diff",
		ArgsUsage:   cmdline.Files,
		Usage:       "show what apply would change",
		UsageText:   "netmon diff -f FILE [-f FILE|FOLDER|-]... [--monitor NAME] [--tag team=shop] [--prune]",
		Description: "With --monitor or --tag only of the monitors that these choose.\nExit 0: nothing would change, 1: something would.",
		Flags:       []cli.Flag{brokerFlag(), fileFlag(), monitorFlag(), tagFlag(), pruneFlag()},
		Action: func(c *cli.Context) error {
			wanted, err := wantedFromFlag(c)
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				plan, err := planOf(ctx, c, cl, wanted)
				if err != nil {
					return err
				}
				for _, warning := range plan.Warnings {
					fmt.Fprintf(c.App.ErrWriter, "WARNING: %s\n", console.Printable(warning))
				}
				return printDiff(c.App.Writer, plan)
			})
		},
	}
}

// planOf says what making the saved monitors as files have them would do, of those that
// the command line chooses.
func planOf(ctx context.Context, c *cli.Context, cl *console.Client, wanted console.Wanted) (console.Plan, error) {
	tags, err := tagsOf(c)
	if err != nil {
		return console.Plan{}, err
	}
	if err := checkNames(c.StringSlice("monitor")); err != nil {
		return console.Plan{}, err
	}
	return planChosen(ctx, c, cl, wanted, c.StringSlice("monitor"), tags)
}

// planChosen is planOf of the monitors of these names and tags; nil is all.
func planChosen(ctx context.Context, c *cli.Context, cl *console.Client, wanted console.Wanted, chosen []string, tags map[string]string) (console.Plan, error) {
	address := brokerAddress(c)
	names, here := wanted.OnlyHere(address), []string(nil)
	if len(names) > 0 {
		var err error
		if here, err = agentsHere(ctx, cl); err != nil {
			return console.Plan{}, err
		}
	}
	if len(names) > 0 && len(here) == 0 {
		fmt.Fprintf(c.App.ErrWriter, "WARNING: %s: no agent runs on this host, and agents elsewhere cannot reach %s: add --broker with an address that they reach\n", console.ShortList(names, 3), address)
	}
	return opsOf(cl).PlanChosen(ctx, wanted.Here(address, here...), c.Bool("prune"), chosen, tags)
}

// agentsHere are the agents of this host.
func agentsHere(ctx context.Context, cl *console.Client) (ids []string, err error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, nil // no agent says that it is on a host without a name
	}
	all, err := cl.Agents(ctx)
	for _, a := range all {
		if a.Host == host {
			ids = append(ids, a.Agent)
		}
	}
	return ids, err
}

func pruneFlag() cli.Flag {
	return &cli.BoolFlag{Name: "prune", Usage: "also delete what is in no file, in the lists that the files have"}
}

// printDiff writes what a plan changes; the exit code says whether it does.
func printDiff(w io.Writer, plan console.Plan) error {
	err := monitorfile.Diff(w, plan)
	if err == nil && !plan.Empty() {
		err = exit.With(exitNo, nil)
	}
	return err
}
