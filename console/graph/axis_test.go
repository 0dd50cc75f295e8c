package graph

import (
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/wire"
)

// TestAxis: labels stand where their columns begin, whole, and apart from each other.
func TestAxis(t *testing.T) {
	label := func(i int) string {
		if i%3 != 0 {
			return "" // not every column has a time
		}
		return "12:00"
	}
	if got, want := Axis(30, 8, label), "12:00    12:00    12:00"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for columns := range 8 {
		if got := Axis(columns, 8, func(int) string { return "12:00" }); columns < 5 && got != "" || len(got) > columns {
			t.Errorf("in %d columns %q", columns, got)
		}
	}
}

// TestZone names both zones where clocks change between the ends of an axis.
func TestZone(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Skip("no zones are known here:", err)
	}
	was := time.Local
	time.Local = oslo
	defer func() { time.Local = was }()
	summer, winter := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if got := Zone(summer, winter) + " " + Zone(winter, winter); got != "CEST/CET CET" {
		t.Errorf("%q", got)
	}
	lines := Lines(console.Graph{From: winter, To: winter.Add(time.Hour), Step: wire.Duration(time.Minute)}, 80, 4)
	if len(lines) != 4+Below || !strings.HasPrefix(lines[5], "     CET  01:00") || !strings.Contains(lines[2], "no latency was measured") {
		t.Errorf("%q", lines)
	}
}
