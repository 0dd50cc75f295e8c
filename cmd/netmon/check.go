package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/judge"
	"netmon/wire"
)

// Exit codes of check: those of Nagios plugins, not ours.
const (
	nagiosOK = iota
	nagiosWarning
	nagiosCritical
	nagiosUnknown
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		ArgsUsage: cmdline.Monitor,
		Usage:     "say how a monitor stands, as a plugin of Nagios",
		UsageText: "netmon check NAME [--broker URL] [--timeout 15s]",
		Description: "One line with performance data, for Nagios, Icinga, Checkmk or Zabbix. Exit 0: up\non every agent that runs it, 1: slow, or up on some only, 2: down, 3: unknown, paused, " +
			"or it could\nnot be found out. A gap is unknown, never up.\n\n   netmon check web --broker nats://10.0.0.1:4222",
		Flags: []cli.Flag{brokerFlag(), &cli.DurationFlag{Name: "timeout", Value: 15 * time.Second, Usage: "give up after this `DURATION`"}},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "name of a monitor")
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				ctx, cancel := context.WithTimeout(ctx, c.Duration("timeout"))
				defer cancel()
				s, err := cl.Status(ctx, name)
				if err != nil {
					return err
				}
				line, code := nagios(s)
				fmt.Fprintln(c.App.Writer, line)
				if code == nagiosOK {
					return nil
				}
				return exit.With(code, nil)
			})
		},
	}
}

// nagios is the line and the exit code of a plugin.
func nagios(s console.Status) (line string, code int) {
	word, code := "UNKNOWN", nagiosUnknown
	switch s.State {
	case judge.Up:
		word, code = "OK", nagiosOK
	case judge.Degraded:
		word, code = "WARNING", nagiosWarning
	case judge.Down:
		word, code = "CRITICAL", nagiosCritical
	}
	up := 0
	var perf, why []string
	for _, a := range s.Agents {
		if a.State == judge.Up {
			up++
		} else {
			why = append(why, a.Agent+" "+a.State.String()+", "+a.Why)
		}
		if a.Result == nil {
			continue
		}
		if d, ok := a.Result.Latency(); ok {
			perf = append(perf, fmt.Sprintf("'latency %s'=%.6fs;;;0", a.Agent, d.Seconds()))
		}
		if a.Result.Loss != nil {
			perf = append(perf, fmt.Sprintf("'loss %s'=%.4g%%;;;0;100", a.Agent, 100**a.Result.Loss))
		}
	}
	text := fmt.Sprintf("%s %s: %s, %d of %d agents up", word, s.Monitor, s.State, up, len(s.Agents))
	if s.State == judge.Paused {
		text = fmt.Sprintf("%s %s: paused", word, s.Monitor)
	}
	if len(why) > 0 {
		text += ": " + strings.Join(why, "; ")
	}
	perf = append(perf, fmt.Sprintf("up=%d;;;0;%d", up, len(s.Agents)))
	// A bar would begin the performance data.
	return strings.ReplaceAll(console.Printable(text), "|", "/") + " | " + strings.Join(perf, " "), code
}

// isCheck says whether this command line is one of check, whose failures of
// every kind are unknown to Nagios.
func isCheck(args []string) bool { return len(args) > 1 && args[1] == "check" }

func tellNagios(w io.Writer, err error) int {
	first, _, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintln(w, "UNKNOWN", strings.ReplaceAll(console.Printable(first), "|", "/"))
	return nagiosUnknown
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
		Usage:       "wait until monitors stand as wanted",
		UsageText:   "netmon wait NAME... [--for up] [--timeout 30s]",
		Description: "Exit 0: they do, 4: not within the timeout.\n\n   netmon add https example.com --name web && netmon wait web --for up --timeout 30s",
		Flags: []cli.Flag{brokerFlag(),
			cmdline.Takes(cmdline.OneOf(waitable()...), &cli.StringFlag{Name: "for", Value: judge.Up.String(), Usage: "the `STATE`: " + strings.Join(waitable(), ", ")}),
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Second, Usage: "give up after this `DURATION`"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage("want the names of monitors: %s", c.Command.UsageText)
			}
			var want judge.State
			if err := want.UnmarshalText([]byte(c.String("for"))); err != nil {
				return usage("--for: want one of %s, got %q", strings.Join(waitable(), ", "), c.String("for"))
			}
			for _, name := range c.Args().Slice() {
				if err := wire.CheckToken(name); err != nil {
					return usage("name %w", err)
				}
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				ctx, cancel := context.WithTimeout(ctx, c.Duration("timeout"))
				defer cancel()
				model := cl.Model(console.ModelOptions{Names: c.Args().Slice()})
				ctx, stop := context.WithCancel(ctx)
				var following sync.WaitGroup
				defer following.Wait()
				defer stop()
				following.Go(func() { model.Run(ctx) })
				for _, name := range c.Args().Slice() {
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
	}
	if why := model.Trouble(); why != "" {
		last += "; " + console.PrintableText(why)
	}
	for _, a := range is.Agents {
		if a.Why != "" {
			last += "; " + a.Agent + ": " + console.Printable(a.Why)
		}
	}
	return exit.With(exitTimeout, fmt.Errorf("%s is not %s after %v: it %s", name, want, c.Duration("timeout"), last))
}
