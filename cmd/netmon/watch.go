package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/host"
	"netmon/wire"
)

func watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		ArgsUsage: cmdline.Monitors,
		Usage:     "show results as they arrive, from every agent",
		UsageText: "netmon watch [NAME...] [--tag team=shop] [--agent ID] [--failures] [-o ndjson]",
		Description: "One line for each result. Results that are stored while the connection is down follow\nwhen it is back. Ctrl-C ends it.\n\n" +
			"   netmon watch\n   netmon watch web db --agent paris\n   netmon watch --failures\n   netmon watch -o ndjson | jq .latency_ns",
		Flags: []cli.Flag{brokerFlag(), outputFlag("lines", "ndjson"),
			cmdline.Takes(cmdline.Agent, &cli.StringSliceFlag{Name: "agent", Usage: "only results of the agent `ID`; may be repeated"}),
			tagFlag(), outcomeFlag(), failuresFlag(),
			timeFlag("since", "", "begin with this `TIME`, such as 10m for 10 minutes ago, or 14:00"),
			&cli.BoolFlag{Name: "last", Usage: "begin with the last result of each monitor"},
			&cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "end after `N` results"},
		},
		Action: func(c *cli.Context) error {
			form := c.String("output")
			if form != "" && form != "lines" && form != "ndjson" {
				return usage("--output: want lines or ndjson, got %q", form)
			}
			f := console.Filter{Monitors: c.Args().Slice(), Agents: c.StringSlice("agent"), Last: c.Bool("last")}
			var err error
			if f.Outcomes, err = outcomesOf(c); err != nil {
				return err
			}
			if err := errors.Join(checkNames(c.Args().Slice()), checkNames(f.Agents)); err != nil {
				return usage("%w", err)
			}
			if c.IsSet("since") {
				since, err := parseTime("since", c.String("since"), time.Now())
				if err != nil {
					return err
				}
				f.Since = since
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) (err error) {
				if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
					return err
				}
				tellUnknown(ctx, cl, f, c.App.ErrWriter)
				err = watch(ctx, cl, f, c.App.Writer, c.App.ErrWriter, form == "ndjson", c.Int("count"))
				if err == nil && ctx.Err() != nil {
					return context.Canceled
				}
				return err
			})
		},
	}
}

// tellUnknown says of which names nothing can come yet. Where that cannot be found out,
// nothing is said: following says why.
func tellUnknown(ctx context.Context, cl *console.Client, f console.Filter, w io.Writer) {
	tell := func(what string, names, known []string) {
		for _, name := range names {
			if slices.Contains(known, name) {
				continue
			}
			near := wire.DidYouMean(name, known)
			if near == "" {
				near = ":"
			}
			fmt.Fprintf(w, "netmon: no %s is called %q yet%s waiting for its results\n", what, name, near)
		}
	}
	if len(f.Monitors) > 0 {
		if store, err := cl.Monitors(ctx); err == nil {
			if known, err := store.Names(ctx); err == nil {
				tell("monitor", f.Monitors, known)
			}
		}
	}
	if len(f.Agents) > 0 {
		if agents, err := cl.Agents(ctx); err == nil {
			var known []string
			for _, a := range agents {
				known = append(known, a.Agent)
			}
			tell("agent", f.Agents, known)
		}
	}
}

// watch prints results until ctx ends, or most of them when most is over 0.
func watch(ctx context.Context, cl *console.Client, f console.Filter, stdout, stderr io.Writer, ndjson bool, most int) error {
	// Its heap is a few MB: at 10,000 results a second, to collect it each time
	// it has doubled took a fifth of the console's time.
	defer host.CollectAt(400)()
	return output.Following{Results: stdout, Talk: stderr, Styles: styles(stdout), JSON: ndjson, Most: most}.Follow(ctx, cl, f)
}
