package web

import (
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/judge"
	"netmon/wire"

	"netmon/console/view"
)

// TestPlot_NoLineThroughWhatIsNotKnown: a gap is grey and ends the bands; what was lost has
// a mark; the words and the table say the same.
func TestPlot_NoLineThroughWhatIsNotKnown(t *testing.T) {
	from := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	g := console.Graph{Monitor: "web", From: from, To: from.Add(time.Hour), Step: wire.Duration(time.Minute)}
	for i := range 60 {
		if i >= 20 && i < 40 {
			continue // nothing is known
		}
		low, mid, high := int64(10e6), int64(20e6), int64(40e6)
		c := console.GraphColumn{At: from.Add(time.Duration(i) * time.Minute), Runs: 6, MinNS: &low, P10NS: &low, P25NS: &low, P50NS: &mid, P75NS: &mid, P90NS: &high, MaxNS: &high}
		if i == 5 {
			lost := 0.5
			c.Loss, c.Failed = &lost, 3
		}
		g.Columns = append(g.Columns, c)
	}
	svg := string(plotSVG(&g, "1h"))
	for what, want := range map[string]int{`class="med"`: 2, `class="b3"`: 2, `class="gap"`: 1, `class="loss"`: 1, "not known": 1, "Medians from 20.0 ms to 20.0 ms, at most 40.0 ms. 240 runs, 3 failed": 1, "NaN": 0, "Inf": 0} {
		if n := strings.Count(svg, what); n != want {
			t.Errorf("%q is there %d times, want %d", what, n, want)
		}
	}
	empty := string(plotSVG(&console.Graph{Monitor: "web", From: from, To: from.Add(time.Hour), Step: wire.Duration(time.Minute)}, "1h"))
	if !strings.Contains(empty, "no latency was measured") || strings.Count(empty, `class="gap"`) != 1 {
		t.Error(empty)
	}
}

// TestPlot_IsAskedOnce: who looks at the same plot at the same time shares one question.
func TestPlot_IsAskedOnce(t *testing.T) {
	w := newWorld()
	w.save("web", "tcp", "h:1")
	w.graph = console.Graph{Monitor: "web", From: time.Now().Add(-time.Hour), To: time.Now(), Step: wire.Duration(time.Minute)}
	_, h := w.serve(t)
	for range 5 {
		if code, text, _ := get(t, h.URL+"/plot/web?span=1h"); code != 200 || !strings.Contains(text, `<svg class="plot"`) {
			t.Fatalf("%d: %s", code, text)
		}
	}
	if w.asked != 1 {
		t.Errorf("history was asked %d times", w.asked)
	}
}

// TestDayStrip: worse is another path, unknown stays unknown but for the half hour that
// goes on.
func TestDayStrip(t *testing.T) {
	var day view.Day
	for i := range day {
		day[i] = judge.Up
	}
	day[10], day[11], day[20], day[47] = judge.Down, judge.Down, judge.Unknown, judge.Unknown
	svg := string(dayView{&day, judge.Up}.HTML())
	for _, want := range []string{"2 down, 1 unknown, 45 up", `<path class="down" d="M40 0h7"/>`, `<path class="unk" d="M80 0h3"/>`, `<path class="up" d="M0 0h39M48 0h31M84 0h107"/>`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing in %s", want, svg)
		}
	}
	if svg := string(dayView{nil, judge.Unknown}.HTML()); !strings.Contains(svg, "48 unknown") {
		t.Error(svg)
	}
}

// TestSparkline: a run without a latency is a hole, and one run is no line.
func TestSparkline(t *testing.T) {
	if got := sparkline([]view.Figure{{V: 1, OK: true}, {V: 2, OK: true}, {}, {V: 2, OK: true}, {V: 0, OK: true}}); got != "M0 12l30 -9M90 3l30 18" {
		t.Error(got)
	}
	if got := sparkline([]view.Figure{{V: 1, OK: true}, {}}); got != "" {
		t.Error(got)
	}
}
