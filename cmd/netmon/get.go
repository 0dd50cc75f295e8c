package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func getCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag { return append([]cli.Flag{brokerFlag(), listFlag()}, more...) }
	get := &cli.Command{
		Name:      "get",
		ArgsUsage: cmdline.Nothing,
		Usage:     "show what is saved, agents, verdicts, incidents, stored results or the broker",
		UsageText: "netmon get monitors|agents|verdicts|incidents|results|broker|channels|rules|windows|groups|silences [-o FORM], netmon get monitor NAME -o yaml",
		Action: func(c *cli.Context) error {
			return usage("get what? want monitors, monitor NAME, agents, verdicts, incidents, results, broker, channels, rules, windows, groups or silences%s", gotWord(c))
		},
		Subcommands: []*cli.Command{
			{Name: "monitors", ArgsUsage: cmdline.Monitors, Usage: "all saved monitors, or those with a name or a tag", UsageText: "netmon get monitors [NAME...] [--tag team=shop] [-o FORM] [--watch]", Flags: flags(tagFlag(), watchFlag()), Action: getMonitors},
			{Name: "monitor", ArgsUsage: cmdline.Monitors, Usage: "some saved monitors, in a form that apply takes", UsageText: "netmon get monitor NAME... [--tag team=shop] [-o yaml|FORM] [--watch]", Flags: flags(tagFlag(), watchFlag()), Action: getMonitors},
			{Name: "agents", ArgsUsage: cmdline.Nothing, Usage: "the agents of the last day", UsageText: "netmon get agents [-l region=eu] [-o FORM] [--watch]", Flags: flags(selectorFlag(), watchFlag()), Action: getAgents},
			getVerdictsCommand(), getIncidentsCommand(), getResultsCommand(), getBrokerCommand(),
		},
	}
	get.Subcommands = append(get.Subcommands, getSettingsCommands()...)
	return get
}

func getMonitors(c *cli.Context) error {
	one := c.Command.Name == "monitor"
	if one && c.NArg() == 0 && !c.IsSet("tag") {
		return usage("want the name of a monitor: %s", c.Command.UsageText)
	}
	if err := checkForm(c); err != nil {
		return err
	}
	tags, err := tagsOf(c)
	if err != nil {
		return err
	}
	form := c.String("output")
	if form == "" && one && !c.Bool("watch") {
		form = "yaml"
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		if c.Bool("watch") { // one that is not there may come, and come back
			names, err := cl.PickSaved(ctx, c.Args().Slice(), nil)
			if err != nil {
				return err
			}
			o := console.ModelOptions{Names: names, Parts: console.PartStates | console.PartIncidents}
			if form == "name" {
				o.Parts = console.PartMonitors
			}
			model := cl.Model(o)
			return watchList(ctx, c, model, func() output.Listing[judged] {
				if form == "name" {
					return monitorListing(console.Tagged(model.Monitors(), tags), nil)
				}
				return monitorListing(taggedStatuses(model, tags))
			})
		}
		store, err := cl.Monitors(ctx)
		if err != nil {
			return err
		}
		names, err := cl.PickSaved(ctx, c.Args().Slice(), nil)
		if err != nil {
			return err
		}
		list, err := monitorsOf(ctx, store, names)
		list = console.Tagged(list, tags)
		if len(list) > 0 || err == nil {
			err = errors.Join(err, printMonitors(ctx, c, cl, form, list))
		}
		if !one {
			printUnsaved(ctx, c.App.ErrWriter, cl)
		}
		return err
	})
}

// monitorsOf are the monitors of these names, or all. The error names each
// that is not there; the others are returned anyway.
func monitorsOf(ctx context.Context, store *console.Store, names []string) ([]wire.Saved, error) {
	if len(names) == 0 {
		return store.List(ctx)
	}
	var list []wire.Saved
	var errs []error
	for _, name := range names {
		m, err := store.Find(ctx, name)
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
		return monitorfile.Write(c.App.Writer, console.Wanted{Monitors: list}, "")
	}
	var states []console.Status
	if form != "name" {
		var err error
		if states, err = cl.StatusesInIncidents(ctx, list); err != nil {
			return err
		}
	}
	return printList(c, monitorListing(list, states))
}
