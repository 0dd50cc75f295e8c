package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/timetext"
	"netmon/wire"
)

func getResultsCommand() *cli.Command {
	return &cli.Command{
		Name:      "results",
		ArgsUsage: cmdline.Monitors,
		Usage:     "stored results, from one time to another",
		UsageText: "netmon get results [NAME...] [--tag team=shop] [--from 1h] [--to 10m] [--agent ID] [--failures] [--tail N | --limit N] [-o lines|ndjson|json|csv]",
		Description: timeHelp + "\nA result that says how many before it are lost marks a gap: nothing is known of\nthat time.\n\n" +
			"Where results are no longer stored, lines that sum each hour stand for them (in\n-o json and ndjson with \"rollup\": true; -o csv has none), and standard error says\nso. Which run failed, and why, is not kept for as long. docs/history.md\n\n" +
			"   netmon get results web --from 1h --agent paris\n   netmon get results web --from \"yesterday 14:00\" --to \"yesterday 15:00\" -o ndjson\n   netmon get results web --tail 20\n   netmon get results --failures --from 1d",
		Flags: []cli.Flag{brokerFlag(), outputFlag("lines", "ndjson", "json", "csv"),
			timeFlag("from", "1h", "`TIME` of the first one"),
			timeFlag("to", "", "`TIME` of the last one (default: now)"),
			&cli.IntFlag{Name: "tail", Usage: "only the newest `N`, however old they are where there is no --from"},
			&cli.IntFlag{Name: "limit", Usage: "only the first `N`"},
			tagFlag(), outcomeFlag(), failuresFlag(),
			cmdline.Takes(cmdline.Agent, &cli.StringSliceFlag{Name: "agent", Usage: "only results of the agent `ID`; may be repeated"}),
		},
		Action: getResults,
	}
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
		Progress: far.show,
		Odd:      func(err error) { fmt.Fprintln(c.App.ErrWriter, "netmon: ignored:", console.Printable(err.Error())) }}
	if f.Outcomes, err = outcomesOf(c); err != nil {
		return err
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) (err error) {
		if f.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
			return err
		}
		out := bufio.NewWriter(c.App.Writer)
		defer out.Flush()
		line := console.Line{Styles: styles(c.App.Writer), Date: true}
		var all []any // results, and rollups of older ones
		shown := 0
		table := csv.NewWriter(out)
		finish := func() (err error) {
			if form == "json" {
				_, err = output.List(out, form, "Results", all)
			}
			return err
		}
		if form == "csv" {
			if err := table.Write(output.ResultColumns()); err != nil {
				return err
			}
		}
		older, err := olderResults(ctx, c, cl, f, which)
		if err != nil {
			return err
		}
		which.Older = older
		for _, r := range older.Rollups {
			shown++
			switch form {
			case "json":
				all = append(all, r)
			case "ndjson":
				data, err := output.JSONLine(r)
				if err != nil {
					return err
				}
				out.Write(data)
			default:
				out.WriteString(output.RollupLine(r, line.Styles) + "\n")
			}
		}
		if which.Limit > 0 && shown >= which.Limit {
			return finish()
		}
		which.Limit = max(0, which.Limit-shown)
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
		if err != nil {
			return err
		}
		if shown == 0 { // a name mistyped, or a time too short, looks the same
			fmt.Fprintf(c.App.ErrWriter, "no result is stored%s%s: netmon get monitors lists names%s\n", which.When(), ofWhich(f), which.Further())
		}
		return finish()
	})
}

// olderResults finds what history has in place of results that are no longer stored, as
// many as asked for, and tells a person of it at standard error.
func olderResults(ctx context.Context, c *cli.Context, cl *console.Client, f console.Filter, which console.Extent) (console.Older, error) {
	if which.Always || which.Tail > 0 { // the newest ones, of those that are stored
		return console.Older{}, nil
	}
	older, err := cl.Older(ctx, f, which.From, which.To)
	if err != nil && older.Before.IsZero() {
		return older, err
	}
	if err != nil { // what is stored is shown anyway
		fmt.Fprintf(c.App.ErrWriter, "netmon: results before %s are no longer stored, and sums of them cannot be read: %s\n", timetext.Minute(older.Before), console.Printable(err.Error()))
		return console.Older{}, nil
	}
	if older.Before.IsZero() {
		return older, nil
	}
	older.Rollups = slices.DeleteFunc(older.Rollups, func(r console.ResultRollup) bool { return !r.Has(f.Outcomes) })
	text := older.Text(f.Outcomes)
	if len(older.Rollups) > 0 && c.String("output") == "csv" {
		text = older.Text(nil) + " in -o lines, ndjson and json, csv has none"
		older = console.Older{}
	}
	if which.Limit > 0 && len(older.Rollups) > which.Limit {
		older.Rollups = older.Rollups[:which.Limit]
	}
	fmt.Fprintln(c.App.ErrWriter, "netmon:", text)
	return older, nil
}

// ofWhich says of which monitors and agents results were asked for.
func ofWhich(f console.Filter) (text string) {
	if len(f.Outcomes) > 0 {
		text += fmt.Sprintf(" that is %s", orList(f.Outcomes))
	}
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
					return output.Broker(c.App.Writer, c.App.ErrWriter, form, b, screenWidth(c.App.Writer))
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
