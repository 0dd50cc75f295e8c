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

// settingRow is one change of a setting as programs get it.
type settingRow struct {
	Revision uint64       `json:"revision"`         // orders the changes of all settings
	Edition  uint64       `json:"edition"`          // counts those of this one: what people see as its revision
	Author   string       `json:"author,omitempty"` // who did it
	At       string       `json:"at"`
	Deleted  bool         `json:"deleted,omitempty"`
	Problem  string       `json:"problem,omitempty"`
	Setting  wire.Setting `json:"setting,omitempty"`
	at       time.Time
}

func settingHistoryCommands() (out []*cli.Command) {
	for _, sort := range append(slices.Clone(console.FileSorts), wire.SortSilence) {
		word := console.SortWord(sort)
		out = append(out, &cli.Command{
			Name: word, ArgsUsage: cmdline.Settings(string(sort)), Usage: "show who changed a " + word, UsageText: fmt.Sprintf("netmon history %s NAME [-o FORM]", word),
			Flags: []cli.Flag{brokerFlag(), listFlag()},
			Action: func(c *cli.Context) error {
				name, err := oneArg(c, "name of a "+word)
				if err != nil {
					return err
				}
				if err := checkForm(c); err != nil {
					return err
				}
				return withBroker(c, func(ctx context.Context, cl *console.Client) error {
					store, err := cl.Settings(ctx)
					if err != nil {
						return err
					}
					revisions, err := store.History(ctx, sort, name)
					if err != nil {
						return err
					}
					return printSettingHistory(c, revisions)
				})
			},
		})
	}
	return out
}

func printSettingHistory(c *cli.Context, revisions []console.SettingRevision) error {
	rows := make([]settingRow, len(revisions))
	for i, r := range revisions {
		rows[i] = settingRow{Revision: r.Revision, Edition: r.Edition, Author: r.Author, At: r.At.UTC().Format("2006-01-02T15:04:05.000Z"), Deleted: r.Setting == nil && r.Problem == nil, Setting: r.Setting, at: r.At}
		if r.Problem != nil {
			rows[i].Problem = r.Problem.Error()
		}
	}
	of := func(text func(wire.Setting) string) func(settingRow) string {
		return func(r settingRow) string {
			switch {
			case r.Setting != nil:
				return text(r.Setting)
			case r.Problem != "":
				return "cannot be read: " + r.Problem
			}
			return ""
		}
	}
	return printList(c, output.Listing[settingRow]{Kind: "SettingRevisions", Items: rows,
		Name: func(r settingRow) string { return output.Revision(r.Edition) },
		Columns: []output.Column[settingRow]{
			{Title: "REVISION", Cell: func(r settingRow) string { return output.Revision(r.Edition) }},
			{Title: "WHEN", Time: func(r settingRow) time.Time { return r.at }},
			output.Author(func(r settingRow) string { return r.Author }),
			{Title: "WHAT", Cut: output.Prose, Cell: func(r settingRow) string {
				if r.Deleted {
					return "deleted"
				}
				return of(func(x wire.Setting) string { return x.About().Change })(r)
			}},
			{Title: "SETTING", Cut: output.Prose, Cell: of(console.SettingText)},
		}})
}

func settingRollbackCommands() (out []*cli.Command) {
	for _, sort := range console.FileSorts {
		word := console.SortWord(sort)
		out = append(out, &cli.Command{
			Name: word, ArgsUsage: cmdline.Settings(string(sort)), Usage: "make a " + word + " as it was", UsageText: fmt.Sprintf("netmon rollback %s NAME --to REVISION", word),
			Flags: []cli.Flag{brokerFlag(), cmdline.Takes(cmdline.Number, &cli.Uint64Flag{Name: "to", Usage: "`REVISION`, as netmon history " + word + " shows it"})},
			Action: func(c *cli.Context) error {
				name, err := oneArg(c, "name of a "+word)
				if err != nil {
					return err
				}
				if !c.IsSet("to") {
					return usage("--to: which revision? netmon history %s %s lists them", word, name)
				}
				return withBroker(c, func(ctx context.Context, cl *console.Client) error {
					o, err := opsOf(cl).RollbackSetting(ctx, sort, name, c.Uint64("to"))
					if wrong, ok := errors.AsType[*console.RevisionError](err); ok {
						if err = fmt.Errorf("--to: %w", err); wrong.Unreadable == nil {
							err = usage("%w", err)
						}
					}
					if err == nil {
						o.Lines(c.App.Writer)
					}
					return err
				})
			},
		})
	}
	return out
}
