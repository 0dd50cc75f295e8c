package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func getIncidentsCommand() *cli.Command {
	return &cli.Command{
		Name:      "incidents",
		ArgsUsage: cmdline.Monitors,
		Usage:     "what is wrong, what belongs together, and who was notified",
		UsageText: "netmon get incidents [NAME...] [--all] [--from 1d] [--tag team=shop] [-o FORM] [--watch]",
		Description: "Those that are open, the worst first; with --all those that are over follow, the\nnewest first. NAME is a monitor, a group or an agent, in which * and ? stand for any\npart. Behind each channel stands what became of its newest notice: sent,\n" +
			"retrying, undelivered, or waits. netmon incident ID shows all of one.\n\n   netmon get incidents --tag team=shop\n   netmon get incidents 'svc-*'\n   netmon get incidents --all --from 7d -o csv",
		Flags: []cli.Flag{brokerFlag(), listFlag(),
			&cli.BoolFlag{Name: "all", DisableDefaultText: true, Usage: "also those that are over"},
			timeFlag("from", "", "with --all: those that were open at this `TIME` and later, such as 7d for a week ago (default: all that are kept)"),
			cmdline.Takes(cmdline.Monitor, &cli.StringSliceFlag{Name: "monitor", Usage: "the same as NAME: only those with the monitor, group or agent `NAME`; may be repeated"}),
			tagFlag(), watchFlag(),
		},
		Action: getIncidents,
	}
}

func getIncidents(c *cli.Context) error {
	if err := checkForm(c); err != nil {
		return err
	}
	f, err := incidentFilter(c)
	if err != nil {
		return err
	}
	none := "no incident is open"
	if f.All {
		none = "no incident is known"
	}
	if len(f.Monitors)+len(f.Tags) > 0 {
		none += " of what was asked for"
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		if c.Bool("watch") {
			model := cl.Model(console.ModelOptions{Parts: console.PartMonitors | console.PartIncidents})
			return watchList(ctx, c, model, func() output.Listing[wire.Incident] {
				list, short := model.IncidentsOf(f)
				return output.Incidents(list, short, none)
			})
		}
		list, short, err := cl.Incidents(ctx, f)
		if err != nil {
			return err
		}
		if err := printList(c, output.Incidents(list, short, none)); err != nil {
			return err
		}
		if leads, err := cl.Leads(ctx); err == nil && !leads {
			fmt.Fprintln(c.App.ErrWriter, "netmon: no controller leads now: no incident is opened or resolved")
		}
		return nil
	})
}

func incidentFilter(c *cli.Context) (console.IncidentFilter, error) {
	f := console.IncidentFilter{All: c.Bool("all"), Monitors: append(c.StringSlice("monitor"), c.Args().Slice()...)}
	var p wire.Problems
	if c.IsSet("from") {
		from, err := parseTime("from", c.String("from"), time.Now())
		if err != nil {
			return f, err
		}
		f.From = from
		if !f.All {
			p.Addf("--from", "is for incidents that are over: want --all beside it")
		}
	}
	p.Add("", checkNames(f.Monitors))
	if err := p.Err(); err != nil {
		return f, usage("%w", err)
	}
	var err error
	f.Tags, err = tagsOf(c)
	return f, err
}

func incidentCommand() *cli.Command {
	return &cli.Command{
		Name:      "incident",
		ArgsUsage: cmdline.Incident,
		Usage:     "show an incident: members, evidence, who was notified, what comes next",
		UsageText: "netmon incident ID|NAME [-o json|yaml]",
		Description: "ID is the one that netmon get incidents shows, or its beginning. NAME is a monitor, a\ngroup or an agent, for its open incident, else its newest one.\n\n" +
			"   netmon incident 3f2a\n   netmon incident web -o json",
		Flags: []cli.Flag{brokerFlag(), outputFlag("text", "json", "yaml")},
		Action: func(c *cli.Context) error {
			text, err := oneArg(c, "incident")
			if err != nil {
				return err
			}
			if err := wire.CheckToken(text); err != nil {
				return usage("incident %w", err)
			}
			form := c.String("output")
			if form != "" && form != "text" && form != "json" && form != "yaml" {
				return usage("--output: want text, json or yaml, got %q", form)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				x, err := cl.ResolveIncident(ctx, text)
				if err != nil {
					return err
				}
				story, err := cl.IncidentStory(ctx, x)
				if err != nil {
					return err
				}
				if form == "json" || form == "yaml" {
					_, err := output.List(c.App.Writer, form, "IncidentStories", []console.IncidentStory{story})
					return err
				}
				story.Lines(c.App.Writer, time.Now())
				return nil
			})
		},
	}
}
