package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/judge"
	"netmon/probes"
	"netmon/wire"
)

// fromFlags make a probe run on agents instead of here.
func fromFlags() []cli.Flag {
	const category = "on agents:"
	return []cli.Flag{
		cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "from", Category: category, Usage: "measure on these `AGENTS`: all, ids, or label=value, by commas"}),
		&cli.IntFlag{Name: "times", Aliases: []string{"c"}, Value: 1, Category: category, Usage: "measure `N` times on each agent"},
		&cli.DurationFlag{Name: "every", Value: time.Second, Category: category, Usage: "begin one run in each `DURATION`"},
		cmdline.Takes(cmdline.OneOf("any", "all"), &cli.StringFlag{Name: "need", Value: "all", Category: category, Usage: "exit 0 when the target is fine from `HOW-MANY` agents: any, all, or a number"}),
	}
}

// probeFrom measures on every agent that --from chooses.
func probeFrom(c *cli.Context, k probes.Kind, target string, options json.RawMessage) error {
	m := wire.Monitor{Name: "probe", Kind: k.Name, Target: target, Options: options,
		Every: wire.Duration(wire.MaxEvery), Timeout: wire.Duration(c.Duration("timeout"))}
	var p wire.Problems
	p.Add("", probes.CheckMonitor(m))
	times := c.Int("times")
	if times < 1 {
		p.Addf("--times", "want 1 or more, got %d", times)
	}
	if _, err := needed(c.String("need"), 1); err != nil {
		p.Add("--need", err)
	}
	switch c.String("output") {
	case "", "text", "json", "ndjson":
	default:
		p.Addf("--output", "want text, json or ndjson, got %q", c.String("output"))
	}
	if err := p.Err(); err != nil {
		return usage("%w", err)
	}
	sel, err := wire.ParseSelectors(c.String("from"))
	if err != nil {
		return usage("--from: %w", err)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		agents, err := cl.Agents(ctx)
		if err != nil {
			return err
		}
		online, away := chosenBy(sel, agents)
		if len(online)+len(away) == 0 {
			return fmt.Errorf("--from %s chooses no agent: netmon get agents lists them", c.String("from"))
		}
		most := len(online) + len(away)
		need, _ := needed(c.String("need"), most)
		if need > most {
			return usage("--need %d: --from %s chooses only %d agents", need, c.String("from"), most)
		}
		r := probeReport{c: c, times: times, by: map[string]*tally{}}
		cl.Probe(ctx, online, m, times, c.Duration("every"), r.take)
		if ctx.Err() != nil && len(r.by) == 0 {
			return context.Canceled
		}
		if err := r.end(online, away, ctx.Err() != nil); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Canceled
		}
		if fine := r.fine(); fine < need {
			return exit.With(exitNo, nil)
		}
		return nil
	})
}

// needed is how many agents must find the target fine.
func needed(text string, all int) (int, error) {
	switch text {
	case "all":
		return all, nil
	case "any":
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("want any, all or a number of 1 or more, got %q", text)
	}
	return n, nil
}

// chosenBy parts the agents that selectors choose into those that are there
// and those that are not. One that left on purpose is chosen by name only.
func chosenBy(sel wire.Selectors, agents []console.Agent) (online, away []string) {
	for _, a := range agents {
		switch {
		case !sel.Match(a.Agent, a.Labels):
		case a.Online:
			online = append(online, a.Agent)
		case !a.Leaving || slices.Contains(sel, a.Agent):
			away = append(away, a.Agent)
		}
	}
	for _, id := range sel.IDs() {
		if !slices.ContainsFunc(agents, func(a console.Agent) bool { return a.Agent == id }) {
			away = append(away, id)
		}
	}
	return online, away
}

// tally is what one agent found.
type tally struct {
	runs, ok int
	took     []time.Duration // of the runs with a figure
}

// probeReport prints results as they land, and statistics at the end.
type probeReport struct {
	c     *cli.Context
	times int
	by    map[string]*tally
	line  console.Line
	all   []wire.Result
	err   error // of writing
}

func (r *probeReport) take(a console.Asked) {
	t := r.by[a.Agent]
	if t == nil {
		t = &tally{}
		r.by[a.Agent] = t
	}
	t.runs++
	w := r.c.App.Writer
	if a.Err != nil {
		fmt.Fprintf(r.c.App.ErrWriter, "%s: run %d: %s\n", a.Agent, a.Run, console.Printable(a.Err.Error()))
		return
	}
	res := *a.Result
	res.Agent, res.Monitor = a.Agent, res.Kind
	if judge.OfResult(&res) == judge.Up {
		t.ok++
		if d, ok := res.Latency(); ok {
			t.took = append(t.took, d)
		}
	}
	var err error
	switch r.c.String("output") {
	case "json":
		r.all = append(r.all, res)
	case "ndjson":
		var data []byte
		if data, err = console.JSONLine(res); err == nil {
			_, err = w.Write(data)
		}
	default:
		r.line.Styles, r.line.Alone = styles(w), true
		_, err = fmt.Fprintln(w, r.line.Format(res))
	}
	if r.err == nil {
		r.err = err
	}
}

// end lists what did not come, and the statistics of what came. cut says that
// not all runs were made.
func (r *probeReport) end(online, away []string, cut bool) error {
	talk := r.c.App.ErrWriter
	for _, id := range away {
		fmt.Fprintf(talk, "%s: is offline\n", id)
	}
	switch r.c.String("output") {
	case "json":
		return emit(r.c.App.Writer, "json", "Results", r.all)
	case "ndjson":
		return r.err
	}
	if r.err != nil {
		return r.err
	}
	if r.times > 1 && len(r.by) > 0 {
		r.statistics(r.c.App.Writer, online)
	}
	until := ""
	if cut {
		until = " until it was interrupted"
	}
	_, err := fmt.Fprintf(r.c.App.Writer, "fine from %d of %d agents%s\n", r.fine(), len(online)+len(away), until)
	return err
}

func (r *probeReport) statistics(w io.Writer, online []string) {
	type row struct {
		agent string
		*tally
	}
	var rows []row
	for _, id := range online {
		if t := r.by[id]; t != nil {
			slices.Sort(t.took)
			rows = append(rows, row{id, t})
		}
	}
	at := func(part float64) func(row) string {
		return func(t row) string {
			if len(t.took) == 0 {
				return "-" // nothing was measured
			}
			return console.Short(t.took[int(part*float64(len(t.took)-1)+0.5)])
		}
	}
	fmt.Fprintln(w)
	writeTable(w, []column[row]{
		{"AGENT", func(t row) string { return t.agent }},
		{"RUNS", func(t row) string { return strconv.Itoa(t.runs) }},
		{"OK", func(t row) string { return strconv.Itoa(t.ok) }},
		{"LEAST", at(0)}, {"MEDIAN", at(0.5)}, {"MOST", at(1)},
	}, rows)
}

// fine counts the agents that found the target fine in every run so far.
func (r *probeReport) fine() int {
	n := 0
	for _, t := range r.by {
		if t.ok == t.runs {
			n++
		}
	}
	return n
}
