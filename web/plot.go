package web

import (
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/timetext"
	"netmon/wire"
)

// The plot, in units of its own: what it shows is scaled to the page.
const (
	plotWide, plotHigh    = 900, 260
	plotLeft, plotRight   = 80, 8
	plotTop, plotBottom   = 10, 40 // below are what was lost, and the times
	lostHigh              = 10
	plotInner, plotInnerH = plotWide - plotLeft - plotRight, plotHigh - plotTop - plotBottom
)

// plotView is a plot with all that stands around it.
type plotView struct {
	plotOf
	SVG   template.HTML
	Why   string // there is none
	Parts bool   // there are rows of agents
	More  int    // agents without a row
	Step  string
	Spans []span
	Rows  []plotRow // the figures of the plot, for who cannot see it
}

type plotRow struct{ At, P50, P90, Max, Lost, By string }

// plot answers with the plot alone, for a page that is open.
func (s *Server) plot(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if wire.CheckElement(name) != nil {
		s.notFound(w, r)
		return
	}
	d := s.detail(r.Context(), name)
	if d == nil { // history need not be asked for what is not there
		s.notFound(w, r)
		return
	}
	s.answer(w, r, http.StatusOK, "plot", s.plotView(r, plotAsked(r, name), d), "")
}

// detail is what is known of a monitor now; nil where there is none.
func (s *Server) detail(ctx context.Context, name string) *view.Detail {
	return s.awake(ctx).Snapshot(view.Query{Limit: 1, Detail: name}).Detail
}

func (s *Server) plotView(r *http.Request, p plotOf, d *view.Detail) plotView {
	v := plotView{plotOf: p, Spans: spans}
	if p.Agent != "" && d != nil && !slices.ContainsFunc(d.Agents, func(a view.OnAgent) bool { return a.Agent == p.Agent }) {
		v.Why = fmt.Sprintf("No agent %q runs %s, or did lately: its agents are below.", p.Agent, p.Name)
		return v
	}
	g, err := s.graph(r.Context(), p)
	if err != nil {
		v.Why = console.Printable(err.Error())
		return v
	}
	v.Step = g.Step.String()
	losses := s.losses(r.Context(), p, d)
	v.Parts, v.More = len(losses.list) > 0, losses.more
	v.SVG = plotLosses(&g, &losses, p.Span)
	every := max(1, len(g.Columns)/24)
	for i := 0; i < len(g.Columns); i += every {
		c := &g.Columns[i]
		row := plotRow{At: stamp(c.At), P50: nsText(c.P50NS), P90: nsText(c.P90NS), Max: nsText(c.MaxNS), Lost: none}
		if c.Loss != nil {
			row.Lost = console.PercentText(c.Loss)
		}
		row.By = losses.between(c.At, c.At.Add(time.Duration(every)*g.Step.Std()))
		v.Rows = append(v.Rows, row)
	}
	return v
}

func nsText(ns *int64) string {
	if ns == nil {
		return none
	}
	return console.Short(time.Duration(*ns))
}

// plotSVG draws bands of percentiles, a line through the medians, what was lost at the foot,
// and grey where nothing is known. It never draws a line through what is not known.
func plotSVG(g *console.Graph, words string) template.HTML {
	return plotLosses(g, &lossView{}, words)
}

// plotLosses is plotSVG with what each agent lost below.
func plotLosses(g *console.Graph, losses *lossView, words string) template.HTML {
	step, long := g.Step.Std(), g.To.Sub(g.From)
	if step <= 0 || long <= 0 {
		return ""
	}
	x := func(t time.Time) float64 { return plotLeft + plotInner*float64(t.Sub(g.From))/float64(long) }
	var most float64
	known := false
	for i := range g.Columns {
		c := &g.Columns[i]
		for _, v := range []*int64{c.MaxNS, c.P90NS} {
			if v != nil {
				most, known = max(most, float64(*v)), true
			}
		}
	}
	top, tick := scale(most)
	y := func(ns float64) float64 { return plotTop + plotInnerH*(1-ns/top) }
	var b strings.Builder
	who := "all agents"
	if g.Agent != "" {
		who = g.Agent
	}
	title := console.Printable(fmt.Sprintf("Latency of %s from %s over %s", g.Monitor, who, words))
	fmt.Fprintf(&b, `<svg class="plot" viewBox="0 0 %d %d" role="img" aria-labelledby="plot-title plot-desc"><title id="plot-title">%s</title><desc id="plot-desc">%s</desc>`,
		plotWide, plotHigh+losses.high(), template.HTMLEscapeString(title), template.HTMLEscapeString(console.Printable(plotWords(g, known)+losses.words())))
	if known {
		for v := 0.0; v <= top*1.0001; v += tick {
			fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="ax" x="%d" y="%.1f">%s</text>`, plotLeft, plotWide-plotRight, y(v), y(v), plotLeft-8, y(v)+4, axisText(v))
		}
	}
	timeMarks(&b, g, x, plotHigh+losses.high()-6)
	losses.draw(&b, g, plotHigh-plotBottom+lostHigh+14, x)
	for _, r := range runsOf(g.Columns, step) {
		smoke(&b, g.Columns[r[0]:r[1]], step, x, y)
	}
	unknown(&b, g, step, x)
	for i := range g.Columns {
		if c := &g.Columns[i]; c.Loss != nil && *c.Loss > 0 {
			high := math.Max(2, lostHigh**c.Loss)
			fmt.Fprintf(&b, `<rect class="loss" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x(c.At), plotHigh-plotBottom+lostHigh+2-high, math.Max(1, x(c.At.Add(step))-x(c.At)-0.4), high)
		}
	}
	if !known {
		fmt.Fprintf(&b, `<text class="ax mid" x="%d" y="%d">no latency was measured in this time</text>`, plotLeft+plotInner/2, plotHigh/2)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // #nosec G203 -- numbers, and text that is escaped
}

// runsOf are the columns that follow each other without a hole, as [from, to).
func runsOf(columns []console.GraphColumn, step time.Duration) (runs [][2]int) {
	for i := range columns {
		if columns[i].P50NS == nil {
			continue
		}
		if n := len(runs) - 1; n >= 0 && runs[n][1] == i && columns[i].At.Sub(columns[i-1].At) <= step+step/2 {
			runs[n][1] = i + 1
		} else {
			runs = append(runs, [2]int{i, i + 1})
		}
	}
	return runs
}

// smoke draws the bands of neighbours, the widest first, and the line of the medians.
func smoke(b *strings.Builder, cols []console.GraphColumn, step time.Duration, x func(time.Time) float64, y func(float64) float64) {
	for _, band := range []struct {
		class     string
		low, high func(c *console.GraphColumn) *int64
	}{
		{"b3", func(c *console.GraphColumn) *int64 { return c.MinNS }, func(c *console.GraphColumn) *int64 { return c.MaxNS }},
		{"b2", func(c *console.GraphColumn) *int64 { return c.P10NS }, func(c *console.GraphColumn) *int64 { return c.P90NS }},
		{"b1", func(c *console.GraphColumn) *int64 { return c.P25NS }, func(c *console.GraphColumn) *int64 { return c.P75NS }},
	} {
		var there, back strings.Builder
		for i := range cols {
			c, d := &cols[i], &cols[len(cols)-1-i]
			if low, high := band.low(c), band.high(c); low == nil || high == nil {
				return
			}
			fmt.Fprintf(&there, "L%.1f %.1fH%.1f", x(c.At), y(float64(*band.high(c))), x(c.At.Add(step)))
			if l := band.low(d); l != nil {
				fmt.Fprintf(&back, "L%.1f %.1fH%.1f", x(d.At.Add(step)), y(float64(*l)), x(d.At))
			}
		}
		fmt.Fprintf(b, `<path class="%s" d="M%s%sZ"/>`, band.class, there.String()[1:], back.String())
	}
	var line strings.Builder
	for i := range cols {
		fmt.Fprintf(&line, "L%.1f %.1fH%.1f", x(cols[i].At), y(float64(*cols[i].P50NS)), x(cols[i].At.Add(step)))
	}
	fmt.Fprintf(b, `<path class="med" d="M%s"/>`, line.String()[1:])
}

// unknown draws grey where there is no column: nothing is known of that time.
func unknown(b *strings.Builder, g *console.Graph, step time.Duration, x func(time.Time) float64) {
	block := func(from, to time.Time) {
		if to.Sub(from) < step {
			return
		}
		x1, x2 := x(from), x(to)
		fmt.Fprintf(b, `<rect class="gap" x="%.1f" y="%d" width="%.1f" height="%d"/>`, x1, plotTop, x2-x1, plotInnerH)
		if x2-x1 > 90 {
			fmt.Fprintf(b, `<text class="ax mid" x="%.1f" y="%d">not known</text>`, (x1+x2)/2, plotTop+14)
		}
	}
	at := g.From
	for i := range g.Columns {
		block(at, g.Columns[i].At)
		at = g.Columns[i].At.Add(step)
	}
	if at.Before(g.To) {
		block(at, g.To)
	}
}

// scale is the top of the axis and the distance of its lines, for latencies up to most.
func scale(most float64) (top, tick float64) {
	if most <= 0 {
		return 1e6, 1e6
	}
	tick = math.Pow(10, math.Floor(math.Log10(most)))
	for _, part := range []float64{0.2, 0.25, 0.5, 1, 2, 2.5} {
		if most/(tick*part) <= 5 {
			tick *= part
			break
		}
	}
	return math.Ceil(most/tick) * tick, tick
}

func axisText(ns float64) string {
	if ns == 0 {
		return "0"
	}
	return console.Short(time.Duration(ns))
}

// timeMarks writes times below the plot, in the zone of this computer, which it names.
func timeMarks(b *strings.Builder, g *console.Graph, x func(time.Time) float64, y int) {
	long := g.To.Sub(g.From)
	form, each := "15:04", 10*time.Minute
	switch {
	case long > 100*24*time.Hour:
		form, each = "2006-01-02", 60*24*time.Hour
	case long > 14*24*time.Hour:
		form, each = "01-02", 5*24*time.Hour
	case long > 3*24*time.Hour:
		form, each = "01-02", 24*time.Hour
	case long > 3*time.Hour:
		each = 3 * time.Hour
	}
	for t := g.From.Truncate(each).Add(each); t.Before(g.To); t = t.Add(each) {
		if x(t) > plotLeft+20 && x(t) < plotWide-plotRight-70 {
			fmt.Fprintf(b, `<text class="ax mid" x="%.1f" y="%d">%s</text>`, x(t), y, t.Local().Format(form))
		}
	}
	fmt.Fprintf(b, `<text class="ax" x="%d" y="%d">%s</text>`, plotWide-plotRight, y, timetext.Zone(g.To))
}

// plotWords say what the plot shows, for who cannot see it.
func plotWords(g *console.Graph, known bool) string {
	if !known {
		return "No latency was measured in this time."
	}
	var low, high, most int64
	var runs, failed, broken uint64
	for i := range g.Columns {
		c := &g.Columns[i]
		runs, failed, broken = runs+c.Runs, failed+c.Failed, broken+c.Broken
		if c.P50NS != nil && (low == 0 || *c.P50NS < low) {
			low = *c.P50NS
		}
		if c.P50NS != nil {
			high = max(high, *c.P50NS)
		}
		if c.MaxNS != nil {
			most = max(most, *c.MaxNS)
		}
	}
	return fmt.Sprintf("Medians from %s to %s, at most %s. %d runs, %d failed, %d could not measure.", console.Short(time.Duration(low)), console.Short(time.Duration(high)), console.Short(time.Duration(most)), runs, failed, broken)
}
