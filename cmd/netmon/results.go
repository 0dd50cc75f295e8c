package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
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
		UsageText: "netmon get results [NAME...] [--from 1h] [--to 10m] [--agent ID] [--tail N | --limit N] [-o lines|ndjson|json|csv]",
		Description: "Times are RFC 3339, such as 2026-11-24T10:00:00Z, or how long ago. A result that\nsays how many before it are lost stands for a gap: what was then is not known.\n\n" +
			"   netmon get results web --from 1h --agent paris\n   netmon get results web --from 2026-11-24T10:00:00Z --to 2026-11-24T11:00:00Z -o ndjson\n   netmon get results web --tail 20",
		Flags: []cli.Flag{brokerFlag(), outputFlag("lines", "ndjson", "json", "csv"),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "from", Value: "1h", Usage: "`TIME`, or how long ago, of the first one"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "to", Usage: "`TIME`, or how long ago, of the last one (default: now)"}),
			&cli.IntFlag{Name: "tail", Usage: "only the newest `N`, however old they are where there is no --from"},
			&cli.IntFlag{Name: "limit", Usage: "only the first `N`"},
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
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return time.Time{}, usage("--%s: want a time such as 2026-11-24T10:00:00Z, or how long ago such as 90m, got %q", flag, text)
	}
	return now.Add(-d), nil
}

func getResults(c *cli.Context) error {
	now := time.Now()
	from, err := parseTime("from", c.String("from"), now)
	if err != nil {
		return err
	}
	to := now
	if c.IsSet("to") {
		if to, err = parseTime("to", c.String("to"), now); err != nil {
			return err
		}
	}
	if !from.Before(to) {
		return usage("--from %s is not before --to %s", c.String("from"), c.String("to"))
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
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
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
		err := which.Read(ctx, cl, f, func(r wire.Result) error {
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
				out.WriteString(line.Format(r) + "\n")
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
					return printBroker(c, b)
				case "csv":
					return printKept(c, b.Kept)
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

func printBroker(c *cli.Context, b console.BrokerInfo) error {
	w := c.App.Writer
	fmt.Fprintf(w, "%s, server %s, nats-server %s", b.URL, console.Printable(b.Server), console.Printable(b.Version))
	if b.Cluster != "" {
		fmt.Fprintf(w, ", cluster %s", console.Printable(b.Cluster))
	}
	fmt.Fprintf(w, ", round trip %s\n", console.Short(time.Duration(b.RTTNS)))
	if b.Leader != nil {
		fmt.Fprintf(w, "controller on %s since %s\n", console.Printable(b.Leader.Host), b.Leader.Since.Local().Format("2006-01-02 15:04:05"))
	} else {
		fmt.Fprintln(w, "no controller leads: agents are told of changes by consoles only")
	}
	return printKept(c, b.Kept)
}

func printKept(c *cli.Context, kept []console.Kept) error {
	l := output.Listing[console.Kept]{Kind: "Kept", Items: kept, Columns: []output.Column[console.Kept]{
		{Title: "KEPT", Cell: func(k console.Kept) string { return k.Name }},
		{Title: "MESSAGES", Cell: func(k console.Kept) string { return strconv.FormatUint(k.Messages, 10) }},
		{Title: "BYTES", Cell: func(k console.Kept) string { return console.ByteCount(k.Bytes) }},
		{Title: "OF AT MOST", Cell: func(k console.Kept) string {
			if k.MaxBytes <= 0 {
				return "no bound"
			}
			return console.ByteCount(uint64(k.MaxBytes))
		}},
		{Title: "FULL", Cell: func(k console.Kept) string {
			if k.MaxBytes <= 0 {
				return "-"
			}
			return fmt.Sprintf("%.1f %%", 100*float64(k.Bytes)/float64(k.MaxBytes))
		}},
		{Title: "ON DISK", Cell: func(k console.Kept) string {
			if k.Disk == 0 && k.Bytes > 0 {
				return "-"
			}
			if k.MaxDisk > 0 {
				return console.ByteCount(k.Disk) + " of " + console.ByteCount(uint64(k.MaxDisk))
			}
			return console.ByteCount(k.Disk)
		}},
		{Title: "OLDEST", Cell: func(k console.Kept) string {
			if k.First.IsZero() {
				return "-"
			}
			return console.Ago(k.First)
		}},
		{Title: "HOLDS", Cell: func(k console.Kept) string {
			if k.Problem != "" {
				return k.Problem
			}
			return k.Holds
		}},
	}}
	for i, col := range l.Columns[1:7] { // of what is missing nothing is known
		cell := col.Cell
		l.Columns[i+1].Cell = func(k console.Kept) string {
			if k.Problem != "" {
				return ""
			}
			return cell(k)
		}
	}
	l.After = func(w io.Writer) {
		for _, k := range kept {
			if r := k.Shortest; r != nil {
				fmt.Fprintf(w, "%s: of %s with the most results, of %d, %s on %s goes back least: to %s, %s results\n", k.Name,
					pairCount(r.Looked), r.Of, console.Printable(r.Monitor), console.Printable(r.Agent), console.Ago(r.First), strconv.FormatUint(r.Results, 10))
			}
		}
	}
	return printList(c, l)
}

func pairCount(n int) string {
	if n == 1 {
		return "the pair of monitor and agent"
	}
	return fmt.Sprintf("the %d pairs of monitor and agent", n)
}
