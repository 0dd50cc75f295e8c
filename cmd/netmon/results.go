package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func getResultsCommand() *cli.Command {
	return &cli.Command{
		Name:      "results",
		ArgsUsage: cmdline.Monitors,
		Usage:     "stored results, from one time to another",
		UsageText: "netmon get results [NAME...] [--tag team=shop] [--from 1h] [--to 10m] [--agent ID] [--tail N | --limit N] [-o lines|ndjson|json|csv]",
		Description: "Times are RFC 3339, such as 2026-11-24T10:00:00Z, or how long ago, such as 90m or 7d. A result that\nsays how many before it are lost stands for a gap: what was then is not known.\n\n" +
			"   netmon get results web --from 1h --agent paris\n   netmon get results web --from 2026-11-24T10:00:00Z --to 2026-11-24T11:00:00Z -o ndjson\n   netmon get results web --tail 20",
		Flags: []cli.Flag{brokerFlag(), outputFlag("lines", "ndjson", "json", "csv"),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "from", Value: "1h", Usage: "`TIME`, or how long ago, of the first one"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "to", Usage: "`TIME`, or how long ago, of the last one (default: now)"}),
			&cli.IntFlag{Name: "tail", Usage: "only the newest `N`, however old they are where there is no --from"},
			&cli.IntFlag{Name: "limit", Usage: "only the first `N`"},
			tagFlag(),
			cmdline.Takes(cmdline.Agent, &cli.StringSliceFlag{Name: "agent", Usage: "only results of the agent `ID`; may be repeated"}),
		},
		Action: getResults,
	}
}

// parseTime reads a moment, or how long before now.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	d, err := parseAgo(text)
	if err != nil || d < 0 {
		return time.Time{}, usage("--%s: want a time such as 2026-11-24T10:00:00Z, or how long ago such as 90m or 7d, got %q", flag, text)
	}
	return now.Add(-d), nil
}

// parseAgo reads a duration that may begin with days of 24 hours, such as 7d or 1d12h.
func parseAgo(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || rest == "" {
		return time.Duration(n) * 24 * time.Hour, err
	}
	d, err := time.ParseDuration(rest)
	if d < 0 {
		return -1, err
	}
	return time.Duration(n)*24*time.Hour + d, err
}

// span reads --from and --to.
func span(c *cli.Context) (from, to time.Time, err error) {
	now := time.Now()
	if from, err = parseTime("from", c.String("from"), now); err != nil {
		return from, to, err
	}
	to = now
	if c.IsSet("to") {
		if to, err = parseTime("to", c.String("to"), now); err != nil {
			return from, to, err
		}
	}
	if !from.Before(to) {
		return from, to, usage("--from %s is not before --to %s", c.String("from"), c.String("to"))
	}
	return from, to, nil
}

func getResults(c *cli.Context) error {
	from, to, err := span(c)
	if err != nil {
		return err
	}
	which, err := extentOf(c, from, to)
	if err != nil {
		return err
	}
	form := c.String("output")
	switch form {
	case "", "lines", "ndjson", "json", "csv":
	default:
		return usage("--output: want lines, ndjson, json or csv, got %q", form)
	}
	far := progressOf(c, "results")
	defer far.end()
	f := console.Filter{Monitors: c.Args().Slice(), Agents: c.StringSlice("agent"), Since: from,
		Progress: far.tell,
		Odd:      func(err error) { fmt.Fprintln(c.App.ErrWriter, "netmon: ignored:", console.Printable(err.Error())) }}
	return withBroker(c, func(ctx context.Context, cl *console.Client) (err error) {
		if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
			return err
		}
		out := bufio.NewWriter(c.App.Writer)
		defer out.Flush()
		line := console.Line{Styles: styles(c.App.Writer), Date: true}
		var all []wire.Result
		shown := 0
		table := csv.NewWriter(out)
		if form == "csv" {
			if err := table.Write(output.ResultColumns()); err != nil {
				return err
			}
		}
		err = which.Read(ctx, cl, f, func(r wire.Result, off time.Duration) error {
			shown++
			switch {
			case form == "json":
				all = append(all, r)
			case form == "csv":
				return table.Write(output.ResultRow(r))
			case form == "ndjson":
				data, err := output.JSONLine(r)
				if err != nil {
					return err
				}
				out.Write(data)
			default:
				out.WriteString(line.Format(r))
				if off != 0 {
					out.WriteString("  (the agent's clock was " + console.OffText(off) + ")")
				}
				out.WriteString("\n")
			}
			return nil
		})
		table.Flush()
		if err == nil && shown == 0 { // a name mistyped, or a time too short, looks the same
			fmt.Fprintf(c.App.ErrWriter, "no result is stored%s%s: netmon get monitors lists names%s\n", which.When(), ofWhich(f), which.Further())
		}
		if err == nil && form == "json" {
			_, err = output.List(out, form, "Results", all)
		}
		return err
	})
}

// ofWhich says of which monitors and agents results were asked for.
func ofWhich(f console.Filter) (text string) {
	if len(f.Monitors) > 0 {
		text += " of " + strings.Join(f.Monitors, ", ")
	}
	if len(f.Agents) > 0 {
		text += " on " + strings.Join(f.Agents, ", ")
	}
	return console.Printable(text)
}

func getBrokerCommand() *cli.Command {
	return &cli.Command{
		Name:      "broker",
		ArgsUsage: cmdline.Nothing,
		Usage:     "the broker, and how full what it keeps is",
		UsageText: "netmon get broker [-o FORM]",
		Flags:     []cli.Flag{brokerFlag(), listFlag()},
		Action: func(c *cli.Context) error {
			if err := checkForm(c); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				b, err := cl.Broker(ctx)
				if err != nil {
					return err
				}
				switch form := c.String("output"); form {
				case "", "table", "wide":
					return output.Broker(c.App.Writer, c.App.ErrWriter, form, b)
				case "csv":
					return output.Kept(b.Kept).Write(c.App.Writer, c.App.ErrWriter, form)
				case "name":
					_, err := fmt.Fprintln(c.App.Writer, console.Printable(b.Server))
					return err
				default:
					_, err := output.List(c.App.Writer, form, "Brokers", []console.BrokerInfo{b})
					return err
				}
			})
		},
	}
}
