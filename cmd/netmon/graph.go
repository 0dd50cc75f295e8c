package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func graphCommand() *cli.Command {
	return &cli.Command{
		Name:      "graph",
		ArgsUsage: cmdline.Monitor,
		Usage:     "draw the latency and loss of a monitor over hours or months",
		UsageText: "netmon graph NAME [--from 24h] [--to TIME] [--agent ID] [--width N] [-o text|json]",
		Description: "The median, and lighter around it the middle half, the middle 80 % and the range of\nall runs. What is lost stands below: packets, or runs where the kind counts no packets.\nTime of which nothing is known is empty, and no line is drawn across it.\n" + timeHelp + "\n\n" +
			"   netmon graph gateway --from 7d\n   netmon graph web --from 3h --agent paris",
		Flags: []cli.Flag{brokerFlag(), outputFlag("text", "json"),
			timeFlag("from", "24h", "`TIME` to begin with"),
			timeFlag("to", "", "`TIME` to end with (default: now)"),
			cmdline.Takes(cmdline.Agent, &cli.StringFlag{Name: "agent", Usage: "only from the agent `ID` (default: all together)"}),
			cmdline.Takes(cmdline.Text, &cli.IntFlag{Name: "width", DefaultText: "that of the terminal, else 80", Usage: "`N` characters wide"}),
		},
		Action: graph,
	}
}

func graph(c *cli.Context) error {
	name, err := oneArg(c, "monitor")
	if err != nil {
		return err
	}
	for _, name := range []string{name, c.String("agent")} {
		if name == "" {
			continue
		}
		if err := wire.CheckToken(name); err != nil {
			return usage("name %w", err)
		}
	}
	from, to, err := span(c)
	if err != nil {
		return err
	}
	form := c.String("output")
	if form != "" && form != "text" && form != "json" {
		return usage("--output: want text or json, got %q", form)
	}
	width, height := 80, 24
	if f, ok := c.App.Writer.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			width, height = w, h
		}
	}
	if c.IsSet("width") {
		if width = c.Int("width"); width < 40 || width > 1000 {
			return usage("--width: want 40 to 1000, got %d", width)
		}
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		g, err := cl.Graph(ctx, name, c.String("agent"), from, to, width-output.GraphMargin)
		if err != nil {
			return err
		}
		if form == "json" {
			_, err := output.List(c.App.Writer, form, "Graphs", []console.Graph{g})
			return err
		}
		return output.Graph(c.App.Writer, g, width, height)
	})
}
