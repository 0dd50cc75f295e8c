package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/judge"
	"netmon/wire"
)

func getCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag { return append([]cli.Flag{brokerFlag(), listFlag()}, more...) }
	return &cli.Command{
		Name:      "get",
		ArgsUsage: cmdline.Nothing,
		Usage:     "show saved monitors, agents, stored results or the broker",
		UsageText: "netmon get monitors|agents|results|broker [-o FORM], netmon get monitor NAME -o yaml",
		Action: func(c *cli.Context) error {
			return usage("get what? want monitors, monitor NAME, agents, results or broker, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{
			{Name: "monitors", ArgsUsage: cmdline.Nothing, Usage: "all saved monitors", UsageText: "netmon get monitors [-o FORM] [--watch]", Flags: flags(watchFlag()), Action: getMonitors},
			{Name: "monitor", ArgsUsage: cmdline.Monitors, Usage: "some saved monitors, in a form that apply takes", UsageText: "netmon get monitor NAME... [-o yaml|FORM] [--watch]", Flags: flags(watchFlag()), Action: getMonitors},
			{Name: "agents", ArgsUsage: cmdline.Nothing, Usage: "the agents of the last day", UsageText: "netmon get agents [-l region=eu] [-o FORM] [--watch]", Flags: flags(selectorFlag(), watchFlag()), Action: getAgents},
			getResultsCommand(), getBrokerCommand(),
		},
	}
}

func getMonitors(c *cli.Context) error {
	one := c.Command.Name == "monitor"
	if one && c.NArg() == 0 {
		return usage("want the name of a monitor: %s", c.Command.UsageText)
	}
	if err := checkForm(c); err != nil {
		return err
	}
	form := c.String("output")
	if form == "" && one && !c.Bool("watch") {
		form = "yaml"
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return err
		}
		if c.Bool("watch") {
			return watchList(ctx, c, func() (listing[stood], error) {
				list, err := monitorsOf(ctx, store, c.Args().Slice())
				if one && errors.Is(err, console.ErrNotFound) {
					err = nil // it may come, and come back
				}
				if err != nil {
					return listing[stood]{}, err
				}
				return monitorListing(ctx, cl, form, list)
			})
		}
		list, err := monitorsOf(ctx, store, c.Args().Slice())
		if len(list) > 0 || err == nil {
			err = errors.Join(err, printMonitors(ctx, c, cl, form, list))
		}
		if !one {
			tellUnsaved(ctx, c.App.ErrWriter, cl)
		}
		return err
	})
}

// monitorsOf are the monitors of these names, or all. The error tells of each
// that is not there; the others are returned all the same.
func monitorsOf(ctx context.Context, store *console.Store, names []string) ([]wire.Saved, error) {
	if len(names) == 0 {
		return store.List(ctx)
	}
	var list []wire.Saved
	var errs []error
	for _, name := range names {
		m, err := store.Get(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, m)
	}
	return list, errors.Join(errs...)
}

// printMonitors writes monitors; those of -o yaml are a file that apply takes.
func printMonitors(ctx context.Context, c *cli.Context, cl *console.Client, form string, list []wire.Saved) error {
	if form == "yaml" {
		return monitorfile.Write(c.App.Writer, list, "")
	}
	l, err := monitorListing(ctx, cl, form, list)
	if err != nil {
		return err
	}
	return printList(c, l)
}

// stood is a saved monitor and its state, which -o yaml leaves out: that is what
// apply takes.
type stood struct {
	wire.Saved
	State   judge.State `json:"state"`
	refused []string    // by agents that do not run it, each with why
}

func monitorListing(ctx context.Context, cl *console.Client, form string, list []wire.Saved) (listing[stood], error) {
	items := make([]stood, len(list))
	for i, m := range list {
		items[i].Saved, items[i].State = m, judge.Unknown
	}
	if form != "name" {
		all, err := cl.Standings(ctx, list)
		if err != nil {
			return listing[stood]{}, err
		}
		for i, s := range all {
			items[i].State = s.State
			for _, a := range s.Agents {
				if strings.HasPrefix(a.Why, console.WhyRefused) {
					items[i].refused = append(items[i].refused, a.Agent+": "+a.Why)
				}
			}
		}
	}
	return listing[stood]{kind: "Monitors", items: items,
		none: "no monitor is saved; a first one: netmon add tcp 127.0.0.1:4222 --name broker",
		name: func(m stood) string { return m.Name },
		after: func(w io.Writer) {
			for _, m := range items {
				for _, why := range m.refused {
					fmt.Fprintf(w, "%s on %s\n", m.Name, console.Printable(why))
				}
			}
		},
		steady: func(m stood) string {
			data, err := json.Marshal(m.Saved)
			return fmt.Sprint(m.State, m.refused, string(data), err)
		},
		columns: []column[stood]{
			{"NAME", func(m stood) string { return m.Name }},
			{"STATE", func(m stood) string { return m.State.String() }},
			{"KIND", func(m stood) string { return m.Kind }},
			{"TARGET", func(m stood) string { return m.Target }},
			{"EVERY", func(m stood) string { return m.Every.String() }},
			{"AGENTS", func(m stood) string { return console.Where(m.Saved) }},
			{"REVISION", func(m stood) string { return strconv.FormatUint(m.Revision, 10) }},
		},
		wide: []column[stood]{
			{"TIMEOUT", func(m stood) string { return m.Timeout.String() }},
			{"AUTHOR", func(m stood) string { return m.Author }},
			{"CHANGE", func(m stood) string { return m.Change }},
			{"OPTIONS", func(m stood) string { return string(m.Options) }},
		}}, nil
}
