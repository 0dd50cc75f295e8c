package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/wire"
)

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
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
	for _, change := range plan.Changes {
		before, err := asYAML(change.Was)
		if err != nil {
			return err
		}
		after, err := asYAML(change.Is)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", change.Name())
		printLines(w, before, after)
	}
	if len(plan.Changes) > 0 {
		return &codedError{exitNo, nil}
	}
	return nil
}

// asYAML is a monitor as a file would hold it, with everything filled in; nil is none.
func asYAML(saved *wire.Saved) (string, error) {
	if saved == nil {
		return "", nil
	}
	m := *saved
	m.Monitor = m.Monitor.WithDefaults()
	if m.Agents == nil {
		m.Agents = wire.Selectors{wire.Everywhere}
	}
	var b bytes.Buffer
	err := emitYAML(&b, toFile(m))
	return console.PrintableText(b.String()), err
}

// printLines writes the lines that one text has and the other has not. Monitors
// are short and their fields come in one order, so that lines alone tell.
func printLines(w io.Writer, before, after string) {
	count := map[string]int{}
	for line := range strings.Lines(after) {
		count[line]++
	}
	for line := range strings.Lines(before) {
		if count[line]--; count[line] < 0 {
			fmt.Fprintf(w, "  - %s", line)
		}
	}
	count = map[string]int{}
	for line := range strings.Lines(before) {
		count[line]++
	}
	for line := range strings.Lines(after) {
		if count[line]--; count[line] < 0 {
			fmt.Fprintf(w, "  + %s", line)
		}
	}
}
