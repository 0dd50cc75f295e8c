package screen

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/graph"
	"netmon/console/view"
	"netmon/internal/timetext"
)

// Span is over which time the plot of the detail is.
type Span uint8

// The spans, in the order in which the key goes through them.
const (
	Live Span = iota // the last runs, as they come
	Hour
	Day
	Week
	Month
	spans = iota
)

func (s Span) String() string { return [...]string{"live", "1h", "24h", "7d", "30d"}[s] }

func (s Span) length() time.Duration {
	const day = 24 * time.Hour
	return [...]time.Duration{0, time.Hour, day, 7 * day, 30 * day}[s]
}

// again is after how long a graph that is shown is read again.
func (s Span) again() time.Duration {
	return min(max(s.length()/288, time.Minute), 10*time.Minute)
}

// spanNames are all of them, for help and completion.
func spanNames() (names []string) {
	for s := range Span(spans) {
		names = append(names, s.String())
	}
	return names
}

// Grapher reads a monitor from one agent, or with "" from all together, in at most so
// many columns: [console.Client.Graph].
type Grapher func(ctx context.Context, monitor, agent string, from, to time.Time, columns int) (console.Graph, error)

// graphKey is which graph is shown.
type graphKey struct {
	monitor, agent string
	span           Span
	columns        int
}

// graphed is what history answered.
type graphed struct {
	of    graphKey
	graph console.Graph
	why   string // there is none
}

// graphWanted is the graph that the screen needs, and false where it needs none.
func (u *UI) graphWanted(s view.Snapshot, w int) (graphKey, bool) {
	if u.Tab != Detail || u.Span == Live || s.Detail == nil {
		return graphKey{}, false
	}
	return graphKey{s.Detail.Name, s.Detail.On, u.Span, max(20, w-graph.Margin)}, true
}

// nextSpan goes through the spans.
func (u *UI) nextSpan(by int) {
	if u.Tab != Detail {
		u.refuse("t chooses over which time view 4 plots: it works there")
		return
	}
	u.Span = Span((int(u.Span) + by + spans) % spans) // #nosec G115 -- one of them
}

// spanOf chooses the span of that name, and shows it.
func (u *UI) spanOf(args []string, _ view.Snapshot) Effect {
	for s := range Span(spans) {
		if s.String() == args[0] {
			u.Span = s
		}
	}
	if u.Tab != Detail && u.Cursor != "" {
		u.open(u.Cursor)
	}
	return Effect{}
}

// spanPlot is the plot of a span: a title, then bands, what was lost and times.
func spanPlot(s view.Snapshot, u UI, w int, st Styles) plotted {
	key, _ := u.graphWanted(s, w)
	who := "all agents"
	if key.agent != "" {
		who = key.agent
	}
	title := fmt.Sprintf("latency over %s on %s", key.span, console.Printable(who))
	g := u.Graph.graph
	switch {
	case u.Graph.of != key:
		return plotted{title: st.in(st.Head, title), text: []string{"  reading history …"}}
	case u.Graph.why != "":
		return plotted{title: st.in(st.Head, title), text: indented("no history: "+console.Printable(u.Graph.why), 2, w)}
	}
	step, since := fmt.Sprintf(", %s a column", g.Step), ""
	if g.Since.After(g.From) {
		since = ", known since " + timetext.Clock(g.Since, g.To)
	}
	more := since
	for _, m := range []string{step + since + "  █ median ▓ half ▒ 80 % ░ all  lost: ▁…█  · nothing known", step + since + "  █ median ▓ half ▒ 80 % ░ all", step + since} {
		if ansi.StringWidth(title+m) <= w {
			more = m
			break
		}
	}
	return plotted{title: st.in(st.Head, title) + more, below: graph.Below, bars: func(rows int) []string { return graph.Lines(g, w, rows) }}
}

// plotted is a plot that takes as many rows as there are for it.
type plotted struct {
	title string
	bars  func(rows int) []string // and what is below them; nil: there is nothing to plot
	below int
	text  []string // in place of bars
}

// least is how many lines it takes at least.
func (p plotted) least() int {
	if p.bars == nil {
		return 1 + len(p.text)
	}
	return 1 + leastPlot + p.below
}

// lines are those of it with so many rows of bars.
func (p plotted) lines(rows int) []string {
	if p.bars == nil {
		return append([]string{p.title}, p.text...)
	}
	return append([]string{p.title}, p.bars(rows)...)
}

// liveAxis are the times below the runs of a live plot, each run wide columns.
func liveAxis(runs []view.PlotPoint, wide int) string {
	axis := graph.Axis(len(runs)*wide, 12, func(column int) string {
		if at := runs[column/wide].At; column%wide == 0 && !at.IsZero() {
			return at.Local().Format("15:04:05")
		}
		return ""
	})
	if strings.TrimSpace(axis) == "" {
		return ""
	}
	var from, to time.Time
	for _, r := range runs {
		if !r.At.IsZero() {
			if to = r.At; from.IsZero() {
				from = r.At
			}
		}
	}
	return right(graph.Zone(from, to), plotAxis-1) + " " + axis
}
