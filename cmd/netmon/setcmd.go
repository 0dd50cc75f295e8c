package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/probes/kinds"
	"netmon/wire"
)

func setCommand() *cli.Command {
	return &cli.Command{
		Name:      "set",
		Aliases:   []string{"patch"},
		ArgsUsage: cmdline.MonitorsAnd(draft.FieldWords(kinds.All())...),
		Usage:     "change fields of saved monitors, without an editor",
		UsageText: "netmon set NAME... FIELD=VALUE... [--tag team=shop] [--dry-run]",
		Description: "FIELD is a field of a file: every, timeout, target, agents, except, paused,\n" +
			"verdict.quorum, depends_on, tags.TAG, or an option of the kind such as expect.status.\n" +
			"FIELD= takes it away, and so does FIELD-. What changes is printed. Nothing is saved\n" +
			"unless all of it is right for all of the monitors.\n\n" +
			"   netmon set web every=5s expect.status=200 tags.team=shop\n   netmon set web db timeout=\n   netmon set --tag team=shop agents=paris,tokyo",
		Flags: []cli.Flag{brokerFlag(), tagFlag(), &cli.BoolFlag{Name: "dry-run", Usage: "print what would change, and save nothing"}},
		Action: func(c *cli.Context) error {
			names, fields, err := namesAndFields(c)
			if err != nil {
				return err
			}
			if len(names) == 0 && !c.IsSet("tag") {
				return usage("want the names of monitors, or --tag: %s", c.Command.UsageText)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				if names, err = chosenOf(ctx, c, cl, names); err != nil {
					return err
				}
				return setFields(ctx, c, cl, names, fields)
			})
		},
	}
}

// namesAndFields tells the arguments that are names from those that set fields.
func namesAndFields(c *cli.Context) (names []string, fields []monitorfile.Assignment, err error) {
	for _, arg := range c.Args().Slice() {
		a, ok := monitorfile.ParseAssignment(arg)
		if ok {
			fields = append(fields, a)
			continue
		}
		names = append(names, arg)
	}
	if len(fields) == 0 {
		return nil, nil, usage("set what? want FIELD=VALUE such as every=5s: %s", c.Command.UsageText)
	}
	return names, fields, nil
}

// setFields changes monitors, all or none of them.
func setFields(ctx context.Context, c *cli.Context, cl *console.Client, names []string, fields []monitorfile.Assignment) error {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return err
	}
	var have, want []wire.Saved
	var missing, wrong []error
	for _, name := range names {
		was, err := store.Find(ctx, name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		is, err := monitorfile.Set(was, fields, checks())
		for _, e := range wire.FieldErrors(err) {
			if len(names) > 1 {
				e = &wire.FieldError{Path: name + ": " + e.Path, Err: e.Err}
			}
			wrong = append(wrong, e)
		}
		have, want = append(have, was), append(want, is)
	}
	if err := errors.Join(append(wrong, missing...)...); err != nil {
		if len(missing) == 0 {
			err = usage("%w", err)
		}
		return err
	}
	plan := console.PlanOf(have, want, false)
	if err := monitorfile.Diff(c.App.Writer, plan); err != nil {
		return err
	}
	for i := range want {
		for _, text := range newPlainSecrets(have[i], want[i]) {
			fmt.Fprintln(c.App.ErrWriter, "netmon: WARNING:", text)
		}
	}
	if c.Bool("dry-run") {
		return nil
	}
	var errs []error
	for _, m := range want {
		o, err := opsOf(cl).EditAs(ctx, m, "set "+fieldNames(fields))
		errs = append(errs, report(c.App.Writer, o, err))
		if errors.Is(err, console.ErrUnreachable) {
			break
		}
	}
	return errors.Join(errs...)
}

// fieldNames are the fields that are set. Their values may be secrets.
func fieldNames(fields []monitorfile.Assignment) string {
	names := make([]string, len(fields))
	for i, a := range fields {
		names[i] = a.Field
	}
	return strings.Join(names, ", ")
}

func copyCommand() *cli.Command {
	return &cli.Command{
		Name:      "copy",
		Aliases:   []string{"cp"},
		ArgsUsage: cmdline.Monitor,
		Usage:     "save a monitor once more under another name",
		UsageText: "netmon copy OLD NEW [FIELD=VALUE...]",
		Description: "Fields are changed as with netmon set. The copy has no results and no history of its\nown yet.\n\n" +
			"   netmon copy web shop target=https://shop.example.com/",
		Flags: []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			old, name, fields, err := twoNames(c)
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				store, err := cl.Monitors(ctx)
				if err != nil {
					return err
				}
				m, err := store.Find(ctx, old)
				if err != nil {
					return err
				}
				was := m
				m.Name = name
				if m, err = monitorfile.Set(m, fields, checks()); err != nil {
					return usage("%w", err)
				}
				o, err := opsOf(cl).Copy(ctx, old, m)
				o.Warnings = append(o.Warnings, newPlainSecrets(was, m)...)
				return report(c.App.Writer, o, err)
			})
		},
	}
}

func renameCommand() *cli.Command {
	return &cli.Command{
		Name:      "rename",
		Aliases:   []string{"mv"},
		ArgsUsage: cmdline.Monitor,
		Usage:     "give a saved monitor another name",
		UsageText: "netmon rename OLD NEW",
		Description: "Saves it under the new name, has other monitors, groups, rules and windows that name\nit name the new one, and deletes the old one. Results, verdicts and history go by the\n" +
			"name: earlier results stay where they are and are read under the old one. Silences\nkeep the old name. An incident of the old name ends.\n\n   netmon rename web shop",
		Flags: []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			old, name, fields, err := twoNames(c)
			if err != nil {
				return err
			}
			if len(fields) > 0 {
				return usage("unexpected %q: netmon set %s changes fields", fields[0].Field+"=", name)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				o, err := opsOf(cl).Rename(ctx, old, name)
				for _, what := range o.Names {
					fmt.Fprintf(c.App.Writer, "%s names %s now\n", what, name)
				}
				if err := report(c.App.Writer, o.Outcome, err); err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "  earlier results and history stay under %s: netmon get results %s, netmon history %s\n", old, old, old)
				return nil
			})
		},
	}
}

// twoNames are the arguments of a command that makes one name of another.
func twoNames(c *cli.Context) (old, name string, fields []monitorfile.Assignment, err error) {
	var names []string
	for _, arg := range c.Args().Slice() {
		if a, ok := monitorfile.ParseAssignment(arg); ok {
			fields = append(fields, a)
			continue
		}
		names = append(names, arg)
	}
	if len(names) != 2 {
		return "", "", nil, usage("want two names, got %d: %s", len(names), c.Command.UsageText)
	}
	if err := wire.CheckToken(names[1]); err != nil {
		return "", "", nil, usage("NEW: %w", err)
	}
	if names[0] == names[1] {
		return "", "", nil, usage("NEW: %q is its name already", names[1])
	}
	return names[0], names[1], fields, nil
}
