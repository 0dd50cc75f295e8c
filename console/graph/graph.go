// Package graph draws a monitor over a time in characters: bands of percentiles, what was
// lost below them, and the times. Commands and the live screen draw by it.
package graph

import (
	"fmt"
	"math"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
)

// Margin is how many columns a graph takes for its scale.
const Margin = 10

// Legend says what the signs are.
const Legend = "█ median  ▓ middle half  ▒ middle 80 %  ░ least to greatest  lost: ▁ some … █ all, · nothing known"

// Below is how many lines stand below the bands: what was lost, and the times.
const Below = 2

// Title is what a graph shows: the monitor, from whom, from when to when.
func Title(g console.Graph) string {
	who := "all agents"
	if g.Agent != "" {
		who = g.Agent
	}
	return fmt.Sprintf("%s from %s, %s to %s, %s a column", console.Printable(g.Monitor), console.Printable(who), timetext.Minute(g.From), timetext.Minute(g.To), g.Step)
}

// Lines draws a monitor as smoke, width columns wide: the median, the middle half of the
// runs, the middle 80 %, and from the least to the greatest, lighter each time, in so many
// rows; then what was lost, and the times. Time of which nothing is known is empty.
func Lines(g console.Graph, width, rows int) (lines []string) {
	columns := max(width-Margin, 1)
	step := g.Step.Std()
	if step <= 0 {
		step = time.Minute
	}
	at, zoom := spread(&g, step, columns)
	low, high, any := bounds(at)
	for row := range rows {
		label := ""
		line := make([]rune, len(at))
		for i := range line {
			line[i] = ' '
		}
		switch {
		case any:
			top, bottom := level(low, high, rows, row), level(low, high, rows, row+1)
			if row%3 == 0 || row == rows-1 {
				label = console.Short(time.Duration((top + bottom) / 2))
			}
			for i := range line {
				line[i] = smoke(at[i], bottom, top, row == 0)
			}
		case row == rows/2:
			line = []rune("no latency was measured in this time")
		}
		text := fmt.Sprintf("%*s ┤%s", Margin-2, label, string(line[:min(len(line), columns)]))
		lines = append(lines, strings.TrimRight(text, " "))
	}
	end := g.From.Add(time.Duration(len(at)) * step / time.Duration(zoom))
	return append(lines,
		strings.TrimRight(fmt.Sprintf("%*s  %s", Margin-2, "lost", lostLine(at)), " "),
		fmt.Sprintf("%*s  %s", Margin-2, Zone(g.From, end), timeAxis(g.From, len(at), step/time.Duration(zoom))))
}

// spread lays the columns of a graph on those of a screen, in which few are drawn wider:
// each zoom wide.
func spread(g *console.Graph, step time.Duration, columns int) (at []*console.GraphColumn, zoom int) {
	used := 0
	if long := g.To.Sub(g.From); long > 0 {
		used = int(min(int64(columns), int64((long-1)/step)+1))
	}
	zoom = max(1, columns/max(used, 1))
	at = make([]*console.GraphColumn, used*zoom)
	for i := range g.Columns {
		n := int(g.Columns[i].At.Sub(g.From) / step)
		if n < 0 || n >= used {
			continue
		}
		for k := range zoom {
			at[n*zoom+k] = &g.Columns[i]
		}
	}
	return at, zoom
}

// bounds are those of the scale: what is outside of them is drawn at its edge.
func bounds(at []*console.GraphColumn) (low, high float64, any bool) {
	low = math.Inf(1)
	for _, c := range at {
		if c == nil || c.P50NS == nil {
			continue
		}
		low, high, any = min(low, float64(*c.MinNS)), max(high, float64(*c.P90NS)*1.15), true
	}
	low = max(low, 1)
	if high < low*1.1 {
		high = low * 1.1
	}
	return low, high, any
}

// level is the upper edge of a row, on a scale of equal ratios where the figures differ
// much, and of equal steps where they do not.
func level(low, high float64, rows, row int) float64 {
	part := 1 - float64(row)/float64(rows)
	if high > 5*low {
		return low * math.Pow(high/low, part)
	}
	return low + (high-low)*part
}

// smoke is what a column shows between two levels.
func smoke(c *console.GraphColumn, bottom, top float64, first bool) rune {
	if c == nil || c.P50NS == nil {
		return ' '
	}
	within := func(a, b *int64) bool { // some of it
		return float64(*b) >= bottom && float64(*a) <= top || first && float64(*a) > top
	}
	switch {
	case within(c.P50NS, c.P50NS):
		return '█'
	case within(c.P25NS, c.P75NS):
		return '▓'
	case within(c.P10NS, c.P90NS):
		return '▒'
	case within(c.MinNS, c.MaxNS):
		return '░'
	}
	return ' '
}

// lostLine is how much was lost, by column.
func lostLine(at []*console.GraphColumn) string {
	var b strings.Builder
	for _, c := range at {
		switch {
		case c == nil || c.Loss == nil:
			b.WriteRune('·')
		case *c.Loss <= 0:
			b.WriteRune(' ')
		default:
			b.WriteRune([]rune("▁▂▃▄▅▆▇█")[max(0, min(7, int(*c.Loss*8)))])
		}
	}
	return b.String()
}
