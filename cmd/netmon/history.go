package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:        "history",
		ArgsUsage:   cmdline.Monitors,
		Usage:       "show who changed a monitor, channel, rule, window, group or silence, when and how",
		UsageText:   "netmon history NAME... [--tag team=shop] [-o FORM], netmon history channel|rule|window|group|silence NAME",
		Subcommands: settingHistoryCommands(),
		Description: "Newest first. Revisions count the changes of one monitor: 1 is the first. The last 64\nare kept, also of a deleted monitor. Globs such as 'svc-*' and --tag choose among the\nmonitors that are saved.",
		Flags:       []cli.Flag{brokerFlag(), listFlag(), tagFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 && !c.IsSet("tag") {
				return usage("want the names of monitors, globs such as 'svc-*', or --tag: %s", c.Command.UsageText)
			}
			if err := checkForm(c); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				store, err := cl.Monitors(ctx)
				if err != nil {
					return err
				}
				names, err := chosenMonitors(ctx, c, cl)
				if err != nil {
					return err
				}
				var rows []historyRow
				for _, name := range names {
					revisions, err := store.History(ctx, name)
					if err != nil {
						return err
					}
					rows = append(rows, historyRows(name, revisions)...)
				}
				slices.SortStableFunc(rows, func(a, b historyRow) int { return b.at.Compare(a.at) })
				several := c.NArg() != 1 || c.IsSet("tag") || console.IsGlob(c.Args().First())
				return printHistory(c, rows, several)
			})
		},
	}
}

// historyRow is one change as programs get it.
type historyRow struct {
	Name     string      `json:"name"`             // of the monitor
	Revision uint64      `json:"revision"`         // orders the changes of all monitors
	Edition  uint64      `json:"edition"`          // counts those of this one: what people see as its revision
	Author   string      `json:"author,omitempty"` // who did it
	At       string      `json:"at"`
	Deleted  bool        `json:"deleted,omitempty"`
	Problem  string      `json:"problem,omitempty"`
	Monitor  *wire.Saved `json:"monitor,omitempty"`
	at       time.Time
}

// historyRows are the kept changes of one monitor, the newest first.
func historyRows(name string, revisions []console.Revision) []historyRow {
	rows := make([]historyRow, len(revisions))
	for i, r := range revisions {
		rows[i] = historyRow{Name: name, Revision: r.Revision, Edition: r.Edition, Author: r.Author, At: r.At.UTC().Format("2006-01-02T15:04:05.000Z"), Deleted: r.Saved == nil && r.Problem == nil, Monitor: r.Saved, at: r.At}
		if r.Problem != nil {
			rows[i].Problem = r.Problem.Error()
		}
	}
	return rows
}

// printHistory lists changes; of several monitors each row says which.
func printHistory(c *cli.Context, rows []historyRow, several bool) error {
	of := func(text func(*wire.Saved) string) func(historyRow) string {
		return func(r historyRow) string {
			if r.Monitor == nil {
				return ""
			}
			return text(r.Monitor)
		}
	}
	name := func(r historyRow) string { return output.Revision(r.Edition) }
	if several {
		name = func(r historyRow) string { return r.Name + " " + output.Revision(r.Edition) }
	}
	return printList(c, output.Listing[historyRow]{Kind: "Revisions", Items: rows, Name: name,
		Columns: []output.Column[historyRow]{
			{Title: "NAME", Extra: !several, Cut: output.Naming, Cell: func(r historyRow) string { return r.Name }},
			{Title: "REVISION", Cell: func(r historyRow) string { return output.Revision(r.Edition) }},
			{Title: "WHEN", Time: func(r historyRow) time.Time { return r.at }},
			output.Author(func(r historyRow) string { return r.Author }),
			{Title: "WHAT", Cut: output.Prose, Cell: historyRow.what},
			{Title: "KIND", Extra: true, Cell: of(func(m *wire.Saved) string { return m.Kind })},
			{Title: "TARGET", Cut: output.Place, Cell: of(func(m *wire.Saved) string { return m.Target })},
			{Title: "EVERY", Cell: of(func(m *wire.Saved) string { return m.Every.String() })},
			{Title: "AGENTS", Cut: output.Place, Cell: of(func(m *wire.Saved) string { return console.Where(*m) })},
		}})
}

func (r historyRow) what() string {
	switch {
	case r.Problem != "":
		return "cannot be read: " + r.Problem
	case r.Monitor == nil:
		return "deleted"
	}
	return r.Monitor.Change
}

func rollbackCommand() *cli.Command {
	return &cli.Command{
		Name:        "rollback",
		ArgsUsage:   cmdline.Monitor,
		Usage:       "restore an earlier revision of a monitor, channel, rule, window or group",
		UsageText:   "netmon rollback NAME --to REVISION, netmon rollback channel|rule|window|group NAME --to REVISION",
		Subcommands: settingRollbackCommands(),
		Description: "Saves the earlier definition as a new revision. A deleted monitor comes back.",
		Flags:       []cli.Flag{brokerFlag(), cmdline.Takes(cmdline.Revision, &cli.Uint64Flag{Name: "to", Usage: "`REVISION`, as netmon history shows it"})},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "name of a monitor")
			if err != nil {
				return err
			}
			if !c.IsSet("to") {
				return usage("--to: which revision? netmon history %s lists them", name)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				o, err := opsOf(cl).Rollback(ctx, name, c.Uint64("to"))
				if wrong, ok := errors.AsType[*console.RevisionError](err); ok {
					if err = fmt.Errorf("--to: %w", err); wrong.Unreadable == nil {
						err = usage("%w", err)
					}
				}
				return report(c.App.Writer, o, err)
			})
		},
	}
}
