package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
)

// Rows of a plot below its bands, one for each agent, over the same time.
const (
	lossRows    = 10 // agents at most
	lossRowHigh = 20
	lossBarHigh = 12
	lossName    = 9 // characters of an agent's name beside its row
)

// lossView is what each agent lost, for a plot.
type lossView struct {
	list []console.AgentLoss
	more int // agents that have no row
}

// high is how much a plot grows by it.
func (v *lossView) high() int {
	if len(v.list) == 0 {
		return 0
	}
	return len(v.list)*lossRowHigh + 12
}

// losses are those of the agents of a plot that is of all together: of many those that lose
// most now.
func (s *Server) losses(ctx context.Context, p plotOf, d *view.Detail) lossView {
	if p.Agent != "" || d == nil {
		return lossView{}
	}
	on := slices.Clone(d.Agents)
	slices.SortStableFunc(on, func(a, b view.OnAgent) int {
		return cmp.Or(cmp.Compare(lossNow(&b), lossNow(&a)), strings.Compare(a.Agent, b.Agent))
	})
	var names []string
	more := 0
	for i := range on {
		switch {
		case !on[i].Wanted:
		case len(names) < lossRows:
			names = append(names, on[i].Agent)
		default:
			more++
		}
	}
	if len(names) < 2 {
		return lossView{} // the plot says it already
	}
	slices.Sort(names)
	got, err := s.past.ask(ctx, "losses "+p.Name+" "+p.Span+" "+strings.Join(names, " "), p.hold(), func(ctx context.Context) (any, error) {
		to := time.Now()
		return s.o.Archive.Losses(ctx, p.Name, names, to.Add(-p.long), to, plotColumns)
	})
	if err != nil {
		return lossView{} // the plot is worth showing without
	}
	return lossView{got.([]console.AgentLoss), more}
}

// lossNow is what an agent lost lately; less than nothing where that is not known.
func lossNow(a *view.OnAgent) float64 {
	if !a.Loss.OK {
		return -1
	}
	return a.Loss.V
}

// draw writes a row for each agent, the first one at this height: what it lost as bars, and
// grey where nothing is known.
func (v *lossView) draw(b *strings.Builder, g *console.Graph, top float64, x func(time.Time) float64) {
	if len(v.list) == 0 {
		return
	}
	fmt.Fprintf(b, `<text class="ax nm" x="%d" y="%d">all</text>`, plotLeft-8, plotHigh-plotBottom+lostHigh+9)
	step := g.Step.Std()
	for i := range v.list {
		a := &v.list[i]
		foot := top + float64(i)*lossRowHigh + lossBarHigh
		name := console.Printable(a.Agent)
		short := name
		if r := []rune(name); len(r) > lossName+1 {
			short = string(r[:lossName]) + "…"
		}
		fmt.Fprintf(b, `<g><title>%s: %s</title><text class="ax nm" x="%d" y="%.1f">%s</text>`, template.HTMLEscapeString(name), worstText(a), plotLeft-8, foot, template.HTMLEscapeString(short))
		var known, lost, gaps strings.Builder
		at := g.From
		gap := func(from, to time.Time) {
			if to.Sub(from) >= step {
				fmt.Fprintf(&gaps, "M%.1f %.1fh%.1fv-%dH%.1fz", x(from), foot, x(to)-x(from), lossBarHigh/2, x(from))
			}
		}
		for k := range a.Columns {
			c := &a.Columns[k]
			if c.Loss == nil || c.At.Before(g.From) {
				continue
			}
			gap(at, c.At)
			end := c.At.Add(step)
			if end.After(g.To) {
				end = g.To
			}
			fmt.Fprintf(&known, "M%.1f %.1fH%.1f", x(c.At), foot, x(end))
			if *c.Loss > 0 {
				high := math.Max(2, lossBarHigh**c.Loss)
				fmt.Fprintf(&lost, "M%.1f %.1fh%.1fv-%.1fH%.1fz", x(c.At), foot, math.Max(1.5, x(end)-x(c.At)-0.4), high, x(c.At))
			}
			at = end
		}
		gap(at, g.To)
		for _, p := range []struct{ class, path string }{{"gap", gaps.String()}, {"kept", known.String()}, {"loss", lost.String()}} {
			if p.path != "" {
				fmt.Fprintf(b, `<path class="%s" d="%s"/>`, p.class, p.path)
			}
		}
		b.WriteString("</g>")
	}
}

// worstText says in a few words what an agent lost.
func worstText(a *console.AgentLoss) string {
	worst, known := 0.0, false
	for i := range a.Columns {
		if l := a.Columns[i].Loss; l != nil {
			worst, known = max(worst, *l), true
		}
	}
	switch {
	case !known:
		return "not known"
	case worst == 0:
		return "nothing lost"
	}
	return "at most " + console.PercentText(&worst) + " lost"
}

// between says which agents lost something in a part of the time, and how much at most.
func (v *lossView) between(from, to time.Time) string {
	var list []string
	for i := range v.list {
		worst := 0.0
		for k := range v.list[i].Columns {
			if c := &v.list[i].Columns[k]; c.Loss != nil && !c.At.Before(from) && c.At.Before(to) {
				worst = max(worst, *c.Loss)
			}
		}
		if worst > 0 {
			list = append(list, console.Printable(v.list[i].Agent)+" "+console.PercentText(&worst))
		}
	}
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}

// words say what the rows show, for who cannot see them.
func (v *lossView) words() string {
	var list []string
	for i := range v.list {
		list = append(list, v.list[i].Agent+": "+worstText(&v.list[i]))
	}
	if len(list) == 0 {
		return ""
	}
	return " By agent: " + strings.Join(list, "; ") + "."
}
