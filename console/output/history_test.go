package output

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netmon/console"
	"netmon/wire"
)

// TestGraph: it fits its terminal, shows gaps as gaps, and draws nothing where nothing is known.
func TestGraph(t *testing.T) {
	from := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	ns := func(v int64) *int64 { return &v }
	lost, none := 0.5, 0.0
	g := console.Graph{Monitor: "web", From: from, To: from.Add(70 * 20 * time.Minute), Step: wire.Duration(20 * time.Minute)}
	for i := range 70 {
		if i >= 20 && i < 30 {
			continue // nobody measured
		}
		c := console.GraphColumn{At: from.Add(time.Duration(i) * 20 * time.Minute), Runs: 10, MinNS: ns(9e6), P10NS: ns(95e5), P25NS: ns(98e5), P50NS: ns(1e7), P75NS: ns(11e6), P90NS: ns(13e6), MaxNS: ns(5e7), Loss: &none}
		if i == 40 {
			c.Loss = &lost
		}
		g.Columns = append(g.Columns, c)
	}
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		var b strings.Builder
		if err := Graph(&b, g, size[0], size[1]); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) > size[1] {
			t.Errorf("%d lines in a terminal of %d", len(lines), size[1])
		}
		for _, line := range lines[:len(lines)-1] {
			if n := utf8.RuneCountInString(line); n > size[0] {
				t.Errorf("a line of %d in a terminal of %d: %q", n, size[0], line)
			}
			if i := strings.IndexRune(line, '┤'); i >= 0 {
				row := []rune(line[i+len("┤"):])
				for col := 20; col < 30 && size[0] == 80 && col < len(row); col++ {
					if row[col] != ' ' {
						t.Errorf("it draws %q over a gap: %q", row[col], line)
					}
				}
			}
			if strings.Contains(line, "lost ") && size[0] == 80 {
				if row := []rune(line[len("    lost  "):]); string(row[20:30]) != "··········" || row[40] != '▅' || row[10] != ' ' {
					t.Errorf("what is lost is %q", line)
				}
			}
		}
		if !strings.Contains(b.String(), "█") {
			t.Errorf("no median:\n%s", b.String())
		}
	}
	var b strings.Builder
	if err := Graph(&b, console.Graph{Monitor: "web", From: from, To: from.Add(time.Hour), Step: wire.Duration(time.Minute)}, 80, 24); err != nil || !strings.Contains(b.String(), "no latency was measured") {
		t.Errorf("of nothing: %v\n%s", err, b.String())
	}
}
