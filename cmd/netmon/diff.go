package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/wire"
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
				store, err := cl.Monitors(ctx)
				if err != nil {
					return err
				}
				list, err := store.List(ctx)
				if err != nil {
					return err
				}
				n, err := printDiff(c.App.Writer, list, monitors, c.Bool("prune"))
				if err == nil && n > 0 {
					err = exit.With(exitNo, nil)
				}
				return err
			})
		},
	}
}

func pruneFlag() cli.Flag {
	return &cli.BoolFlag{Name: "prune", Usage: "also delete the saved monitors that stand in no file"}
}

// printDiff writes the differences, monitor by monitor, and counts them.
func printDiff(w io.Writer, current, wanted []wire.Saved, prune bool) (n int, err error) {
	have := map[string]wire.Saved{}
	for _, m := range current {
		have[m.Name] = m
	}
	for _, m := range wanted {
		old, ok := have[m.Name]
		delete(have, m.Name)
		if ok && console.Same(old, m) {
			continue
		}
		n++
		before := ""
		if ok {
			if before, err = asYAML(old); err != nil {
				return n, err
			}
		}
		after, err := asYAML(m)
		if err != nil {
			return n, err
		}
		fmt.Fprintf(w, "%s\n", m.Name)
		printLines(w, before, after)
	}
	for _, m := range current {
		if _, gone := have[m.Name]; gone && prune {
			n++
			before, err := asYAML(m)
			if err != nil {
				return n, err
			}
			fmt.Fprintf(w, "%s\n", m.Name)
			printLines(w, before, "")
		}
	}
	return n, nil
}

// asYAML is a monitor as a file would hold it, with everything filled in.
func asYAML(m wire.Saved) (string, error) {
	m.Monitor = m.Monitor.WithDefaults()
	if m.Agents == nil {
		m.Agents = wire.Selectors{wire.Everywhere}
	}
	var b bytes.Buffer
	err := console.WriteYAML(&b, toFile(m))
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
