package main

import (
	"context"
	"io"
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
		UsageText: "netmon watch [NAME...] [--tag team=shop] [--agent ID] [-o ndjson]",
		Description: "One line for each result. What a broker that is away keeps from us comes when it\nis back. Ctrl-C ends it.\n\n" +
			"   netmon watch\n   netmon watch web db --agent paris\n   netmon watch -o ndjson | jq .latency_ns",
		Flags: []cli.Flag{brokerFlag(), outputFlag("lines", "ndjson"),
			cmdline.Takes(cmdline.Agent, &cli.StringSliceFlag{Name: "agent", Usage: "only results of the agent `ID`; may be repeated"}),
			tagFlag(),
			&cli.DurationFlag{Name: "since", Usage: "begin this `DURATION` ago"},
			&cli.BoolFlag{Name: "last", Usage: "begin with the last result of each monitor"},
			&cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "end after `N` results"},
		},
		Action: func(c *cli.Context) error {
			form := c.String("output")
			if form != "" && form != "lines" && form != "ndjson" {
				return usage("--output: want lines or ndjson, got %q", form)
			}
			f := console.Filter{Monitors: c.Args().Slice(), Agents: c.StringSlice("agent"), Last: c.Bool("last")}
			for _, name := range append(c.Args().Slice(), f.Agents...) {
				if err := wire.CheckToken(name); err != nil {
					return usage("name %w", err)
				}
			}
			if d := c.Duration("since"); d > 0 {
				f.Since = time.Now().Add(-d)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) (err error) {
				if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
					return err
				}
				err = watch(ctx, cl, f, c.App.Writer, c.App.ErrWriter, form == "ndjson", c.Int("count"))
				if err == nil && ctx.Err() != nil {
					return context.Canceled
				}
				return err
			})
		},
	}
}

// watch prints results until ctx ends, or most of them when most is over 0.
func watch(ctx context.Context, cl *console.Client, f console.Filter, stdout, stderr io.Writer, ndjson bool, most int) error {
	// Its heap is a few MB: at 10,000 results a second, to collect it each time
	// it has doubled took a fifth of the console's time.
	defer host.CollectAt(400)()
	return output.Following{Results: stdout, Talk: stderr, Styles: styles(stdout), JSON: ndjson, Most: most}.Follow(ctx, cl, f)
}
