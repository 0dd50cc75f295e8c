package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/draft"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/notify"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

func addCommand() *cli.Command {
	flags := func() []cli.Flag {
		return append([]cli.Flag{
			brokerFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "name", Usage: "`NAME` of the monitor (default: made from kind and target)"}),
			&cli.DurationFlag{Name: "every", Value: wire.DefaultEvery, Usage: "measure once in each `DURATION`"},
			&cli.DurationFlag{Name: "timeout", DefaultText: "5s, or nine tenths of --every if that is shorter; 1s if --every is under 1s", Usage: "give up a run after this `DURATION`"},
			cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "on", Value: "all", Usage: "`AGENTS` that run it: all, ids, or label=value, by commas; or some of these, such as '3 of region=eu'"}),
			cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "except", Usage: "`AGENTS` that do not"}),
			cmdline.Takes(cmdline.Tag, &cli.StringSliceFlag{Name: "tag", Usage: "tag `NAME=VALUE` by which rules, silences and lists choose; may be repeated"}),
		}, judgingFlags()...)
	}
	return &cli.Command{
		Name:      "add",
		Aliases:   []string{"create"},
		ArgsUsage: cmdline.Nothing,
		Usage:     "save a monitor and start it",
		UsageText: "netmon add KIND TARGET [--name NAME] [--every 10s] [--on all] [options]",
		Description: "Saves a monitor and starts it on its agents. A monitor that exists is left alone: change\nit with set, edit or apply.\n\n" +
			"   netmon add https example.com --every 30s\n   netmon add tcp db1:5432 --name db --on region=eu --quorum 2 --depends-on gateway\n   netmon add icmp 192.0.2.7 --on '3 of region=eu'\n   netmon add dns --help",
		Subcommands: kindCommands(flags, "add", add),
		Action:      unknownKind,
	}
}

func add(c *cli.Context, k probes.Kind) error {
	target, err := oneArg(c, "target")
	if err != nil {
		return err
	}
	var p wire.Problems
	options, err := optionsFromFlags(c, k)
	p.Add("", err)
	for _, name := range []string{"every", "timeout"} {
		if c.IsSet(name) && c.Duration(name) == 0 {
			p.Addf("--"+name, "want more than 0, got %q: leave it out for the default", cmdline.Typed(c, name))
		}
	}
	m := wire.Saved{Monitor: wire.Monitor{
		Name: c.String("name"), Kind: k.Name, Target: target,
		Every: wire.Duration(c.Duration("every")), Timeout: wire.Duration(c.Duration("timeout")), Options: options,
	}}
	if m.Name == "" {
		m.Name = draft.DefaultName(k.Name, target)
	}
	m.Agents, err = wire.ParsePlacement(c.String("on"))
	p.Add("--on", err)
	if c.IsSet("except") {
		m.Except, err = wire.ParseSelectors(c.String("except"))
		p.Add("--except", err)
	}
	p.Add("", judgingOf(c, &m))
	m.Tags, err = console.ParseTags("--tag", c.StringSlice("tag"), false)
	p.Add("", err)
	p.Add("", kinds.All().CheckMonitor(m.Monitor))
	if err := p.Err(); err != nil {
		return usage("%w", cmdline.AsTyped(c, err))
	}
	warnPlain(c.App.ErrWriter, m)
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		o, err := opsOf(cl).Add(ctx, m)
		return report(c.App.Writer, o, err)
	})
}

// opsOf makes changes over a connection.
func opsOf(cl *console.Client) *console.Ops { return cl.Ops(checks()) }

// checks are the rules of the kinds that there are, of monitors and of channels.
func checks() console.Checks {
	return console.Checks{Monitor: kinds.All().CheckMonitor, Channel: notify.Check}
}

// report prints what came of an operation. The error says, too, whether an agent
// that is there did not do as asked.
func report(w io.Writer, o console.Outcome, err error) error {
	if err != nil {
		return err
	}
	o.Lines(w)
	err = o.Err()
	if _, refused := errors.AsType[*console.RefusedError](err); refused {
		return exit.With(exitNo, err)
	}
	return err
}

func deleteCommand() *cli.Command {
	return &cli.Command{
		Name:        "delete",
		Aliases:     []string{"rm", "remove"},
		ArgsUsage:   cmdline.Monitors,
		Usage:       "delete saved monitors and stop them everywhere; or channels, rules, windows, groups, silences",
		UsageText:   "netmon delete NAME... [--tag team=shop] [--yes], netmon delete channel|rule|window|group|silence NAME...",
		Description: "Asks before it deletes several that a glob such as 'svc-*' or --tag chose, and before\none goes that others depend on (depends_on in a file) or that a group names: these\nare then judged without it. netmon rollback brings a deleted monitor back. A monitor\nwith a name such as channel: netmon delete -- NAME.",
		Flags:       append(yesFlags(), brokerFlag(), tagFlag()),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 && !c.IsSet("tag") {
				return usage("want the names of monitors, globs such as 'svc-*', or --tag: %s", c.Command.UsageText)
			}
			return eachMonitor(c, func(ops *console.Ops, ctx context.Context, name string, all []string) (console.Outcome, error) {
				return deleteOne(ctx, c, ops, name, all)
			}, nil)
		},
		Subcommands: deleteSettingCommands(),
	}
}

// deleteOne deletes a monitor, and asks first where others depend on it that are not
// deleted with it.
func deleteOne(ctx context.Context, c *cli.Context, ops *console.Ops, name string, all []string) (console.Outcome, error) {
	o, err := ops.Delete(ctx, name, console.DeleteOptions{Anyway: c.Bool("yes")})
	needed, ok := errors.AsType[*console.DependentsError](err)
	if !ok {
		return o, err
	}
	stays := func(child string) bool { return !slices.Contains(all, child) }
	if slices.ContainsFunc(needed.By, stays) {
		if err := confirm(c, needed.Error()+": delete it anyway"); err != nil {
			return o, err
		}
	}
	return ops.Delete(ctx, name, console.DeleteOptions{Anyway: true})
}

// eachMonitor changes every monitor that is named, or chosen by tags; one that cannot
// be changed does not keep the others from it. Nothing is changed where on chooses an agent
// that nobody knows.
func eachMonitor(c *cli.Context, change func(ops *console.Ops, ctx context.Context, name string, all []string) (console.Outcome, error), on wire.Selectors) error {
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		all, err := chosenMonitors(ctx, c, cl)
		if err != nil {
			return err
		}
		if len(on) > 0 {
			err := cl.CheckAgents(ctx, on, all)
			if _, unknown := errors.AsType[*console.UnknownAgentError](err); unknown {
				return usage("--on: %w; for an agent that is still to join, add --yes", err)
			}
			if err != nil {
				return err
			}
		}
		if err := confirmSeveral(c, all); err != nil {
			return err
		}
		var errs []error
		for _, name := range all {
			o, err := change(opsOf(cl), ctx, name, all)
			errs = append(errs, report(c.App.Writer, o, err))
			if errors.Is(err, console.ErrUnreachable) {
				break
			}
		}
		return errors.Join(errs...)
	})
}

func startCommand() *cli.Command {
	return &cli.Command{
		Name:      "start",
		ArgsUsage: cmdline.Monitors,
		Usage:     "run saved monitors, everywhere they belong or on more agents",
		UsageText: "netmon start NAME... [--tag team=shop] [--on paris,tokyo | --on all | --on region=eu]",
		Description: "Without --on, a paused monitor runs again where it ran. With --on it also runs there;\na paused one then runs only there. " +
			"The change is saved: an agent that is\naway starts it when it is back. Asks before several change that a glob or --tag chose.",
		Flags:  append(yesFlags(), brokerFlag(), tagFlag(), onFlag()),
		Action: func(c *cli.Context) error { return changePlacement(c, (*console.Ops).Start, false) },
	}
}

func stopCommand() *cli.Command {
	return &cli.Command{
		Name:        "stop",
		ArgsUsage:   cmdline.Monitors,
		Usage:       "stop saved monitors, everywhere or on some agents",
		UsageText:   "netmon stop NAME... [--tag team=shop] [--on paris,tokyo | --on all | --on region=eu]",
		Description: "Without --on, or with --on all, the monitor is paused and keeps its placement. The\nchange is saved, so it also holds for agents that are away. Asks\nbefore several change that a glob or --tag chose. --on may name an agent that has not\njoined yet with --yes.",
		Flags:       append(yesFlags(), brokerFlag(), tagFlag(), onFlag()),
		Action:      func(c *cli.Context) error { return changePlacement(c, (*console.Ops).Stop, true) },
	}
}

func onFlag() cli.Flag {
	return cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "on", Usage: "`AGENTS`: all, ids, or label=value, by commas"})
}

// changePlacement changes where monitors run. Starting one on an agent that nobody knows
// says so, and it starts when the agent joins; that it does not run on such an agent would
// look like success, so it is refused where known says that agents must be known.
func changePlacement(c *cli.Context, change func(*console.Ops, context.Context, string, wire.Selectors) (console.Outcome, error), known bool) error {
	if c.NArg() == 0 && !c.IsSet("tag") {
		return usage("want the names of monitors, globs such as 'svc-*', or --tag: %s", c.Command.UsageText)
	}
	var on wire.Selectors
	if c.IsSet("on") {
		var err error
		if on, err = wire.ParsePlacement(c.String("on")); err != nil {
			return usage("--on: %w", err)
		}
		if on.IsSome() {
			return usage("--on: %s takes agents, not a number of them, got %q: netmon set NAME agents=%q places a monitor on so many", c.Command.Name, on, on)
		}
	}
	var checked wire.Selectors
	if known && !c.Bool("yes") {
		checked = on
	}
	return eachMonitor(c, func(ops *console.Ops, ctx context.Context, name string, _ []string) (console.Outcome, error) {
		return change(ops, ctx, name, on)
	}, checked)
}
