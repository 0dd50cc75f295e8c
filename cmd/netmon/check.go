package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/judge"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		ArgsUsage: cmdline.Monitor,
		Usage:     "check the state of a monitor or a group, as a Nagios plugin",
		UsageText: "netmon check NAME [--broker URL] [--timeout 15s]",
		Description: "One line with performance data, for Nagios, Icinga, Checkmk or Zabbix. Exit 0: up,\n1: degraded, which is slow, or down for fewer agents than its quorum, 2: down, 3: unknown,\n" +
			"paused, or it could not be found out. A gap is unknown, never up.\n\n   netmon check web --broker nats://10.0.0.1:4222",
		Flags: []cli.Flag{brokerFlag(), &cli.DurationFlag{Name: "timeout", Value: 15 * time.Second, Usage: "give up after this `DURATION`"}},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "name of a monitor")
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				ctx, cancel := context.WithTimeout(ctx, c.Duration("timeout"))
				defer cancel()
				s, err := cl.StatusOf(ctx, name)
				if err != nil {
					return err
				}
				line, code := output.PluginLine(s)
				fmt.Fprintln(c.App.Writer, line)
				if code == output.PluginOK {
					return nil
				}
				return exit.With(code, nil)
			})
		},
	}
}

// isCheck says whether this command line is one of check, whose failures of
// every kind are unknown to Nagios.
func isCheck(app *cli.App, args []string) bool {
	at := cmdline.FirstWord(app, args)
	return at < len(args) && args[at] == "check"
}

// waitable lists the states that one can wait for.
func waitable() []string {
	var words []string
	for _, s := range []judge.State{judge.Up, judge.Degraded, judge.Down, judge.Paused, judge.Unknown} {
		words = append(words, s.String())
	}
	return words
}

func waitCommand() *cli.Command {
	return &cli.Command{
		Name:        "wait",
		ArgsUsage:   cmdline.Monitors,
		Usage:       "wait until monitors or groups are in a state",
		UsageText:   "netmon wait NAME... [--tag team=shop] [--for up] [--timeout 30s]",
		Description: "Exit 0: they are, 4: not within the timeout.\n\n   netmon add https example.com --name web && netmon wait web --for up --timeout 30s",
		Flags: []cli.Flag{brokerFlag(), tagFlag(),
			cmdline.Takes(cmdline.OneOf(waitable()...), &cli.StringFlag{Name: "for", Value: judge.Up.String(), Usage: "the `STATE`: " + strings.Join(waitable(), ", ")}),
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Second, Usage: "give up after this `DURATION`"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 && !c.IsSet("tag") {
				return usage("want the names of monitors or groups, globs such as 'svc-*', or --tag: %s", c.Command.UsageText)
			}
			var want judge.State
			if err := want.UnmarshalText([]byte(c.String("for"))); err != nil {
				return usage("--for: want one of %s, got %q", strings.Join(waitable(), ", "), c.String("for"))
			}
			if err := checkNames(c.Args().Slice()); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				ctx, cancel := context.WithTimeout(ctx, c.Duration("timeout"))
				defer cancel()
				names, err := chosenMonitors(ctx, c, cl)
				if err != nil {
					return err
				}
				groups, err := cl.SavedGroups(ctx)
				if err != nil {
					return err
				}
				model := cl.Model(console.ModelOptions{Names: names, Groups: groups, Parts: console.PartStates})
				ctx, stop := context.WithCancel(ctx)
				var following sync.WaitGroup
				defer following.Wait()
				defer stop()
				following.Go(func() { model.Run(ctx) })
				for _, name := range names {
					if err := waitFor(ctx, c, model, name, want); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// waitFor waits until a monitor is in a state: what that is may change by a result,
// by its absence, or by what another console saves.
func waitFor(ctx context.Context, c *cli.Context, model *console.Model, name string, want judge.State) error {
	is, err := model.AwaitState(ctx, name, want)
	switch {
	case err == nil:
		fmt.Fprintf(c.App.Writer, "%s is %s\n", name, want)
		return nil
	case c.Context.Err() != nil:
		return context.Canceled
	case !errors.Is(err, context.DeadlineExceeded):
		return err
	}
	last := "is not known"
	if is.Monitor != "" {
		last = "is " + is.State.String()
		if is.Why != "" {
			last += ": " + console.WhyText(is.Why, is.Verdict)
		}
	}
	if why := model.Trouble(); why != "" {
		last += "; " + console.PrintableText(why)
	}
	for _, a := range is.Agents {
		if a.Why != "" && a.Why != is.Why {
			last += "; " + a.Agent + ": " + console.Printable(a.Why)
		}
	}
	return exit.With(exitTimeout, fmt.Errorf("%s is not %s after %v: it %s", name, want, c.Duration("timeout"), last))
}
