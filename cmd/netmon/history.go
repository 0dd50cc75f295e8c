package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
		ArgsUsage:   cmdline.Monitor,
		Usage:       "show who changed a monitor, channel, rule, window, group or silence, when and how",
		UsageText:   "netmon history NAME [-o FORM], netmon history channel|rule|window|group|silence NAME",
		Subcommands: settingHistoryCommands(),
		Description: "The newest change first; the last 64 are kept, those of a deleted monitor too.",
		Flags:       []cli.Flag{brokerFlag(), listFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "name of a monitor")
			if err != nil {
				return err
			}
			if err := checkForm(c); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				store, err := cl.Monitors(ctx)
				if err != nil {
					return err
				}
				revisions, err := store.History(ctx, name)
				if err != nil {
					return err
				}
				return printHistory(c, revisions)
			})
		},
	}
}

// historyRow is one change as programs get it.
type historyRow struct {
	Revision uint64      `json:"revision"`
	At       string      `json:"at"`
	Deleted  bool        `json:"deleted,omitempty"`
	Problem  string      `json:"problem,omitempty"`
	Monitor  *wire.Saved `json:"monitor,omitempty"`
	at       time.Time
}

func printHistory(c *cli.Context, revisions []console.Revision) error {
	rows := make([]historyRow, len(revisions))
	for i, r := range revisions {
		rows[i] = historyRow{Revision: r.Revision, At: r.At.UTC().Format("2006-01-02T15:04:05.000Z"), Deleted: r.Saved == nil && r.Problem == nil, Monitor: r.Saved, at: r.At}
		if r.Problem != nil {
			rows[i].Problem = r.Problem.Error()
		}
	}
	of := func(text func(*wire.Saved) string) func(historyRow) string {
		return func(r historyRow) string {
			if r.Monitor == nil {
				return ""
			}
			return text(r.Monitor)
		}
	}
	return printList(c, output.Listing[historyRow]{Kind: "Revisions", Items: rows,
		Name: func(r historyRow) string { return strconv.FormatUint(r.Revision, 10) },
		Columns: []output.Column[historyRow]{
			{Title: "REVISION", Cell: func(r historyRow) string { return strconv.FormatUint(r.Revision, 10) }},
			{Title: "WHEN", Cell: func(r historyRow) string { return r.at.Local().Format("2006-01-02 15:04:05") }},
			{Title: "WHO", Cell: of(func(m *wire.Saved) string { return m.Author })},
			{Title: "WHAT", Cell: historyRow.what},
			{Title: "KIND", Cell: of(func(m *wire.Saved) string { return m.Kind })},
			{Title: "TARGET", Cell: of(func(m *wire.Saved) string { return m.Target })},
			{Title: "EVERY", Cell: of(func(m *wire.Saved) string { return m.Every.String() })},
			{Title: "AGENTS", Cell: of(func(m *wire.Saved) string { return console.Where(*m) })},
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
		Usage:       "make a monitor, channel, rule, window or group as it was at an earlier revision",
		UsageText:   "netmon rollback NAME --to REVISION, netmon rollback channel|rule|window|group NAME --to REVISION",
		Subcommands: settingRollbackCommands(),
		Description: "The earlier definition is saved as a new revision; a deleted monitor comes back.",
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
