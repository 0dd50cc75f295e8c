package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Tally is what one agent found.
type Tally struct {
	Agent    string
	Runs, OK int
	Took     []time.Duration // of the runs with a figure, the least first
	Last     Asked
}

// Probed is what came of a measurement.
type Probed struct {
	Tallies []Tally  // of the agents that answered, by id
	Away    []string // chosen, and not there
	Agents  int      // how many are chosen
	Need    int      // how many of them must find the target fine
	Cut     bool     // the context ended before all runs were made
}

// require sets how many agents must find the target fine.
func (p *Probed) require(n Need) error {
	p.Need = int(n)
	switch {
	case p.Agents == 0:
		return ErrNoAgent
	case n == NeedAll:
		p.Need = p.Agents
	case p.Need > p.Agents:
		return &NeedError{n, p.Agents}
	}
	return nil
}

// Fine counts the agents that found the target fine in every run so far.
func (p Probed) Fine() (n int) {
	for _, t := range p.Tallies {
		if t.OK == t.Runs {
			n++
		}
	}
	return n
}

// Add counts a run that was made here.
func (t *Tally) Add(r wire.Result) {
	t.count(Asked{Agent: r.Agent, Result: &r})
	slices.Sort(t.Took)
}

// count adds an answer.
func (t *Tally) count(a Asked) {
	t.Agent, t.Last = a.Agent, a
	t.Runs++
	if a.Err != nil || judge.OfResult(a.Result) != judge.Up {
		return
	}
	t.OK++
	if d, ok := a.Result.Latency(); ok {
		t.Took = append(t.Took, d)
	}
}

// At is the figure below which this part of the runs are, "-" where there is none:
// 0 is the least, 0.5 the median.
func (t Tally) At(part float64) string {
	if len(t.Took) == 0 {
		return "-"
	}
	return Short(t.Took[int(part*float64(len(t.Took)-1)+0.5)])
}

// Line is what came of a measurement in a single line.
func (p Probed) Line() string {
	var parts []string
	for _, t := range p.Tallies {
		parts = append(parts, t.Agent+" "+t.Last.line())
	}
	for _, id := range p.Away {
		parts = append(parts, id+" ? is offline")
	}
	more := ""
	if n := len(parts) - shortList; n > 0 {
		more = fmt.Sprintf(" · and %d more agents", n)
		parts = parts[:shortList]
	}
	return "probed: " + strings.Join(parts, " · ") + more
}

func (a Asked) line() string {
	if a.Err != nil {
		return "? " + a.Err.Error()
	}
	r := a.Result
	first, _, _ := strings.Cut(r.Error, "\n")
	switch r.Outcome {
	case wire.OK:
		text := "●"
		if d, ok := r.Latency(); ok {
			text += " " + Short(d)
		}
		return text + " " + r.Summary
	case wire.Failed:
		return fmt.Sprintf("✕ %s: %s", r.Failure, first)
	}
	return fmt.Sprintf("? %s: %s", r.Failure, first)
}
