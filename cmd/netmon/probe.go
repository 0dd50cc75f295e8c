package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/probes"
	"netmon/wire"
)

func probeCommand() *cli.Command {
	flags := func() []cli.Flag {
		return append([]cli.Flag{
			&cli.DurationFlag{Name: "timeout", Value: wire.DefaultTimeout, Usage: "give up after this `DURATION`"},
			&cli.BoolFlag{Name: "explain", Usage: "print every step with its time, and why the outcome is what it is"},
			outputFlag("text", "json", "ndjson"),
			brokerFlag(),
		}, fromFlags()...)
	}
	cmd := &cli.Command{
		Name:      "probe",
		ArgsUsage: cmdline.Nothing,
		Usage:     "measure now, here without a broker, or from agents",
		UsageText: "netmon probe KIND TARGET [--from AGENTS] [options]",
		Description: "Measures TARGET once, or -c times, here and prints what was learned. With --from, agents\nmeasure, and each answer is shown as it arrives; agents that are away are listed.\n" +
			"Nothing is saved. Exit 0: the target is fine, 1: it is not, or could not be\nmeasured, 2: wrong use.\n\n" +
			"   netmon probe https example.com\n   netmon probe https example.com --from region=eu -c 5 --need any\n   netmon probe icmp 127.0.0.1 -c 5\n   netmon probe tcp localhost:22 --explain\n   netmon probe http --help",
		Subcommands: kindCommands(flags, "probe", probeNow),
		Action:      unknownKind,
	}
	for _, kind := range cmd.Subcommands {
		if cmdline.Find(kind.Flags, "count") == nil { // the kind has no option of this name
			times := slices.IndexFunc(kind.Flags, func(f cli.Flag) bool { return f.Names()[0] == "times" })
			kind.Flags[times].(*cli.IntFlag).Aliases = []string{"c", "count"}
		}
		kind.Before = func(c *cli.Context) error {
			if c.IsSet("from") {
				return decideEndpoint(c)
			}
			return nil // here, and nobody is asked
		}
	}
	return cmd
}

// probeNow measures once and prints as it goes.
func probeNow(c *cli.Context, k probes.Kind) error {
	target, err := oneArg(c, "target")
	if err != nil {
		return err
	}
	options, err := optionsFromFlags(c, k)
	if err != nil {
		return err
	}
	timeout := c.Duration("timeout")
	if timeout <= 0 {
		return usage("--timeout: want more than 0, got %q", cmdline.Typed(c, "timeout"))
	}
	env := &probes.Env{}
	defer env.Close()
	check, err := k.New(env, target, options)
	if err != nil {
		return usage("%w", err)
	}
	if !c.IsSet("timeout") { // the last answer gets as much time as the only one
		timeout += check.Sends()
		if err := c.Set("timeout", timeout.String()); err != nil {
			return err
		}
	}
	if c.IsSet("from") {
		if c.Bool("explain") {
			return usage("--explain: agents do not tell their steps: without --from, it is measured here")
		}
		return probeFrom(c, k, target, options)
	}
	if c.IsSet("need") {
		return usage("--need: counts agents: add --from AGENTS")
	}
	if n := c.Int("times"); n != 1 {
		return probeTimes(c, k, check, timeout, n)
	}
	if c.IsSet("every") {
		return usage("--every: is for several runs: add -c N")
	}
	if err := check.FitsIn(timeout, wire.MaxEvery); err != nil {
		return usage("%w", err)
	}
	out := console.Escaper{W: c.App.Writer}
	switch form := c.String("output"); form {
	case "json", "ndjson":
		r := check.Run(c.Context, timeout, nil)
		if c.Context.Err() != nil {
			return context.Canceled
		}
		encode := output.JSONLine
		if form == "json" {
			encode = output.JSONText
		}
		data, err := encode(r)
		if err != nil {
			return err
		}
		if _, err := c.App.Writer.Write(data); err != nil {
			return err
		}
		return outcomeError(r)
	case "", "text":
	default:
		return usage("--output: want text, json or ndjson, got %q", form)
	}

	var mu sync.Mutex // steps come from any goroutine
	explain := c.Bool("explain")
	r := check.Run(c.Context, timeout, func(s probes.Step) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case explain:
			fmt.Fprintf(out, "%12s  %s\n", "+"+console.Short(s.At), s.Text)
		case s.Live:
			fmt.Fprintln(out, s.Text)
		}
	})
	mu.Lock()
	defer mu.Unlock()
	if c.Context.Err() != nil {
		return context.Canceled
	}
	if explain {
		fmt.Fprintln(out)
	}
	if len(r.Details) > 0 {
		if err := k.Report(r.Details, out); err != nil {
			return err
		}
	}
	console.Measured(c.App.Writer, styles(c.App.Writer), r)
	return outcomeError(r)
}

func outcomeError(r wire.Result) error {
	if r.Outcome == wire.OK {
		return nil
	}
	return exit.With(exitNo, nil)
}
