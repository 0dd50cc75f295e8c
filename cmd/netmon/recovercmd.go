package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/console/prompt"
	"netmon/internal/cmdline"
	"netmon/internal/plural"
	"netmon/wire"
)

func recoverCommand() *cli.Command {
	return &cli.Command{
		Name:      "recover",
		ArgsUsage: cmdline.Monitors,
		Usage:     "save monitors again that agents still run and a new, empty broker lacks",
		UsageText: "netmon recover [NAME...] [--discard] [--yes]",
		Description: "When a broker comes back with an empty store, its agents keep running what they ran.\nThis lists those monitors and, once you agree, saves them again where they run, or\nstops them for good. " +
			"Agents that are away are not asked: run\nit again when they are back. Agents know what they measure and how often: verdict, depends_on,\ntags and slo come back by netmon apply. History continues under the monitors' names, as far\nas a controller has its file (docs/history.md).\n\n   netmon recover\n   netmon recover web db --yes\n   netmon recover --discard",
		Flags: append([]cli.Flag{brokerFlag(),
			&cli.BoolFlag{Name: "discard", Usage: "stop them instead of saving them", DisableDefaultText: true}}, yesFlags()...),
		Action: func(c *cli.Context) error {
			if err := checkNames(c.Args().Slice()); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error { return recoverFrom(ctx, c, cl, c.Args().Slice()) })
		},
	}
}

func recoverFrom(ctx context.Context, c *cli.Context, cl *console.Client, names []string) error {
	agents, err := cl.Agents(ctx)
	if err != nil {
		return err
	}
	list, asked := cl.Unsaved(ctx, agents)
	if asked != nil {
		fmt.Fprintln(c.App.ErrWriter, "netmon:", console.PrintableText(asked.Error()))
	}
	if list, err = unsavedNamed(list, names); err != nil {
		return err
	}
	w := c.App.Writer
	if len(list) == 0 {
		fmt.Fprintln(w, "everything that the connected agents run is saved")
		return asked
	}
	plan := console.PlanRecover(list, agents)
	if err := (output.Listing[console.Change]{Items: plan.Changes, Columns: unsavedColumns, Width: screenWidth(w)}).Table(w, "table"); err != nil {
		return err
	}
	for _, u := range list {
		if len(u.Others) > 0 {
			fmt.Fprintf(w, "%s: an older definition runs on %s\n", u.Name, strings.Join(u.Others, ", "))
		}
	}
	if c.Bool("discard") {
		if err := confirm(c, fmt.Sprintf("stop %s", plural.Count(len(list), "unsaved monitor", "unsaved monitors"))); err != nil {
			return err
		}
		o, err := opsOf(cl).Discard(ctx, list)
		return errors.Join(report(w, o, err), asked)
	}
	if err := confirm(c, "save "+plural.Count(len(list), "monitor", "monitors")); err != nil {
		return err
	}
	o, err := opsOf(cl).Apply(ctx, plan, console.ApplyOptions{})
	return errors.Join(report(w, o, err), asked)
}

// unsavedNamed are the unsaved monitors of these names and globs, or all. Agents know no
// tags.
func unsavedNamed(list []console.Unsaved, names []string) ([]console.Unsaved, error) {
	if len(names) == 0 {
		return list, nil
	}
	have := make([]wire.Saved, len(list))
	for i, u := range list {
		have[i].Monitor = u.Monitor
	}
	names, err := console.Pick(have, names, nil)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range names {
		if !slices.ContainsFunc(list, func(u console.Unsaved) bool { return u.Name == name }) {
			errs = append(errs, fmt.Errorf("no agent that is there runs an unsaved monitor %q", name))
		}
	}
	return slices.DeleteFunc(list, func(u console.Unsaved) bool { return !slices.Contains(names, u.Name) }), errors.Join(errs...)
}

var unsavedColumns = []output.Column[console.Change]{
	{Title: "NAME", Cut: output.Naming, Cell: func(m console.Change) string { return m.Is.Name }},
	{Title: "KIND", Cell: func(m console.Change) string { return m.Is.Kind }},
	{Title: "TARGET", Cut: output.Place, Cell: func(m console.Change) string { return m.Is.Target }},
	{Title: "EVERY", Cell: func(m console.Change) string { return m.Is.Every.String() }},
	{Title: "AGENTS", Cut: output.Place, Cell: func(m console.Change) string { return console.Where(*m.Is) }},
}

// printUnsaved says, below what is saved, that agents run more than that.
func printUnsaved(ctx context.Context, w io.Writer, cl *console.Client) {
	agents, err := cl.Agents(ctx)
	if err != nil {
		return // the list above said it
	}
	most, on := 0, 0
	for _, a := range agents {
		if a.Online && a.Unsaved > 0 {
			most, on = max(most, a.Unsaved), on+1
		}
	}
	if on > 0 {
		fmt.Fprintf(w, "netmon: the broker's store is new: %s on %s still run that are not saved in it: netmon recover lists them\n", prompt.Count(most, "monitor"), prompt.Count(on, "agent"))
	}
}
