package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/internal/plural"
	"netmon/probes"
	"netmon/wire"
)

// probeTimes measures several times here: one line for each run, and what came of all.
func probeTimes(c *cli.Context, k probes.Kind, check *probes.Check, timeout time.Duration, times int) error {
	var p wire.Problems
	every := c.Duration("every")
	if times < 1 {
		p.Addf("--times", "want 1 or more, got %d", times)
	}
	if every <= 0 {
		p.Addf("--every", "want more than 0, got %q", cmdline.Typed(c, "every"))
	}
	p.Add("--output", checkProbeForm(c))
	p.Add("", check.FitsIn(timeout, wire.MaxEvery))
	if c.Bool("explain") {
		p.Add("--explain", errors.New("tells the steps of one run: leave out -c"))
	}
	if err := p.Err(); err != nil {
		return usage("%w", err)
	}
	report := probeReport{c: c, line: console.Line{Alone: true}}
	tally := console.Tally{Agent: "here"}
	next := time.NewTimer(0)
	defer next.Stop()
	for range times {
		select {
		case <-c.Context.Done():
		case <-next.C:
		}
		if c.Context.Err() != nil {
			break
		}
		next.Reset(every)
		r := check.Run(c.Context, timeout, nil)
		if c.Context.Err() != nil {
			break
		}
		r.Agent, r.Monitor = "here", k.Name
		tally.Add(r)
		report.show(r)
	}
	if err := report.end(); err != nil {
		return err
	}
	if report.lines() && tally.Runs > 0 {
		fmt.Fprintln(c.App.Writer, tallyText(tally))
	}
	switch {
	case c.Context.Err() != nil:
		return context.Canceled
	case tally.OK < tally.Runs:
		return exit.With(exitNo, nil)
	}
	return nil
}

// tallyText is what came of several runs, in a line.
func tallyText(t console.Tally) string {
	text := fmt.Sprintf("%d of %s ok", t.OK, plural.Count(t.Runs, "run", "runs"))
	if len(t.Took) > 0 {
		text += fmt.Sprintf(", %s least, %s median, %s most", t.At(0), t.At(0.5), t.At(1))
	}
	return text
}
