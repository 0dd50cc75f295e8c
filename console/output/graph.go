package output

import (
	"io"
	"strings"

	"netmon/console"
	"netmon/console/graph"
)

// GraphMargin is how many columns of a terminal a graph takes for its scale.
const GraphMargin = graph.Margin

// Graph draws a monitor for a terminal of this size, with a title and a legend.
func Graph(w io.Writer, g console.Graph, width, height int) error {
	lines := append([]string{graph.Title(g)}, graph.Lines(g, max(width, GraphMargin+20), max(height-8, 4))...)
	_, err := io.WriteString(w, strings.Join(append(lines, graph.Legend), "\n")+"\n")
	return err
}
