package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/internal/timetext"
	"netmon/wire"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		ArgsUsage: cmdline.Monitors,
		Usage:     "run saved monitors now, on the agents where they are placed",
		UsageText: "netmon run NAME... [--tag team=shop] [--on paris,tokyo | --on region=eu] [--need all]",
		Description: "Agents run the monitors at once, in addition to their schedule. Each result is shown\nas it arrives and stored like all others; agents that are away are listed.\n" +
			"Exit 0: the targets are fine, 1: one is not, or could not be measured, 2: wrong use.\n\n" +
			"   netmon run web\n   netmon run web db --on region=eu --need any",
		Flags: []cli.Flag{brokerFlag(), outputFlag("text", "json", "ndjson"), tagFlag(),
			cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "on", Usage: "only on these `AGENTS`: ids, or label=value, by commas"}),
			cmdline.Takes(cmdline.OneOf("any", "all"), &cli.StringFlag{Name: "need", Value: "all", Usage: "exit 0 when a target is fine from `HOW-MANY` agents: any, all, or a number"}),
		},
		Action: func(c *cli.Context) error {
			r, err := runsOf(c)
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) (err error) {
				if r.Monitors, err = chosenMonitors(ctx, c, cl); err != nil {
					return err
				}
				return runNow(ctx, c, cl, r)
			})
		},
	}
}

// runsOf reads the command line.
func runsOf(c *cli.Context) (r console.Runs, err error) {
	if c.NArg() == 0 && !c.IsSet("tag") {
		return r, usage("want the names of monitors, globs such as 'svc-*', or --tag: %s", c.Command.UsageText)
	}
	var p wire.Problems
	for _, name := range c.Args().Slice() {
		if !console.IsGlob(name) {
			p.Add("name", wire.CheckToken(name))
		}
	}
	if c.IsSet("on") {
		r.On, err = wire.ParseSelectors(c.String("on"))
		p.Add("--on", err)
	}
	r.Need, err = console.ParseNeed(c.String("need"))
	p.Add("--need", err)
	p.Add("--output", checkProbeForm(c))
	if err := p.Err(); err != nil {
		return r, usage("%w", err)
	}
	return r, nil
}

// runNow has agents run monitors, and prints what comes of it.
func runNow(ctx context.Context, c *cli.Context, cl *console.Client, r console.Runs) error {
	report := probeReport{c: c}
	report.line.Alone = len(r.Monitors) == 1
	got, err := opsOf(cl).Run(ctx, r, func(a console.Asked) {
		if a.Err != nil {
			fmt.Fprintf(c.App.ErrWriter, "%s: %s: %s\n", a.Agent, a.Monitor, console.Printable(a.Err.Error()))
			return
		}
		res := *a.Result
		if report.lines() {
			res.Asked = "" // they know
		}
		report.show(res)
	})
	switch few := (*console.NeedError)(nil); {
	case errors.Is(err, console.ErrNoAgent):
		return fmt.Errorf("%w: netmon show tells where a monitor runs", err)
	case errors.As(err, &few):
		return usage("--need %d: %w", few.Need, err)
	case err != nil:
		return err
	}
	fine := true
	for _, m := range got {
		for _, id := range m.Away {
			fmt.Fprintf(c.App.ErrWriter, "%s: %s: is offline\n", id, m.Monitor)
		}
		fine = fine && m.Fine() >= m.Need
	}
	if err := report.end(); err != nil {
		return err
	}
	if report.lines() {
		for _, m := range got {
			of := ""
			if !report.line.Alone {
				of = m.Monitor + ": "
			}
			if _, err := fmt.Fprintln(c.App.Writer, of+fineFrom(m.Probed)); err != nil {
				return err
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !fine:
		return exit.With(exitNo, nil)
	}
	return nil
}

// fineFrom says how many agents found a target fine.
func fineFrom(p console.Probed) string {
	until := ""
	if p.Cut {
		until = " until it was interrupted"
	}
	agents := "agents"
	if p.Agents == 1 {
		agents = "agent"
	}
	return fmt.Sprintf("fine from %d of %d %s%s", p.Fine(), p.Agents, agents, until)
}

// checkProbeForm refuses a form that results of probes do not have.
func checkProbeForm(c *cli.Context) error {
	switch form := c.String("output"); form {
	case "", "text", "json", "ndjson":
		return nil
	default:
		return fmt.Errorf("want text, json or ndjson, got %q", form)
	}
}

// probeReport prints results as they land.
type probeReport struct {
	c    *cli.Context
	line console.Line
	all  []wire.Result
	err  error // of writing

	begun bool // a line is printed, and before it the zone of all
}

// lines says that people read it.
func (r *probeReport) lines() bool {
	form := r.c.String("output")
	return form != "json" && form != "ndjson"
}

func (r *probeReport) show(res wire.Result) {
	w := r.c.App.Writer
	var err error
	switch r.c.String("output") {
	case "json":
		r.all = append(r.all, res)
	case "ndjson":
		var data []byte
		if data, err = output.JSONLine(res); err == nil {
			_, err = w.Write(data)
		}
	default:
		if !r.begun && invocationOf(r.c).session == nil { // a prompt shows the zone
			r.begun = true
			fmt.Fprintln(r.c.App.ErrWriter, "netmon: times are in", timetext.Zone(res.Started))
		}
		r.line.Styles = styles(w)
		_, err = fmt.Fprintln(w, r.line.Format(res))
	}
	if r.err == nil {
		r.err = err
	}
}

// end prints what is printed at once. The error is the first one of writing.
func (r *probeReport) end() error {
	if r.c.String("output") == "json" {
		_, err := output.List(r.c.App.Writer, "json", "Results", r.all)
		return err
	}
	return r.err
}
