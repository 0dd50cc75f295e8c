package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func ackCommand() *cli.Command {
	return &cli.Command{
		Name:      "ack",
		ArgsUsage: cmdline.Incidents,
		Usage:     "say that you handle an incident: no repeats and no escalation until it gets worse",
		UsageText: "netmon ack ID|NAME... [--tag team=shop] [-m TEXT]",
		Description: "ID is the one that netmon get incidents shows, or its beginning. NAME is a monitor, a\ngroup or an agent, for its open incident. A glob such as 'svc-*' and --tag choose the\nopen incidents of the monitors that fit, and netmon asks before it acknowledges\n" +
			"several. Whoever was notified of an incident is notified that you handle it.\n\n" +
			"   netmon ack 3f2a -m \"the disk is being replaced\"\n   netmon ack web\n   netmon ack --tag team=shop -m \"the shop moves\"",
		Flags: append(yesFlags(), brokerFlag(), tagFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "`TEXT` for the others"})),
		Action: func(c *cli.Context) error {
			return eachIncident(c, "open", func(*wire.Incident) bool { return true }, func(ctx context.Context, cl *console.Client, x wire.Incident) (console.SettingOutcome, error) {
				if x.State != wire.IncidentOpen {
					return console.SettingOutcome{}, fmt.Errorf("incident %s is %s: there is nothing to take care of", x.ID, x.State)
				}
				return opsOf(cl).Ack(ctx, x.ID, c.String("message"))
			})
		},
	}
}

func unackCommand() *cli.Command {
	return &cli.Command{
		Name:        "unack",
		ArgsUsage:   cmdline.Incidents,
		Usage:       "withdraw an acknowledgement",
		UsageText:   "netmon unack ID|NAME... [--tag team=shop]",
		Description: "Notices are repeated and escalated again, as if nobody had acknowledged it. A glob such\nas 'svc-*' and --tag choose the acknowledged incidents of the monitors that fit.",
		Flags:       append(yesFlags(), brokerFlag(), tagFlag()),
		Action: func(c *cli.Context) error {
			return eachIncident(c, "acknowledged", func(x *wire.Incident) bool { return x.Ack != nil }, func(ctx context.Context, cl *console.Client, x wire.Incident) (console.SettingOutcome, error) {
				return opsOf(cl).Unack(ctx, x.ID)
			})
		},
	}
}

// eachIncident changes what is said of the incidents that the command line chooses; one
// that cannot be changed does not keep the others from it. Globs and tags choose open
// incidents that fit, and is says of these in a word what fits means.
func eachIncident(c *cli.Context, is string, fits func(*wire.Incident) bool, change func(context.Context, *console.Client, wire.Incident) (console.SettingOutcome, error)) error {
	if c.NArg() == 0 && !c.IsSet("tag") {
		return usage("want the ids of incidents, names of monitors, globs such as 'svc-*', or --tag: %s", c.Command.UsageText)
	}
	if err := checkNames(c.Args().Slice()); err != nil {
		return err
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		list, err := chosenIncidents(ctx, c, cl, is, fits)
		if err == nil {
			err = confirmIncidents(c, list)
		}
		if err != nil {
			return err
		}
		var errs []error
		for _, x := range list {
			o, err := change(ctx, cl, x)
			if err == nil {
				fmt.Fprintf(c.App.Writer, "%s: %s\n", console.Printable(o.Head()), console.Printable(console.SummaryText(&x)))
			}
			errs = append(errs, err)
			if errors.Is(err, console.ErrUnreachable) {
				break
			}
		}
		return errors.Join(errs...)
	})
}

// chosenIncidents are those of a command line, each once: one for each word that is no
// glob, and those of the monitors that globs and --tag choose. One that continued as
// part of another is that one.
func chosenIncidents(ctx context.Context, c *cli.Context, cl *console.Client, is string, fits func(*wire.Incident) bool) (list []wire.Incident, err error) {
	words := c.Args().Slice()
	var globs []string
	if c.IsSet("tag") {
		globs, words = words, nil
	} else {
		globs = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !console.IsGlob(w) })
		words = slices.DeleteFunc(words, console.IsGlob)
	}
	put := func(x wire.Incident) {
		if !slices.ContainsFunc(list, func(have wire.Incident) bool { return have.ID == x.ID }) {
			list = append(list, x)
		}
	}
	for _, word := range words {
		x, err := cl.ResolveIncident(ctx, word)
		if err == nil && x.State == wire.IncidentMerged && x.Into != "" {
			x, err = cl.ResolveIncident(ctx, x.Into)
		}
		if err != nil {
			return nil, err
		}
		put(x)
	}
	if len(globs) == 0 && !c.IsSet("tag") {
		return list, nil
	}
	names, err := chosenOf(ctx, c, cl, globs)
	if err != nil {
		return nil, err
	}
	open, _, err := cl.Incidents(ctx, console.IncidentFilter{Monitors: names})
	if err != nil {
		return nil, err
	}
	for _, x := range open {
		if fits(&x) {
			put(x)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no incident of %s is %s: netmon get incidents lists those that are open", console.ShortList(names, 8), is)
	}
	return list, nil
}

// confirmIncidents asks before a change of several incidents that are not named one by one.
func confirmIncidents(c *cli.Context, list []wire.Incident) error {
	ids := make([]string, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	return confirmChosen(c, "incidents", ids)
}
