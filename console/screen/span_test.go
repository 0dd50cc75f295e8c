package screen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// smoky is a graph with a gap, and a time in which half was lost.
func smoky(monitor, agent string, from, to time.Time, columns int) console.Graph {
	step := max(time.Minute, (to.Sub(from)/time.Duration(columns)).Truncate(time.Minute)+time.Minute)
	g := console.Graph{Monitor: monitor, Agent: agent, From: from.Truncate(time.Minute), To: to, Step: wire.Duration(step), Since: from.Add(to.Sub(from) / 8)}
	for i := range int(to.Sub(from)/step) + 1 {
		at := g.From.Add(time.Duration(i) * step)
		if at.Before(g.Since) || i%20 > 15 || !at.Before(to) {
			continue
		}
		ns := func(factor float64) *int64 {
			v := int64(factor * (20e6 + float64(i%15)*1e6))
			return &v
		}
		loss := float64(i%20/12) / 2
		g.Columns = append(g.Columns, console.GraphColumn{At: at, Runs: 30, MinNS: ns(0.8), P10NS: ns(0.9), P25NS: ns(0.95), P50NS: ns(1), P75NS: ns(1.2), P90NS: ns(1.4), MaxNS: ns(3), Loss: &loss})
	}
	return g
}

// TestRender_Spans draws the plot of each span, and what stands in its place where
// history does not answer.
func TestRender_Spans(t *testing.T) {
	for name, c := range map[string]struct {
		span  Span
		sizes [][2]int
		why   string
		st    Styles
	}{
		"span-1h":      {span: Hour, sizes: [][2]int{{80, 24}}},
		"span-24h":     {span: Day, sizes: [][2]int{{80, 24}, {60, 15}, {200, 50}}},
		"span-7d":      {span: Week, sizes: [][2]int{{80, 24}}},
		"span-30d":     {span: Month, sizes: [][2]int{{60, 15}}},
		"span-none":    {span: Day, sizes: [][2]int{{80, 24}, {60, 15}}, why: "nobody answers about history: no controller keeps one here\x1b[2J"},
		"span-reading": {span: Day, sizes: [][2]int{{80, 24}}, why: "reading"},
		"span-ascii":   {span: Day, sizes: [][2]int{{80, 24}}, st: Styles{ASCII: true}},
	} {
		for _, size := range c.sizes {
			w, h := size[0], size[1]
			v, now := office()
			u := New("nats://127.0.0.1:4222", nil)
			press(t, v, &u, now, "/", "w", "e", "b", "enter", "enter")
			for range c.span {
				press(t, v, &u, now, "t")
			}
			_, s := draw(v, &u, now, w, h, c.st)
			key, ok := u.graphWanted(s, w)
			if !ok || key.span != c.span || key.agent != "tokyo" {
				t.Fatalf("%s: %+v", name, key)
			}
			switch {
			case c.why == "":
				u.Graph = graphed{of: key, graph: smoky("web", "tokyo", now.Add(-c.span.length()), now, key.columns)}
			case c.why != "reading":
				u.Graph = graphed{of: key, why: c.why}
			}
			got, s := draw(v, &u, now, w, h, c.st)
			golden(t, fmt.Sprintf("%s-%dx%d", name, w, h), got)
			fits(t, name, got, w, h)
			fits(t, name, Render(s, u, w, h, Colours), w, h)
			if i := strings.IndexFunc(got, func(r rune) bool { return r > 0x7e }); c.st.ASCII && i >= 0 {
				t.Errorf("%q in\n%s", got[i:i+4], got)
			}
		}
	}
}

// TestRender_SpanAnySize draws a graph where there is hardly room for it.
func TestRender_SpanAnySize(t *testing.T) {
	v, now := office()
	for w := leastWidth; w < 130; w += 3 {
		for h := leastHeight; h < 40; h++ {
			u := New("nats://127.0.0.1:4222", nil)
			u.Tab, u.Cursor, u.Chosen, u.Span = Detail, "web", true, Week
			_, s := draw(v, &u, now, w, h, Styles{})
			key, _ := u.graphWanted(s, w)
			u.Graph = graphed{of: key, graph: smoky("web", "tokyo", now.Add(-Week.length()), now, key.columns)}
			got, _ := draw(v, &u, now, w, h, Styles{})
			fits(t, fmt.Sprintf("%dx%d", w, h), got, w, h)
			if h >= 14 && !strings.Contains(got, "┤") {
				t.Errorf("%dx%d: no plot in\n%s", w, h, got)
			}
		}
	}
}

func TestUI_Spans(t *testing.T) {
	v, now := office()
	u := New("nats://127.0.0.1:4222", nil)
	press(t, v, &u, now, "t")
	if u.Span != Live || !u.Bad {
		t.Errorf("t in the list: %v, %q", u.Span, u.Message)
	}
	press(t, v, &u, now, "enter", "t", "t", "T")
	if u.Span != Hour {
		t.Errorf("after t t T it is %v", u.Span)
	}
	press(t, v, &u, now, "T", "T")
	if u.Span != Month {
		t.Errorf("before live there is %v", u.Span)
	}
	for line, want := range map[string]string{"span 7d": "7d", "sp live": "live", "span 24h": "24h"} {
		press(t, v, &u, now, ":")
		u.Type("x") // what is typed before is taken back
		press(t, v, &u, now, "ctrl+u")
		for _, r := range line {
			u.Type(string(r))
		}
		press(t, v, &u, now, "enter")
		if u.Span.String() != want || u.Bad {
			t.Errorf(":%s has %v, %q", line, u.Span, u.Message)
		}
	}
	press(t, v, &u, now, ":", "s", "p", "tab", "3", "tab", "enter")
	if u.Span != Month {
		t.Errorf("completed: %v, %q", u.Span, u.Message)
	}
	press(t, v, &u, now, ":", "s", "p", "a", "n", "space", "2", "d", "enter")
	if !u.Bad || !strings.Contains(u.Message, "want span live|1h|24h|7d|30d") {
		t.Errorf("%q", u.Message)
	}
}

// TestProgram_Graph asks history once at a time, for what is shown, and again when that is old.
func TestProgram_Graph(t *testing.T) {
	v, now := office()
	var asked []string
	p := &program{o: Options{Model: at{shown{v}, &now}, Styles: Styles{}, Graph: func(_ context.Context, monitor, agent string, from, to time.Time, columns int) (console.Graph, error) {
		asked = append(asked, fmt.Sprintf("%s on %s over %s", monitor, agent, to.Sub(from)))
		if len(asked) > 2 {
			return console.Graph{}, errors.New("nobody answers about history")
		}
		return smoky(monitor, agent, from, to, columns), nil
	}}, ctx: t.Context(), ui: New("x", nil), w: 80, h: 24}
	p.ui.Tab, p.ui.Cursor, p.ui.Chosen = Detail, "web", true
	p.refresh()
	key := func(code rune) tea.Cmd {
		_, cmd := p.Update(tea.KeyPressMsg{Code: code, Text: string(code)})
		return cmd
	}
	first := key('t')
	if first == nil || !strings.Contains(p.text, "reading history") {
		t.Fatalf("nothing is asked:\n%s", p.text)
	}
	if key('t') != nil { // one question at a time
		t.Error("a second question while the first is asked")
	}
	_, next := p.Update(first()) // now what is shown is 24h
	if next == nil {
		t.Fatal("what is shown now is not asked for")
	}
	_, again := p.Update(next())
	if again != nil || !strings.Contains(p.text, "latency over 24h on tokyo") || !strings.Contains(p.text, "┤") {
		t.Errorf("again %v:\n%s", again != nil, p.text)
	}
	p.graphTo = p.graphTo.Add(-Day.again())
	later := p.askGraph()
	if later == nil {
		t.Fatal("a graph that is old is not read again")
	}
	p.Update(later())
	if !strings.Contains(p.text, "no history: nobody answers about history") {
		t.Errorf("\n%s", p.text)
	}
	if want := []string{"web on tokyo over 1h0m0s", "web on tokyo over 24h0m0s", "web on tokyo over 24h0m0s"}; fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("%q", asked)
	}
}

// at is a model at a time of its own.
type at struct {
	shown
	now *time.Time
}

func (a at) Snapshot(q view.Query) view.Snapshot { return a.Mesh.Snapshot(q, *a.now) }
