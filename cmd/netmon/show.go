package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		ArgsUsage: cmdline.Monitor,
		Usage:     "tell all about one monitor: where it runs, its last results",
		UsageText: "netmon show NAME",
		Flags:     []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "monitor")
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error { return show1(ctx, c, cl, name) })
		},
	}
}

// show1 succeeds when the monitor is there, whatever its results.
func show1(ctx context.Context, c *cli.Context, cl *console.Client, name string) error {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return err
	}
	m, err := store.Get(ctx, name)
	if err != nil {
		return err
	}
	agents, err := cl.Agents(ctx)
	if err != nil {
		return err
	}
	last := map[string]wire.Result{}
	err = cl.Last(ctx, name, func(r wire.Result) { last[r.Agent] = r })
	if err != nil {
		return err
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s  %s %s\n", m.Name, console.Printable(m.Kind), console.Printable(m.Target))
	fmt.Fprintf(w, "  every %s, timeout %s, on %s\n", m.Every, m.Timeout, console.Placement(m))
	if len(m.Options) > 0 {
		fmt.Fprintf(w, "  options %s\n", console.Printable(string(m.Options)))
	}
	fmt.Fprintf(w, "  revision %d by %s: %s\n", m.Revision, console.Printable(m.Author), console.Printable(m.Change))
	line := console.Line{Styles: styles(w), Alone: true, Date: true}
	rows := 0
	for _, a := range agents {
		runs := m.RunsOn(a.Agent, a.Labels)
		r, measured := last[a.Agent]
		delete(last, a.Agent)
		if !runs && !measured {
			continue
		}
		rows++
		note := agentNote(a, m, runs)
		if !measured {
			fmt.Fprintf(w, "  %s ? nothing measured in what is kept%s\n", a.Agent, note)
			continue
		}
		fmt.Fprintf(w, "  %s%s\n", line.Format(r), note)
	}
	var gone []string
	for id := range last { // agents of more than a day ago
		gone = append(gone, id)
	}
	slices.Sort(gone)
	for _, id := range gone {
		rows++
		fmt.Fprintf(w, "  %s  (agent not seen in the last day)\n", line.Format(last[id]))
	}
	if rows == 0 {
		fmt.Fprintln(w, "  runs on no agent that is known, and was never measured in what is kept")
	}
	return nil
}

// agentNote says why the last result of an agent may not be the last word.
func agentNote(a console.Agent, m wire.Saved, runs bool) string {
	var notes []string
	if why := a.Refused[m.Name]; why != "" {
		notes = append(notes, "cannot run it: "+console.Printable(why))
	}
	switch {
	case m.Paused:
		notes = append(notes, "○ paused")
	case !runs:
		notes = append(notes, "stopped here")
	}
	if !a.Online {
		notes = append(notes, "agent "+console.AgentState(a)+", seen "+console.Ago(a.Seen))
	}
	if len(notes) == 0 {
		return ""
	}
	return "  (" + strings.Join(notes, "; ") + ")"
}
