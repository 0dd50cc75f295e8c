package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/wire"
)

func getCommand() *cli.Command {
	flags := []cli.Flag{brokerFlag(), outputFlag("table (default), json, yaml")}
	return &cli.Command{
		Name:      "get",
		Usage:     "show saved monitors, agents, stored results or the broker",
		UsageText: "netmon get monitors|agents|results|broker [-o FORM], netmon get monitor NAME -o yaml",
		Action: func(c *cli.Context) error {
			return usage("get what? want monitors, monitor NAME, agents, results or broker, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{
			{Name: "monitors", Usage: "all saved monitors", UsageText: "netmon get monitors [-o table|json|yaml]", Flags: flags, Action: getMonitors},
			{Name: "monitor", Usage: "some saved monitors, in a form that apply takes", UsageText: "netmon get monitor NAME... [-o yaml|json|table]", Flags: flags, Action: getMonitors},
			{Name: "agents", Usage: "the agents of the last day", UsageText: "netmon get agents [-o table|json|yaml]", Flags: flags, Action: getAgents},
			getResultsCommand(), getBrokerCommand(),
		},
	}
}

func getMonitors(c *cli.Context) error {
	one := c.Command.Name == "monitor"
	if one && c.NArg() == 0 {
		return usage("want the name of a monitor: %s", c.Command.UsageText)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return err
		}
		var list []wire.Saved
		var errs []error
		if c.NArg() == 0 {
			if list, err = store.List(ctx); err != nil {
				errs = append(errs, err)
			}
		}
		for _, name := range c.Args().Slice() {
			m, err := store.Get(ctx, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			list = append(list, m)
		}
		form := c.String("output")
		if form == "" && one {
			form = "yaml"
		}
		if len(list) > 0 || len(errs) == 0 {
			errs = append(errs, printMonitors(c, form, list))
		}
		return errors.Join(errs...)
	})
}

func printMonitors(c *cli.Context, form string, list []wire.Saved) error {
	w := c.App.Writer
	switch form {
	case "yaml": // what apply takes, with the rest as comments
		var b strings.Builder
		for _, m := range list {
			fmt.Fprintf(&b, "# %s: revision %d by %s: %s\n", m.Name, m.Revision, console.Printable(m.Author), console.Printable(m.Change))
		}
		if _, err := fmt.Fprint(w, b.String()); err != nil {
			return err
		}
		files := make([]fileMonitor, len(list))
		for i, m := range list {
			files[i] = toFile(m)
		}
		return emitYAML(w, map[string]any{"monitors": files})
	case "", "table":
	default:
		return emit(w, form, "Monitors", list)
	}
	if len(list) == 0 {
		fmt.Fprintln(c.App.ErrWriter, "no monitor is saved; a first one: netmon add tcp 127.0.0.1:4222 --name broker")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tKIND\tTARGET\tEVERY\tAGENTS\tREVISION")
	for _, m := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\n", m.Name, m.Kind, console.Printable(m.Target), m.Every, where(m), m.Revision)
	}
	return t.Flush()
}

// where says in a few words where a monitor runs.
func where(m wire.Saved) string {
	s := m.Agents.String()
	switch {
	case m.Agents == nil:
		s = wire.Everywhere
	case len(m.Agents) == 0:
		s = "none"
	}
	if len(m.Except) > 0 {
		s += " except " + m.Except.String()
	}
	if m.Paused {
		s = "paused (" + s + ")"
	}
	return s
}

// agentRow is an agent as `get agents` gives it to programs.
type agentRow struct {
	State string `json:"state"` // online, offline or left
	Seen  string `json:"seen"`
	wire.Alive
}

func getAgents(c *cli.Context) error {
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		agents, err := cl.Agents(ctx)
		if err != nil {
			return err
		}
		rows := make([]agentRow, len(agents))
		for i, a := range agents {
			rows[i] = agentRow{agentState(a), a.Seen.UTC().Format("2006-01-02T15:04:05.000Z"), a.Alive}
		}
		form := c.String("output")
		if form != "" && form != "table" {
			return emit(c.App.Writer, form, "Agents", rows)
		}
		if len(agents) == 0 {
			fmt.Fprintln(c.App.ErrWriter, "no agent has joined in the last day: netmon agent --broker URL --id NAME")
			return nil
		}
		return printAgents(c, agents)
	})
}

func agentState(a console.Agent) string {
	switch {
	case a.Online:
		return "online"
	case a.Leaving:
		return "left"
	}
	return "offline"
}

func printAgents(c *cli.Context, agents []console.Agent) error {
	t := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "AGENT\tSTATE\tSEEN\tMONITORS\tPENDING\tDROPPED\tSKIPPED\tLABELS\tVERSION\tHOST")
	var notes []string
	for _, a := range agents {
		var labels []string
		for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
			labels = append(labels, k+"="+a.Labels[k])
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", a.Agent, agentState(a), ago(a.Seen), a.Monitors, a.Pending, a.Dropped, a.Skipped,
			console.Printable(strings.Join(labels, ",")), console.Printable(a.Version), console.Printable(a.Host))
		for _, n := range a.Notes {
			notes = append(notes, fmt.Sprintf("%s: %s", a.Agent, n))
		}
		for _, name := range slices.Sorted(maps.Keys(a.Refused)) {
			notes = append(notes, fmt.Sprintf("%s: cannot run %s: %s", a.Agent, name, a.Refused[name]))
		}
		for _, kind := range slices.Sorted(maps.Keys(a.Cannot)) {
			notes = append(notes, fmt.Sprintf("%s: cannot measure %s: %s", a.Agent, kind, a.Cannot[kind]))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(c.App.Writer, console.Printable(n))
	}
	return nil
}
