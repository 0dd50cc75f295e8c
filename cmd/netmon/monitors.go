package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/probes"
	"netmon/wire"
)

func addCommand() *cli.Command {
	flags := func() []cli.Flag {
		return []cli.Flag{
			brokerFlag(),
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the monitor (default: made from kind and target)"},
			&cli.DurationFlag{Name: "every", Value: wire.DefaultEvery, Usage: "measure once in each `DURATION`"},
			&cli.DurationFlag{Name: "timeout", DefaultText: "5s, or nine tenths of --every if that is shorter; 1s if --every is under 1s", Usage: "give up a run after this `DURATION`"},
			&cli.StringFlag{Name: "on", Value: "all", Usage: "`AGENTS` that run it: all, ids, or label=value, by commas"},
			&cli.StringFlag{Name: "except", Usage: "`AGENTS` that do not"},
		}
	}
	return &cli.Command{
		Name:      "add",
		Usage:     "save a monitor and start it",
		UsageText: "netmon add KIND TARGET [--name NAME] [--every 10s] [--on all] [options]",
		Description: "Saves a monitor and starts it on its agents. One that exists already is not\nchanged: use apply for that.\n\n" +
			"   netmon add https example.com --every 30s\n   netmon add tcp db1:5432 --name db --on region=eu\n   netmon add dns --help",
		Subcommands: kindCommands(flags, "add", add),
		Action:      unknownKind,
	}
}

func add(c *cli.Context, k probes.Kind) error {
	target, err := oneArg(c, "target")
	if err != nil {
		return err
	}
	options, err := optionsFromFlags(c, k)
	if err != nil {
		return err
	}
	for _, name := range []string{"every", "timeout"} {
		if c.IsSet(name) && c.Duration(name) == 0 {
			return usage("--%s: want more than 0, got 0s: leave it out for the default", name)
		}
	}
	m := wire.Saved{Monitor: wire.Monitor{
		Name: c.String("name"), Kind: k.Name, Target: target,
		Every: wire.Duration(c.Duration("every")), Timeout: wire.Duration(c.Duration("timeout")), Options: options,
	}}
	if m.Name == "" {
		m.Name = defaultName(k.Name, target)
	}
	if m.Agents, err = wire.ParseSelectors(c.String("on")); err != nil {
		return usage("--on: %w", err)
	}
	if c.IsSet("except") {
		if m.Except, err = wire.ParseSelectors(c.String("except")); err != nil {
			return usage("--except: %w", err)
		}
	}
	if err := probes.CheckMonitor(m.Monitor); err != nil {
		return usage("%w", err)
	}
	m.Monitor = m.Monitor.WithDefaults()
	warnPlain(c.App.ErrWriter, m)
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return err
		}
		if old, err := store.Get(ctx, m.Name); err == nil {
			if console.Same(old, m) {
				fmt.Fprintf(c.App.Writer, "%s is saved already, just so\n", m.Name)
				return nil
			}
			return fmt.Errorf("monitor %q exists already (%s %s): choose another --name, or change it with `netmon apply`", m.Name, old.Kind, old.Target)
		} else if !errors.Is(err, console.ErrNotFound) {
			return err
		}
		revision, err := store.Save(ctx, m, "added")
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "%s saved\n", m.Name)
		return tell(ctx, c.App.Writer, cl, store, console.Change{Is: &m, Revision: revision})
	})
}

// defaultName makes a monitor's name from what it measures.
func defaultName(kind, target string) string {
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		target = u.Host + u.Path
	}
	return wire.MakeToken(kind + "-" + target)
}

// tell brings a change to the agents and prints their answers. The error is
// set when an agent that is there did not do as asked.
func tell(ctx context.Context, w io.Writer, cl *console.Client, store *console.Store, changes ...console.Change) error {
	agents, err := cl.Agents(ctx)
	if err != nil {
		return err
	}
	told := store.Tell(ctx, agents, changes...)
	refused := 0
	same := map[string]int{} // of many answers, how often an agent gave each
	var order []string
	for _, t := range told {
		if !t.OK && !t.Away {
			refused++
		}
		if len(told) <= wordy {
			fmt.Fprintf(w, "  %-12s %s %s\n", t.Agent, console.Printable(t.Monitor), console.Printable(t.Text))
			continue
		}
		line := fmt.Sprintf("  %-12s %%d monitors %s", t.Agent, strings.ReplaceAll(console.Printable(t.Text), "%", "%%"))
		if same[line]++; same[line] == 1 {
			order = append(order, line)
		}
	}
	slices.Sort(order)
	for _, line := range order {
		fmt.Fprintf(w, line+"\n", same[line])
	}
	if len(told) == 0 {
		switch {
		case len(agents) == 0:
			fmt.Fprintln(w, "  no agent has joined yet: netmon agent --broker URL --id NAME")
		default:
			fmt.Fprintln(w, "  no agent is concerned")
		}
	}
	if refused > 0 {
		return &codedError{exitNo, fmt.Errorf("%d of %d agents did not do it", refused, len(told))}
	}
	return nil
}

func deleteCommand() *cli.Command {
	return &cli.Command{
		Name:      "delete",
		Usage:     "delete saved monitors and stop them everywhere",
		UsageText: "netmon delete NAME...",
		Flags:     []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage("want the names of monitors: %s", c.Command.UsageText)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				names, old := c.Args().Slice(), []string(nil)
				names = slices.DeleteFunc(names, func(name string) bool {
					was := wire.CheckToken(name) != nil && wire.CheckElement(name) == nil
					if was {
						old = append(old, name)
					}
					return was
				})
				return errors.Join(deleteOld(ctx, c, cl, old), eachMonitor(ctx, c, cl, names, func(store *console.Store, m wire.Saved) (console.Change, string, error) {
					revision, err := store.Delete(ctx, m.Name, m.Revision)
					return console.Change{Was: &m, Revision: revision}, "deleted", err
				}))
			})
		},
	}
}

// deleteOld deletes monitors whose names were some once: nobody runs them.
func deleteOld(ctx context.Context, c *cli.Context, cl *console.Client, names []string) error {
	var errs []error
	for _, name := range names {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return err
		}
		revision, err := store.Revision(ctx, name)
		if err == nil {
			_, err = store.Delete(ctx, name, revision)
		}
		if err == nil {
			fmt.Fprintf(c.App.Writer, "%s deleted\n", name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// eachMonitor changes every named monitor and tells the agents; one that
// cannot be changed does not keep the others from it.
func eachMonitor(ctx context.Context, c *cli.Context, cl *console.Client, names []string, change func(*console.Store, wire.Saved) (console.Change, string, error)) error {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		m, err := store.Get(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		done, word, err := change(store, m)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(c.App.Writer, "%s %s\n", name, word)
		errs = append(errs, tell(ctx, c.App.Writer, cl, store, done))
	}
	return errors.Join(errs...)
}

func startCommand() *cli.Command {
	return &cli.Command{
		Name:      "start",
		Usage:     "run saved monitors, everywhere they belong or on more agents",
		UsageText: "netmon start NAME... [--on paris,tokyo | --on all | --on region=eu]",
		Description: "Without --on a paused monitor runs again where it did. With --on it runs there\ntoo; one that was paused then runs there only. " +
			"The change is saved: an agent that is\naway starts when it returns.",
		Flags:  []cli.Flag{brokerFlag(), &cli.StringFlag{Name: "on", Usage: "`AGENTS`: all, ids, or label=value, by commas"}},
		Action: func(c *cli.Context) error { return place(c, "started", console.StartOn) },
	}
}

func stopCommand() *cli.Command {
	return &cli.Command{
		Name:        "stop",
		Usage:       "stop saved monitors, everywhere or on some agents",
		UsageText:   "netmon stop NAME... [--on paris,tokyo | --on all | --on region=eu]",
		Description: "Without --on, or on all, the monitor is paused and keeps its places. The change\nis saved: it holds for agents that are away, too.",
		Flags:       []cli.Flag{brokerFlag(), &cli.StringFlag{Name: "on", Usage: "`AGENTS`: all, ids, or label=value, by commas"}},
		Action: func(c *cli.Context) error {
			return place(c, "stopped", func(m wire.Saved, on wire.Selectors) (wire.Saved, error) { return console.StopOn(m, on), nil })
		},
	}
}

// place changes where monitors run.
func place(c *cli.Context, word string, change func(wire.Saved, wire.Selectors) (wire.Saved, error)) error {
	if c.NArg() == 0 {
		return usage("want the names of monitors: %s", c.Command.UsageText)
	}
	var on wire.Selectors
	if c.IsSet("on") {
		var err error
		if on, err = wire.ParseSelectors(c.String("on")); err != nil {
			return usage("--on: %w", err)
		}
	}
	what := word
	if len(on) > 0 {
		what += " on " + strings.Join(on, ",")
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		return eachMonitor(ctx, c, cl, c.Args().Slice(), func(store *console.Store, was wire.Saved) (console.Change, string, error) {
			is, err := change(was, on)
			if err != nil {
				return console.Change{}, "", err
			}
			if console.Same(was, is) {
				already := "was so already"
				if word == "stopped" && len(on) > 0 {
					already = "does not run on " + on.String() + ": nothing is changed"
				}
				return console.Change{Was: &was, Is: &is, Revision: was.Revision}, already, nil
			}
			revision, err := store.Save(ctx, is, what)
			return console.Change{Was: &was, Is: &is, Revision: revision}, what, err
		})
	})
}
