package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/probes"
	"netmon/wire"
)

func applyCommand() *cli.Command {
	return &cli.Command{
		Name:        "apply",
		ArgsUsage:   cmdline.Files,
		Usage:       "make the saved monitors as files say",
		UsageText:   "netmon apply -f FILE [-f FILE|FOLDER|-]... [--prune]",
		Description: "Saves what is new or different and tells the agents. Monitors that stand in no\nfile stay as they are, unless --prune is given. Nothing is changed unless all\nfiles are right. docs/files.md explains their fields: defaults, verdict, depends_on.",
		Flags:       []cli.Flag{brokerFlag(), fileFlag(), pruneFlag()},
		Action: func(c *cli.Context) error {
			monitors, err := monitorsFromFlag(c)
			if err != nil {
				return err
			}
			warnPlain(c.App.ErrWriter, monitors...)
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				plan, err := opsOf(cl).Plan(ctx, monitors, c.Bool("prune"))
				if err != nil {
					return err
				}
				return apply(ctx, c, cl, plan)
			})
		},
	}
}

func fileFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "`FILE`, a folder of *.yaml, or - for standard input; may be repeated"})
}

func monitorsFromFlag(c *cli.Context) ([]wire.Saved, error) {
	paths := append(c.StringSlice("file"), c.Args().Slice()...)
	if len(paths) == 0 {
		return nil, usage("which file? %s", c.Command.UsageText)
	}
	return readMonitors(paths, c.App.Reader)
}

func readMonitors(paths []string, stdin io.Reader) ([]wire.Saved, error) {
	monitors, err := monitorfile.Read(paths, stdin, probes.CheckMonitor)
	if err != nil {
		return nil, usage("%w", err)
	}
	return monitors, nil
}

// apply carries out a plan. Of many monitors a person is shown how far it is.
func apply(ctx context.Context, c *cli.Context, cl *console.Client, plan console.Plan) error {
	w, talk := c.App.Writer, c.App.ErrWriter
	of, n := plan.Same+len(plan.Changes)-len(plan.Names(console.Deleted)), 0
	many := of > console.Wordy && isTerminal(talk)
	o, err := opsOf(cl).Apply(ctx, plan, console.ApplyOptions{Progress: func(change console.Change) {
		if n++; many && n%100 == 0 {
			fmt.Fprintf(talk, "\rsaved %d of %d", n, of)
		}
		if of <= console.Wordy || change.Did() == console.Deleted {
			fmt.Fprintf(w, "%s %s\n", change.Name(), change.Did())
		}
	}})
	if many {
		fmt.Fprint(talk, "\r\x1b[K")
	}
	return report(w, o, err)
}
