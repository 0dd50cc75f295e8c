package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/probes"
	"netmon/wire"
)

// probeFrom measures once on each agent that --from chooses, all at the same
// time, and prints each answer as it lands. It succeeds when all of them were ok.
func probeFrom(c *cli.Context, m wire.Monitor) error {
	from, err := wire.ParseSelectors(c.String("from"))
	if err != nil {
		return usage("--from: %w", err)
	}
	form := c.String("output")
	if form != "" && form != "text" && form != "json" {
		return usage("--output: want text or json, got %q", form)
	}
	if c.Bool("explain") {
		return usage("--explain tells the steps of a measurement here: leave out --from")
	}
	if err := probes.CheckMonitor(m); err != nil {
		return usage("%w", err)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		agents, err := cl.Agents(ctx)
		if err != nil {
			return err
		}
		chosen := choose(agents, from)
		if len(chosen) == 0 {
			return fmt.Errorf("--from %s chooses none of the %d agents of the last day: `netmon get agents` lists them", from, len(agents))
		}
		line := console.Line{Styles: styles(c.App.Writer), Alone: true}
		var results []wire.Result
		bad := 0
		askAll(ctx, cl, chosen, m, func(a console.Agent, r wire.Result, err error) {
			if err != nil || r.Outcome != wire.OK {
				bad++
			}
			switch {
			case err != nil:
				fmt.Fprintf(c.App.ErrWriter, "%s: %s\n", a.Agent, console.PrintableText(err.Error()))
			case form == "json":
				results = append(results, r)
			default:
				fmt.Fprintln(c.App.Writer, line.Format(r))
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if form == "json" {
			if err := emit(c.App.Writer, form, "Results", results); err != nil {
				return err
			}
		}
		if bad > 0 {
			return &codedError{exitNo, fmt.Errorf("%d of %d agents: not ok", bad, len(chosen))}
		}
		return nil
	})
}

// choose returns the agents that are selected. One that is named and was not
// seen is asked all the same: it may just have come.
func choose(agents []console.Agent, from wire.Selectors) []console.Agent {
	var out []console.Agent
	seen := map[string]bool{}
	for _, a := range agents {
		seen[a.Agent] = true
		if from.Match(a.Agent, a.Labels) && (a.Online || !a.Leaving || from.Match(a.Agent, nil) && !strings.Contains(from.String(), wire.Everywhere)) {
			out = append(out, a)
		}
	}
	for _, id := range from.IDs() {
		if !seen[id] {
			out = append(out, console.Agent{Alive: wire.Alive{Agent: id}})
		}
	}
	return out
}

// askAll has all agents measure m at once and calls take, one at a time, with
// what each of them answered.
func askAll(ctx context.Context, cl *console.Client, agents []console.Agent, m wire.Monitor, take func(console.Agent, wire.Result, error)) {
	ctx, cancel := context.WithTimeout(ctx, m.Timeout.Std()+5*time.Second)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, a := range agents {
		wg.Go(func() {
			reply, err := cl.Command(ctx, a.Agent, wire.Command{Op: wire.OpProbe, Monitors: []wire.Monitor{m}})
			var r wire.Result
			switch {
			case errors.Is(err, nats.ErrNoResponders):
				err = errors.New("is offline")
				if !a.Seen.IsZero() {
					err = fmt.Errorf("is offline, last seen %s", ago(a.Seen))
				}
			case errors.Is(err, context.DeadlineExceeded):
				err = errors.New("did not answer in time")
			case err != nil:
			case reply.Error != nil:
				err = fmt.Errorf("refused: %w", reply.Error)
			case reply.Result == nil:
				err = errors.New("answered without a result")
			default:
				r = *reply.Result
			}
			mu.Lock()
			defer mu.Unlock()
			take(a, r, err)
		})
	}
	wg.Wait()
}
