package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/internal/plural"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// fromFlags make a probe run on agents instead of here.
func fromFlags() []cli.Flag {
	const category = "how often, and where:"
	return []cli.Flag{
		cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "from", Category: category, Usage: "measure on these `AGENTS`: all, ids, or label=value, by commas; or some of these, such as '3 of region=eu'"}),
		&cli.IntFlag{Name: "times", Aliases: []string{"c"}, Value: 1, Category: category, Usage: "measure `N` times, on each agent with --from"},
		&cli.DurationFlag{Name: "every", Value: time.Second, Category: category, Usage: "begin one run in each `DURATION`"},
		cmdline.Takes(cmdline.OneOf("any", "all"), &cli.StringFlag{Name: "need", Value: "all", Category: category, Usage: "exit 0 when the target is fine from `HOW-MANY` agents: any, all, or a number"}),
	}
}

// probeFrom measures on every agent that --from chooses.
func probeFrom(c *cli.Context, k probes.Kind, target string, options json.RawMessage) error {
	m := wire.Monitor{Name: "probe", Kind: k.Name, Target: target, Options: options,
		Every: wire.Duration(wire.MaxEvery), Timeout: wire.Duration(c.Duration("timeout"))}
	var p wire.Problems
	p.Add("", kinds.All().CheckMonitor(m))
	times := c.Int("times")
	if times < 1 {
		p.Addf("--times", "want 1 or more, got %d", times)
	}
	need, err := console.ParseNeed(c.String("need"))
	p.Add("--need", err)
	p.Add("--output", checkProbeForm(c))
	if err := p.Err(); err != nil {
		return usage("%w", err)
	}
	sel, err := wire.ParsePlacement(c.String("from"))
	if err != nil {
		return usage("--from: %w", err)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		r := probeReport{c: c, line: console.Line{Alone: true}}
		got, err := opsOf(cl).Probe(ctx, console.Probing{Monitor: wire.Saved{Monitor: m, Agents: sel}, Times: times, Every: c.Duration("every"), Need: need}, r.print)
		switch few := (*console.NeedError)(nil); {
		case errors.Is(err, console.ErrNoAgent):
			return fmt.Errorf("--from %s chooses no agent: netmon get agents lists them", c.String("from"))
		case errors.As(err, &few):
			return usage("--need %d: --from %s chooses only %s", few.Need, c.String("from"), plural.Count(few.Agents, "agent", "agents"))
		case err != nil:
			return err
		case got.Cut && len(got.Tallies) == 0:
			return context.Canceled
		}
		if err := r.sum(got); err != nil {
			return err
		}
		switch {
		case got.Cut:
			return context.Canceled
		case got.Fine() < got.Need:
			return exit.With(exitNo, nil)
		}
		return nil
	})
}

// print prints one answer.
func (r *probeReport) print(a console.Asked) {
	if a.Err != nil {
		fmt.Fprintf(r.c.App.ErrWriter, "%s: run %d: %s\n", a.Agent, a.Run, console.Printable(a.Err.Error()))
		return
	}
	res := *a.Result
	res.Agent, res.Monitor = a.Agent, res.Kind
	r.show(res)
}

// sum lists what did not come, and the statistics of what came.
func (r *probeReport) sum(got console.Probed) error {
	w := r.c.App.Writer
	for _, id := range got.Away {
		fmt.Fprintf(r.c.App.ErrWriter, "%s: is offline\n", id)
	}
	if err := r.end(); err != nil || !r.lines() {
		return err
	}
	if r.c.Int("times") > 1 && len(got.Tallies) > 0 {
		fmt.Fprintln(w)
		err := output.Listing[console.Tally]{Items: got.Tallies, Columns: []output.Column[console.Tally]{
			{Title: "AGENT", Cell: func(t console.Tally) string { return t.Agent }},
			{Title: "RUNS", Cell: func(t console.Tally) string { return strconv.Itoa(t.Runs) }},
			{Title: "OK", Cell: func(t console.Tally) string { return strconv.Itoa(t.OK) }},
			{Title: "LEAST", Cell: func(t console.Tally) string { return t.At(0) }},
			{Title: "MEDIAN", Cell: func(t console.Tally) string { return t.At(0.5) }},
			{Title: "MOST", Cell: func(t console.Tally) string { return t.At(1) }},
		}}.Table(w, "table")
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, fineFrom(got))
	return err
}
