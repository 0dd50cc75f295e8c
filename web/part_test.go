package web

import (
	"strings"
	"testing"
	"time"

	"netmon/console/view"
)

// rowsAt is a frame of rows that all have this line and this figure.
func rowsAt(n int, line, figure string) frame {
	f := frame{title: "t"}
	for i := range n {
		name := "m" + string(rune('A'+i))
		f.parts = append(f.parts, part{ID: "m-" + name, Shape: "row", Listed: true, Body: rowBody{Name: name, Why: "why"}, Draw: func() string { return line }, Write: func() cells { return cells{figure} }})
	}
	return f
}

// TestState_FiguresAndLines: each is sent once it is due, and a page has the newest,
// escaped; what was rendered is not rendered again for a figure.
func TestState_FiguresAndLines(t *testing.T) {
	const rows = 20
	var s state
	now := time.Now()
	step := func(f frame) event {
		t.Helper()
		e, err := s.take(f, now)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := step(rowsAt(rows, "M0 1", "< 1 min")); len(e.HTML) != rows || !strings.Contains(e.HTML["m-mA"], `<td class="num f">&lt; 1 min</td>`) || strings.ContainsAny(e.HTML["m-mA"], "\x01\x02\x03\x04\x05\x06") {
		t.Fatalf("at first it is %+v", e)
	}
	if e := step(rowsAt(rows, "M0 1", "1 min")); len(e.HTML) > 0 || len(e.Cells) == rows {
		t.Errorf("at once %d figures and %d rows are sent", len(e.Cells), len(e.HTML))
	}
	all := map[string]bool{}
	for range 5 {
		now = now.Add(figuresEach / 5)
		e := step(rowsAt(rows, "M0 1", "<b>"))
		if len(e.HTML) > 0 {
			t.Errorf("rows are rendered for their figures: %v", e.HTML)
		}
		for id := range e.Cells {
			all[id] = true
		}
	}
	if len(all) != rows {
		t.Errorf("within %v %d of %d figures were sent", figuresEach, len(all), rows)
	}
	if text := string(s.html("m-mA")); !strings.Contains(text, ">&lt;b&gt;</td>") {
		t.Errorf("the page has %s", text)
	}
	now = now.Add(linesEach)
	if e := step(rowsAt(rows, "M0 2", "<b>")); len(e.HTML) != rows || !strings.Contains(e.HTML["m-mA"], `d="M0 2"`) {
		t.Errorf("later %d lines are sent", len(e.HTML))
	}
	for id, x := range s.of {
		if x.Draw != nil || x.Write != nil {
			t.Errorf("%s holds the rows of a moment that is over", id)
		}
	}
}

// TestState_ComesAtPhases: what is due now and then is not due for all rows at once.
func TestState_ComesAtPhases(t *testing.T) {
	const rows, frames = 26, 26
	var s state
	now, most := time.Now(), 0
	for i := range frames {
		e, err := s.take(rowsAt(rows, "M0 "+string(rune('0'+i)), ""), now)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			most = max(most, len(e.HTML))
		}
		now = now.Add(linesEach / frames)
	}
	if most > rows/2 {
		t.Errorf("%d of %d lines come at once", most, rows)
	}
}

// TestReason_NoMarks: no text of others has what stands for a figure.
func TestReason_NoMarks(t *testing.T) {
	r := view.Row{Name: "web", Kind: "tcp", Target: "h\x01\x06:1", Problem: "no\x01thing\x05"}
	p := monitorRow(&r, time.Now())
	text, err := render(&p)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text, "\x01"); n != 1 {
		t.Errorf("the first figure stands in %d places of %q", n, text)
	}
}
