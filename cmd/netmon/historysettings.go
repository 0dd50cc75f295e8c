package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// settingRow is one change of a setting as programs get it.
type settingRow struct {
	Revision uint64       `json:"revision"`
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
		rows[i] = settingRow{Revision: r.Revision, At: r.At.UTC().Format("2006-01-02T15:04:05.000Z"), Deleted: r.Setting == nil && r.Problem == nil, Setting: r.Setting, at: r.At}
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
		Name: func(r settingRow) string { return strconv.FormatUint(r.Revision, 10) },
		Columns: []output.Column[settingRow]{
			{Title: "REVISION", Cell: func(r settingRow) string { return strconv.FormatUint(r.Revision, 10) }},
			{Title: "WHEN", Cell: func(r settingRow) string { return r.at.Local().Format(time.DateTime) }},
			{Title: "WHO", Cell: of(func(x wire.Setting) string { return x.About().Author })},
			{Title: "WHAT", Cell: func(r settingRow) string {
				if r.Deleted {
					return "deleted"
				}
				return of(func(x wire.Setting) string { return x.About().Change })(r)
			}},
			{Title: "SETTING", Cell: of(console.SettingText)},
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
