package main

import (
	"context"
	"io"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// shown is a monitor as programs get it from show.
type shown struct {
	judged
	Results []wire.Result `json:"results"` // the last one of each agent, by agent
}

func printShown(w io.Writer, form string, a console.About) error {
	one := shown{judged: judgedOf(a.Monitor, a.Status), Results: []wire.Result{}}
	for _, id := range slices.Sorted(maps.Keys(a.Last)) {
		one.Results = append(one.Results, a.Last[id])
	}
	_, err := output.List(w, form, "ShownMonitors", []shown{one})
	return err
}

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		ArgsUsage: cmdline.Monitor,
		Aliases:   []string{"describe", "inspect"},
		Usage:     "show one monitor: its settings, where it runs, its last results",
		UsageText: "netmon show NAME [-o json|yaml]",
		Flags:     []cli.Flag{brokerFlag(), outputFlag("text", "json", "yaml")},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "monitor")
			if err != nil {
				return err
			}
			form := c.String("output")
			switch form {
			case "", "text", "json", "yaml":
			default:
				return usage("--output: want text, json or yaml, got %q", form)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				about, err := cl.About(ctx, name)
				if err != nil {
					return err
				}
				if form == "json" || form == "yaml" {
					return printShown(c.App.Writer, form, about)
				}
				about.Lines(c.App.Writer, styles(c.App.Writer))
				return nil
			})
		},
	}
}
